// What was typed stays on the phone until it has been taken: per person (or owner's link), form and case, and no longer than two weeks.
(() => {
  "use strict";
  const LIVES = 14 * 86400000, MARK = "bihuan-sent", all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const me = (document.querySelector("meta[name=bihuan-me]") || {}).content || (location.pathname.match(/^\/o\/[^/]+/) || [""])[0];
  const either = (zh, en) => (document.documentElement.lang === "en" ? en : zh);
  const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
  const forms = all("main form[method=post]").filter((form) => !form.matches("[data-no-draft]") && !form.querySelector("input[type=password]"));
  const name = (form) => `draft:${me}:${form.getAttribute("action")}${form.dataset.draft || ""}`;
  const fields = (form) => [...form.elements].filter((each) => each.name && each.matches("input:not([type=hidden]):not([type=file]), textarea, select"));
  const value = (each) => (each.matches("[type=radio], [type=checkbox]") ? (each.checked ? each.value : null) : each.value);

  const save = (form) => {
    const said = {};
    fields(form).forEach((each) => {
      const now = value(each);
      if (each.matches("[type=checkbox]")) said[each.name] = now === null ? "" : now;
      else if (now !== null) said[each.name] = now;
    });
    try { localStorage.setItem(name(form), JSON.stringify({ at: Date.now(), said })); } catch { /* full, or not allowed to keep anything */ }
  };
  const fill = (form, said) => fields(form).filter((each) => {
    if (!(each.name in said)) return false;
    const before = value(each);
    if (each.matches("[type=radio], [type=checkbox]")) each.checked = said[each.name] === each.value;
    else each.value = said[each.name];
    return value(each) !== before;
  }).length;
  const restore = (form) => {
    const kept = read(name(form));
    if (!kept || Date.now() - kept.at > LIVES) { localStorage.removeItem(name(form)); return; }
    if (!fill(form, kept.said)) return;
    const folded = form.closest("details");
    if (folded) folded.open = true;
    all("details", form).forEach((each) => { if (fields(form).some((field) => each.contains(field) && value(field))) each.open = true; });
    const note = Object.assign(document.createElement("p"), { className: "restored", textContent: either("上次没交的内容已恢复。", "What you hadn't sent is back.") });
    const clear = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: either("清空", "Clear") });
    clear.onclick = () => { localStorage.removeItem(name(form)); form.reset(); note.remove(); };
    note.append(clear);
    form.prepend(note);
    fields(form).filter((each) => each.matches("[name=outcome], [name^='item']") && each.checked).forEach((each) => each.dispatchEvent(new Event("change", { bubbles: true })));
  };

  // A form that was sent has been taken when the next page says nothing of a fault.
  const sent = (() => { try { return JSON.parse(sessionStorage.getItem(MARK)); } catch { return null; } })();
  if (sent) {
    const moved = location.pathname !== sent.from || /[?&](done|new)=/.test(location.search);
    const failed = document.getElementById("wrong") || document.querySelector("main [role=alert], body.failed") || location.pathname === "/login";
    if (moved && !failed) localStorage.removeItem(sent.name);
    if (location.pathname !== "/login") sessionStorage.removeItem(MARK);
  }
  forms.forEach((form) => {
    restore(form);
    form.addEventListener("input", () => save(form));
    form.addEventListener("change", () => save(form));
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      save(form);
      if (!navigator.onLine) {
        event.preventDefault();
        event.stopImmediatePropagation();
        offline(form);
        return;
      }
      sessionStorage.setItem(MARK, JSON.stringify({ name: name(form), from: location.pathname }));
    }, true);
  });
  const offline = (form) => {
    const old = form.querySelector(".wrong");
    if (old) old.remove();
    const said = Object.assign(document.createElement("div"), { className: "wrong", textContent: either("现在没有网络。填写的内容已存在手机里，有网后再按一次。", "No network. What you typed is kept on the phone; press again later.") });
    said.setAttribute("role", "alert");
    form.prepend(said);
  };
  // Pages open without a network (service-worker.js), but for the list of closures, which is light; who comes to sign in takes nothing over from who was here before.
  const worker = navigator.serviceWorker;
  if (worker && location.pathname === "/login") worker.getRegistration().then((there) => { if (there && there.active) there.active.postMessage("wipe"); });
  if (worker && document.body.matches(".framed")) addEventListener("load", async () => {
    const field = (navigator.connection || {}).saveData ? [] : ["/new", "/inspect"].filter((way) => document.querySelector(`.side [href="${way}"]`));
    try { await worker.register("/service-worker.js"); (await worker.ready).active.postMessage([location.pathname + location.search, ...field]); } catch { /* not allowed to keep anything */ }
  });

  // Photos have a script of their own, for pages that take some and while some wait on this phone.
  const own = document.querySelector("script[data-photos]");
  if (own && (document.querySelector("input[data-photos]") || localStorage.getItem("bihuan-outbox"))) document.head.append(Object.assign(document.createElement("script"), { src: own.dataset.photos }));
  addEventListener("bihuan:sent", (event) => localStorage.removeItem(`draft:${me}:${event.detail}`));
})();
