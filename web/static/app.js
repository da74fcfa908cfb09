// Small comforts. Every page works without them.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const either = (zh, en) => (document.documentElement.lang === "en" ? en : zh);

  // A form is sent once; the button says so.
  all("form[data-once]").forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    all("button:not([type=button])", form).forEach((button) => { button.classList.add("busy"); button.setAttribute("aria-busy", "true"); });
  }));
  addEventListener("pageshow", (event) => {
    if (event.persisted) all("form[data-sent]").forEach(ready);
  });

  // The return sheet, filled from the card it was opened from.
  let card = null;
  function ready(form) { delete form.dataset.sent; all(".busy", form).forEach((button) => { button.classList.remove("busy"); button.removeAttribute("aria-busy"); }); }
  all("[data-sheet]").forEach((opener) => opener.addEventListener("click", (event) => {
    const sheet = document.getElementById(opener.dataset.sheet);
    if (!sheet || !sheet.showModal) return;
    event.preventDefault();
    const form = sheet.querySelector("form");
    form.reset();
    ready(form);
    card = opener.closest("article");
    form.action = `/h/${encodeURIComponent(opener.dataset.code)}/refuse_close`;
    form.elements.version.value = opener.dataset.version;
    form.elements.as_post.value = opener.dataset.post;
    sheet.querySelector(".place").textContent = opener.dataset.place;
    sheet.showModal();
  }));
  all("dialog.sheet").forEach((sheet) => sheet.addEventListener("click", (event) => {
    if (event.target === sheet || event.target.closest("[data-close]")) sheet.close();
  }));

  // Decided in the list, without leaving it; whatever isn't a plain yes is sent as the form that it is, and answered by a page.
  const sheet = document.getElementById("return");
  if (sheet) sheet.querySelector("form").addEventListener("submit", (event) => {
    if (!window.htmx || !card) return;
    event.preventDefault();
    const form = event.target;
    htmx.ajax("POST", form.getAttribute("action"), { source: form, target: card, swap: "outerHTML" }).then(() => sheet.close());
  });
  for (const name of ["htmx:responseError", "htmx:sendError"]) document.body.addEventListener(name, (event) => {
    const form = event.target.closest("form");
    if (form) form.submit();
  });

  // General closures whose photos have been in view can be approved together.
  const bulk = document.getElementById("bulk");
  const closable = all("article[data-pick]");
  if (bulk && closable.length > 1 && "IntersectionObserver" in window) {
    const button = bulk.querySelector("button");
    const seen = () => all("article.seen[data-pick]");
    const say = () => {
      button.disabled = !seen().length;
      button.querySelector("span").textContent = seen().length ? either(`同意看过的 ${seen().length} 条`, `Approve the ${seen().length} seen`) : either("先看照片，再一并同意", "See the photos first");
    };
    const looked = new IntersectionObserver((entries) => entries.forEach((entry) => {
      const article = entry.target.closest("article");
      clearTimeout(article.looking);
      if (entry.isIntersecting) article.looking = setTimeout(() => {
        if (all("img", entry.target).every((image) => image.complete && image.naturalWidth)) { article.classList.add("seen"); say(); }
      }, 700);
    }), { threshold: 0.95, rootMargin: "0px 0px -70px" });
    closable.forEach((article) => { const pair = article.querySelector(".pair"); if (pair) looked.observe(pair); });
    bulk.addEventListener("submit", () => seen().forEach((article) => {
      const pick = document.createElement("input");
      pick.type = "hidden"; pick.name = "pick"; pick.value = article.dataset.pick;
      bulk.append(pick);
    }));
    document.body.addEventListener("htmx:afterSwap", say);
    bulk.hidden = false;
    say();
  }

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
