// A viewfinder with the photo of the finding laid over it, where the browser lends its camera; elsewhere the camera tile does.
(() => {
  "use strict";
  const lent = navigator.mediaDevices && navigator.mediaDevices.getUserMedia;
  const make = (tag, words = "", name = "") => Object.assign(document.createElement(tag), { textContent: words, className: name });
  if (!lent) return;
  document.querySelectorAll("[data-finder]").forEach((opener) => {
    opener.parentElement.hidden = false;
    opener.addEventListener("click", () => open(opener));
  });
  const open = async (opener) => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
    } catch {
      opener.replaceWith(make("p", "这部手机没有让网页使用摄像头，请点上面的“拍照”。", "hint"));
      return;
    }
    const box = make("div", "", "finder"), sight = make("div", "", "sight"), video = document.createElement("video"), ghost = new Image();
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", "对着原图拍");
    video.srcObject = stream;
    video.playsInline = video.muted = true;
    ghost.src = opener.dataset.ghost;
    ghost.alt = "发现问题时的照片";
    sight.append(video, ghost);
    const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 80, value: 40 });
    slider.oninput = () => { ghost.style.opacity = slider.value / 100; };
    const label = make("label", "原图深浅"), row = make("div", "", "decide"), off = make("button", "取消", "button"), shoot = make("button", "拍", "button primary");
    label.append(slider);
    [off, shoot].forEach((each) => { each.type = "button"; });
    row.append(off, shoot);
    box.append(sight, label, row);
    document.body.append(box);
    const close = () => { stream.getTracks().forEach((each) => each.stop()); box.remove(); opener.focus(); };
    off.onclick = close;
    box.onkeydown = (event) => { if (event.key === "Escape") close(); };
    shoot.onclick = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext("2d").drawImage(video, 0, 0);
      canvas.toBlob((blob) => {
        document.getElementById(opener.dataset.finder).dispatchEvent(new CustomEvent("bihuan:shot", { detail: new File([blob], "recheck.jpg", { type: "image/jpeg" }), bubbles: true }));
        close();
      }, "image/jpeg", 0.92);
    };
    await video.play();
    shoot.focus();
  };
})();
