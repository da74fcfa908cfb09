// Small comforts. Every page works without them.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // A form is sent once; the button says so.
  all("form[data-once]").forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    all("button:not([type=button])", form).forEach((button) => { button.classList.add("busy"); button.setAttribute("aria-busy", "true"); });
  }));
  addEventListener("pageshow", (event) => {
    if (event.persisted) all("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      all(".busy", form).forEach((button) => { button.classList.remove("busy"); button.removeAttribute("aria-busy"); });
    });
  });

  // The return sheet, filled from the card it was opened from.
  all("[data-sheet]").forEach((opener) => opener.addEventListener("click", (event) => {
    const sheet = document.getElementById(opener.dataset.sheet);
    if (!sheet || !sheet.showModal) return;
    event.preventDefault();
    const form = sheet.querySelector("form");
    form.reset();
    form.action = `/h/${encodeURIComponent(opener.dataset.code)}/refuse_close`;
    form.elements.version.value = opener.dataset.version;
    form.elements.as_post.value = opener.dataset.post;
    sheet.querySelector(".place").textContent = opener.dataset.place;
    sheet.showModal();
  }));
  all("dialog.sheet").forEach((sheet) => sheet.addEventListener("click", (event) => {
    if (event.target === sheet || event.target.closest("[data-close]")) sheet.close();
  }));

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
    }), ` 已选 ${files.length} 张${tooLarge.length ? `，其中 ${tooLarge.length} 张超过 12 MB，请换小一些的` : ""}`);
    input.setCustomValidity(tooLarge.length ? "照片超过 12 MB" : files.length > 9 ? "一次最多 9 张" : "");
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

  all("[data-fill]").forEach((link) => link.addEventListener("click", (event) => {
    if (!link.dataset.password) return;
    event.preventDefault();
    document.getElementById("username").value = link.dataset.fill;
    document.getElementById("password").value = link.dataset.password;
    document.querySelector("form .primary").focus();
    scrollTo({ top: 0, behavior: "smooth" });
  }));
  all("select[data-submit]").forEach((select) => select.addEventListener("change", () => select.form.requestSubmit()));

  // The chosen pill of a row that is wider than the phone.
  all(".pills [aria-current]").forEach((pill) => { const row = pill.parentElement; row.scrollLeft = pill.offsetLeft - (row.clientWidth - pill.offsetWidth) / 2; });

  const refreshed = document.querySelector("[data-refresh]");
  if (refreshed) setInterval(() => { if (!document.hidden) location.reload(); }, 1000 * Number(refreshed.dataset.refresh));

  const aimed = location.hash && document.getElementById(location.hash.slice(1));
  if (aimed && aimed.tagName === "DETAILS") aimed.open = true;
  const wrong = document.getElementById("wrong");
  if (wrong) wrong.focus();
})();
