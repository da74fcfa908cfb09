// Small comforts of the pages with forms. Every page works without them.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const either = (zh, en) => (document.documentElement.lang === "en" ? en : zh);

  // Photos chosen: how many, and a look at them.
  all("input[data-photos]").forEach((input) => input.addEventListener("change", () => {
    const shown = input.form.querySelector(`output[for="${input.id}"]`);
    const files = [...input.files];
    const tooLarge = files.filter((file) => file.size > 12 * 1024 * 1024);
    shown.replaceChildren(...files.slice(0, 9).map((file) => {
      const image = new Image(72, 72);
      image.alt = file.name;
      image.src = URL.createObjectURL(file);
      image.onload = image.onerror = () => URL.revokeObjectURL(image.src);
      return image;
    }), either(` 已选 ${files.length} 张${tooLarge.length ? `，其中 ${tooLarge.length} 张超过 12 MB，请换小一些的` : ""}`, ` ${files.length} chosen${tooLarge.length ? `, ${tooLarge.length} over 12 MB: choose smaller ones` : ""}`));
    input.setCustomValidity(tooLarge.length ? either("照片超过 12 MB", "A photo is over 12 MB") : files.length > 9 ? either("一次最多 9 张", "9 photos at most") : "");
  }));

  // A usual hazard fills what is still empty or was filled by another one.
  all("input[name=item]").forEach((item) => item.addEventListener("change", () => {
    const set = (name, value) => {
      const field = item.form.elements[name];
      if (field.value && field.value !== field.dataset.filled) return;
      field.value = field.dataset.filled = value || "";
    };
    set("description", item.dataset.finding);
    set("measure", item.dataset.measure);
    set("exact_location", item.dataset.location);
  }));

  // Rows that were picked: how many, and all of them at once.
  all("form[data-picks]").forEach((form) => {
    const boxes = all("input[name=pick]", form);
    const every = form.querySelector("[data-all]");
    const count = () => {
      const picked = boxes.filter((box) => box.checked).length;
      form.querySelector("[data-picked]").textContent = picked ? either(`${picked} 条`, `(${picked})`) : "";
      every.textContent = picked === boxes.length ? either("全不选", "None") : either("全选本页", "All of this page");
    };
    every.hidden = false;
    every.addEventListener("click", () => { const on = boxes.some((box) => !box.checked); boxes.forEach((box) => { box.checked = on; }); count(); });
    form.addEventListener("change", count);
    form.addEventListener("submit", (event) => {
      if (boxes.some((box) => box.checked)) return;
      event.preventDefault();
      boxes[0].focus();
    });
    count();
  });

  all("[data-fill]").forEach((link) => link.addEventListener("click", (event) => {
    if (!link.dataset.password) return;
    event.preventDefault();
    document.getElementById("username").value = link.dataset.fill;
    document.getElementById("password").value = link.dataset.password;
    document.querySelector("form .primary").focus();
    scrollTo({ top: 0, behavior: "smooth" });
  }));
})();
