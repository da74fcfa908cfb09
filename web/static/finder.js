// A viewfinder with the photo of the finding laid over it, where the browser lends its camera; elsewhere the camera tile does.
(() => {
  "use strict";
  const lent = navigator.mediaDevices && navigator.mediaDevices.getUserMedia;
  const make = (tag, words = "", name = "") => Object.assign(document.createElement(tag), { textContent: words, className: name });
  const either = (zh, en) => (document.documentElement.lang === "en" ? en : zh);
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
      opener.replaceWith(make("p", either("这部手机没有让网页使用摄像头，请点上面的“拍照”。", "This phone doesn't lend its camera to the page; use “Take a photo” above."), "hint"));
      return;
    }
    const box = make("div", "", "finder"), sight = make("div", "", "sight"), video = document.createElement("video"), ghost = new Image();
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", either("对着原图拍", "Line up with the first photo"));
    video.srcObject = stream;
    video.playsInline = video.muted = true;
    ghost.src = opener.dataset.ghost;
    ghost.alt = either("发现问题时的照片", "Photo when it was found");
    sight.append(video, ghost);
    const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 80, value: 40 });
    slider.oninput = () => { ghost.style.opacity = slider.value / 100; };
    const label = make("label", either("原图深浅", "Overlay")), row = make("div", "", "decide"), off = make("button", either("取消", "Cancel"), "button"), shoot = make("button", either("拍", "Shoot"), "button primary");
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
