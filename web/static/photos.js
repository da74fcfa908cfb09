// Photos on the phone: shrunk, kept until they have arrived, sent again after loss of network or page; whole forms with them.
// Without this script, or where a browser keeps nothing, the plain multipart forms do.
(() => {
  "use strict";
  if (!window.indexedDB || !window.FormData || !HTMLCanvasElement.prototype.toBlob) return;
  const SIDE = 1600, QUALITY = 0.8, HEAD = 128 * 1024, MOST = 9, LONGEST = 60000;
  const either = (zh, en) => (document.documentElement.lang === "en" ? en : zh);
  const WORDS = {
    kept: either("照片已存在手机里", "Kept on the phone"), waiting: either("等网络", "Waits for a network"),
    retry: either("照片已存在手机里，会自动重传", "Kept on the phone, sent again by itself"), done: either("已上传 ✓", "Uploaded ✓"),
  };
  const me = (document.querySelector("meta[name=bihuan-me]") || {}).content || (location.pathname.match(/^\/o\/[^/]+/) || [""])[0];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, words = "", name = "") => Object.assign(document.createElement(tag), { textContent: words, className: name });
  const key = () => [...crypto.getRandomValues(new Uint8Array(12))].map((each) => each.toString(16).padStart(2, "0")).join("");
  const how = new Map(), live = new Map(); // tiles and forms of this page, by the key of what they wait for
  let running = null, delay = 1000, timer = 0;

  // What is kept: photos that belong to a form not yet sent, and what is to be sent.
  const database = new Promise((done, failed) => {
    const opening = indexedDB.open("bihuan", 1);
    opening.onupgradeneeded = () => ["photos", "outbox"].forEach((name) => opening.result.createObjectStore(name, { keyPath: "key" }));
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => failed(opening.error);
  });
  const stored = async (name, mode, ask) => {
    const open = await database;
    return new Promise((done, failed) => {
      const work = open.transaction(name, mode), asked = ask(work.objectStore(name));
      work.oncomplete = () => done(asked.result);
      work.onabort = work.onerror = () => failed(work.error);
    });
  };
  const keep = (name, what) => stored(name, "readwrite", (store) => store.put(what));
  const drop = (name, which) => stored(name, "readwrite", (store) => store.delete(which));
  const everything = async (name) => (await stored(name, "readonly", (store) => store.getAll())).sort((a, b) => a.at - b.at);
  const mine = async () => (await everything("outbox")).filter((each) => each.me === me);

  // A photo is drawn anew at 1600 px; what its original said of time and place goes along as its head.
  const shrink = async (file) => {
    try {
      const image = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
      const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(image.width * scale), height: Math.round(image.height * scale) });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
      if (blob && blob.size < file.size) return { blob, head: file.slice(0, HEAD) };
    } catch { /* a kind of picture that this browser can't draw goes as it is */ }
    return { blob: file, head: new Blob([]) };
  };
  // Kept as bytes: what a browser keeps of blobs it may lose when their record is written anew.
  const photo = async (file) => {
    const { blob, head } = await shrink(file);
    return { key: key(), at: Date.now(), name: file.name || "photo.jpg", type: blob.type, bytes: await blob.arrayBuffer(), head: await head.arrayBuffer() };
  };

  // Tiles: a look at each photo and where it stands, in words.
  const tile = (input, kept, words) => {
    const item = make("li", "", "tile"), image = new Image(160, 120), said = make("p", words);
    image.alt = either(`照片：${kept.name}`, `Photo: ${kept.name}`);
    image.src = URL.createObjectURL(new Blob([kept.bytes], { type: kept.type }));
    const remove = make("button", "✕", "off");
    remove.type = "button";
    remove.setAttribute("aria-label", either("去掉这张照片", "Remove this photo"));
    remove.onclick = async () => {
      await drop(input.dataset.queue ? "outbox" : "photos", kept.key);
      URL.revokeObjectURL(image.src);
      item.remove();
      changed(input);
    };
    item.append(image, said, remove);
    item.dataset.key = kept.key;
    list(input).insertBefore(item, list(input).querySelector(".add"));
    live.set(kept.key, item);
    changed(input);
    return item;
  };
  const list = (input) => {
    const found = input.parentElement.querySelector(".tiles");
    if (found) return found;
    const made = make("ul", "", "tiles");
    input.after(made);
    return made;
  };
  const say = (which, words, tone = "") => {
    const item = live.get(which), said = item && item.querySelector("p");
    if (!said) return;
    said.textContent = words;
    item.className = `tile ${tone}`;
    if (tone === "done") { item.querySelector(".off").remove(); said.removeAttribute("role"); }
  };
  const fresh = (input) => all(".tile[data-key]", list(input));
  const changed = (input) => {
    if (input.dataset.must === undefined) input.dataset.must = input.required ? "yes" : "";
    const count = fresh(input).length;
    input.required = Boolean(input.dataset.must) && !count;
    complain(input, count && !input.dataset.queue ? either(`已选 ${count} 张`, `${count} chosen`) : "");
    dispatchEvent(new CustomEvent("bihuan:photos"));
  };

  const take = async (input, files) => {
    const most = Number(input.dataset.most || MOST), room = Math.max(0, most - fresh(input).length);
    for (const file of files.slice(0, room)) {
      const kept = await photo(file);
      if (input.dataset.queue) {
        await keep("outbox", { ...kept, kind: "photo", me, url: input.dataset.queue, fields: all("[data-with]", input.form).map((each) => [each.name, each.value]) });
        tile(input, kept, navigator.onLine ? either("准备上传", "Ready to send") : WORDS.retry);
      } else {
        await keep("photos", { ...kept, form: place(input.form), field: input.name, me });
        tile(input, kept, WORDS.kept);
      }
    }
    if (files.length > room) complain(input, either(`最多 ${most} 张，多出来的没有留下。`, `${most} at most; the others were left out.`));
    if (input.dataset.queue) send();
  };
  const place = (form) => form.dataset.photosOf || form.getAttribute("action");
  const complain = (input, words) => {
    const said = input.form.querySelector(`output[for="${input.id}"]`);
    if (said) said.textContent = words;
  };

  // One thing at a time goes out; what fails for the network's sake is tried again, later each time.
  const send = () => {
    running = running || work().finally(() => { running = null; show(); });
    return running;
  };
  const work = async () => {
    clearTimeout(timer);
    const tried = new Set();
    for (;;) {
      const each = (await mine()).find((one) => !one.refused && !tried.has(one.key));
      if (!each) return;
      tried.add(each.key);
      const went = await post(each);
      if (went === "later") again();
      if (went === "later" || went === "login") return;
    }
  };
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(send, delay);
    delay = Math.min(LONGEST, delay * 2);
  };
  const body = (each) => {
    const data = new FormData();
    each.fields.forEach(([name, value]) => data.append(name, value));
    (each.kind === "photo" ? [{ ...each, field: "file" }] : each.photos).forEach((one) => {
      data.append(one.field, new Blob([one.bytes], { type: one.type }), one.name);
      data.append(`${one.field}-head`, new Blob([one.head]), "head");
    });
    return data;
  };
  const post = (each) => new Promise((done) => {
    const asked = new XMLHttpRequest();
    asked.open("POST", each.url);
    asked.timeout = 180000;
    asked.setRequestHeader("Idempotency-Key", each.key);
    if (each.kind === "photo") asked.setRequestHeader("Accept", "application/json");
    asked.upload.onprogress = (event) => {
      if (event.lengthComputable) told(each, `${either("上传", "Sending")} ${Math.round((100 * event.loaded) / event.total)}%`, "going");
    };
    asked.onload = () => answered(each, asked).then(done);
    asked.onerror = asked.ontimeout = () => { told(each, each.kind === "photo" ? WORDS.retry : WORDS.waiting); done("later"); };
    asked.send(body(each));
  });
  const answered = async (each, asked) => {
    const where = asked.responseURL ? new URL(asked.responseURL) : location;
    if (asked.status === 401 || where.pathname === "/login") { forget(); told(each, either("登录已过期，内容已存在手机里，登录后自动继续", "Signed out. Kept on the phone; goes on once you sign in")); return "login"; }
    if (asked.status >= 500 || asked.status === 429 || asked.status === 408) { told(each, each.kind === "photo" ? WORDS.retry : WORDS.waiting); return "later"; }
    delay = 1000;
    if (asked.status >= 400) {
      await keep("outbox", { ...each, refused: sentence(asked), stale: asked.status === 409 });
      told(each, sentence(asked), "bad");
      return "refused";
    }
    await drop("outbox", each.key);
    told(each, WORDS.done, "done");
    const form = live.get(each.key);
    if (each.kind === "form") dispatchEvent(new CustomEvent("bihuan:sent", { detail: each.url + each.about }));
    if (each.kind === "form" && form) location.assign(where.pathname + where.search + where.hash);
    live.delete(each.key);
    dispatchEvent(new CustomEvent("bihuan:photos"));
    return "done";
  };
  const forget = () => { const worker = navigator.serviceWorker; if (worker && worker.controller) worker.controller.postMessage("wipe"); };
  const sentence = (asked) => {
    try { const no = JSON.parse(asked.responseText); return either(no.detail, no.detail_en); } catch { /* a page */ }
    const page = new DOMParser().parseFromString(asked.responseText, "text/html");
    const said = page.querySelector("#wrong p, [role=alert] p, main p");
    return said ? said.textContent.trim() : either("没有办成，请稍后再试。", "Not done; try again later.");
  };
  const told = (each, words, tone = "") => {
    how.set(each.key, words);
    if (each.kind === "photo") say(each.key, words, tone);
    const form = live.get(each.key);
    if (each.kind !== "photo" && form) waiting(form, tone === "bad" ? "" : words, tone === "bad" ? words : "");
    const line = document.querySelector(`#outbox [data-key="${each.key}"] .how-far`);
    if (line) line.textContent = words;
  };

  // A form with photos is kept whole before it is sent, under the key that it was shown with.
  const queue = async (form, button) => {
    const fields = [...new FormData(form, button)].filter(([, value]) => typeof value === "string");
    const photos = (await everything("photos")).filter((each) => each.form === place(form) && each.me === me);
    const named = (form.elements.key || {}).value || key();
    const entry = { key: named, at: Date.now(), kind: "form", me, url: form.getAttribute("action"), about: form.dataset.draft || "", fields, photos, page: location.pathname + location.search, title: form.dataset.title || document.title };
    await keep("outbox", entry);
    await Promise.all(photos.map((each) => drop("photos", each.key)));
    live.set(named, form);
    waiting(form, navigator.onLine ? either("正在发送", "Sending") : WORDS.waiting);
    await send();
    const left = (await mine()).find((each) => each.key === named);
    if (!left) return;
    live.delete(named);
    if (left.refused) {
      await back(left);
      waiting(form, "", left.refused, left.stale);
    } else {
      dispatchEvent(new CustomEvent("bihuan:sent", { detail: entry.url + entry.about }));
      clear(form);
    }
    show(!left.refused);
  };
  const back = async (entry) => {
    await Promise.all(entry.photos.map((each) => keep("photos", each)));
    await drop("outbox", entry.key);
  };
  const clear = (form) => {
    form.reset();
    all(".tile[data-key]", form).forEach((each) => each.remove());
    all("input[data-photos]", form).forEach(changed);
    if (form.elements.key) form.elements.key.value = key();
    waiting(form, "");
  };
  const labels = new WeakMap();
  const waiting = (form, words, wrong = "", stale = false) => {
    const button = form.querySelector("button.primary");
    if (button) {
      if (!labels.has(button)) labels.set(button, [...button.childNodes]);
      button.replaceChildren(...(words ? [words] : labels.get(button)));
      button.setAttribute("aria-busy", String(Boolean(words)));
      button.classList.toggle("busy", Boolean(words));
    }
    const old = form.querySelector(".wrong");
    if (old) old.remove();
    if (!wrong) return;
    const said = make("div", "", "wrong");
    said.setAttribute("role", "alert");
    said.tabIndex = -1;
    said.append(make("h2", either("没有办成", "Not done")), make("p", wrong), make("p", either("你填的内容和照片都还在。", "What you typed and your photos are still here.")));
    if (stale) said.append(Object.assign(make("a", either("看最新情况", "See how it stands"), "button"), { href: location.pathname + location.search }));
    form.prepend(said);
    said.focus();
  };
  addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (form.matches("[data-after-photos]")) return afterPhotos(event, form);
    const inputs = all("input[data-photos]:not([data-queue])", form);
    if (!inputs.length || event.defaultPrevented) return;
    if (navigator.onLine && !form.dataset.title && !inputs.some((input) => fresh(input).length)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    try { await queue(form, button); } finally { form.removeAttribute("aria-busy"); }
  }, true);
  const pending = () => [...live.values()].filter((each) => each.matches(".tile:not(.done):not(.bad)")).length;
  const afterPhotos = (event, form) => {
    const there = Number(form.dataset.photosThere || 0) + all(".tile.done").length;
    const need = (words) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      waiting(form, "", words);
    };
    if (pending()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      form.dataset.waits = "yes";
      waiting(form, either("照片传完后自动提交", "Sent by itself once the photos are"));
    } else if (!there) need(either("还没有整改后的照片，请先拍照。", "Take a photo of the fix first."));
    else if (!navigator.onLine) need(either("现在没有网络。照片和填写的内容都存在手机里，有网后再按一次。", "No network. Photos and text are kept on the phone; press again later."));
  };
  addEventListener("bihuan:photos", () => all("form[data-waits]").forEach((form) => {
    if (pending()) return;
    delete form.dataset.waits;
    waiting(form, "");
    if (all(".tile.bad").length) waiting(form, "", either("有照片没有传成，请去掉后重拍。", "A photo wasn't taken; remove it and take another."));
    else form.requestSubmit();
  }));

  // What waits on this phone, on every page, until it has arrived.
  const show = async (look = false) => {
    const kept = (await mine()).filter((each) => !(live.has(each.key) && each.kind === "photo"));
    const old = document.getElementById("outbox"), main = document.getElementById("main");
    if (old) old.remove();
    const whole = (await everything("outbox")).length;
    if (whole) localStorage.setItem("bihuan-outbox", whole);
    else localStorage.removeItem("bihuan-outbox");
    if (!kept.length || !main) return;
    const box = make("section", "", "card outbox");
    box.id = "outbox";
    box.setAttribute("aria-labelledby", "h-outbox");
    const head = make("h2", either(`待上传 ${kept.length} 条`, `${kept.length} to send`));
    head.id = "h-outbox";
    const rows = make("ul");
    kept.forEach((each) => rows.append(row(each)));
    box.append(head, make("p", either("都存在手机里，有网络会自动上传；关掉页面也不会丢。", "Kept on the phone and sent once there is a network, even if you close the page."), "hint"), rows);
    main.prepend(box);
    if (look) box.scrollIntoView({ block: "center" });
  };
  const row = (each) => {
    const item = make("li"), what = make("span", "", "what");
    item.dataset.key = each.key;
    what.append(make("b", each.kind === "photo" ? `${either("照片", "Photo")} ${each.name}` : each.title), make("small", each.kind === "form" && each.photos.length ? either(`照片 ${each.photos.length} 张`, `${each.photos.length} photos`) : ""), make("span", each.refused || how.get(each.key) || (navigator.onLine ? either("等待上传", "Waits") : WORDS.waiting), "how-far"));
    const change = each.refused && each.kind === "form", go = make("button", change ? either("回去修改", "Go back and change") : either("立即重试", "Try now"), "button");
    go.onclick = async () => {
      if (change) { await edit(each); return; }
      await keep("outbox", { ...each, refused: "" });
      delay = 1000;
      send();
    };
    const off = make("button", either("删除", "Delete"), "button");
    off.onclick = async () => { if (confirm(either("删除后不能找回，确定删除？", "It can't be brought back. Delete it?"))) { await drop("outbox", each.key); show(); } };
    [go, off].forEach((button) => { button.type = "button"; });
    item.append(what, go, off);
    return item;
  };

  const edit = async (each) => {
    await back(each);
    localStorage.setItem(`draft:${me}:${each.url}${each.about}`, JSON.stringify({ at: Date.now(), said: Object.fromEntries(each.fields) }));
    location.assign(each.page);
  };

  // The inputs of this page: what was chosen before comes back.
  const chosen = (input) => {
    const files = [...input.files];
    input.value = "";
    return take(input, files);
  };
  addEventListener("change", (event) => {
    if (!event.target.matches("input[data-photos]")) return;
    event.stopImmediatePropagation();
    chosen(event.target);
  }, true);
  addEventListener("bihuan:shot", (event) => take(event.target, [event.detail]), true);
  const restore = async () => {
    const [photos, outbox] = [await everything("photos"), await mine()];
    const early = all("input[data-photos]").filter((input) => input.files.length);
    all("input[data-photos]").forEach((input) => {
      if (input.dataset.queue) outbox.filter((each) => each.kind === "photo" && each.url === input.dataset.queue).forEach((each) => {
        tile(input, each, WORDS.retry);
        if (each.refused) say(each.key, each.refused, "bad");
      });
      else if (input.form) photos.filter((each) => each.me === me && each.form === place(input.form) && each.field === input.name).forEach((each) => tile(input, each, WORDS.kept));
    });
    early.forEach(chosen);
  };
  addEventListener("online", () => { delay = 1000; send(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) send(); });
  database.then(restore).then(() => document.documentElement.classList.add("keeps-photos")).then(send, () => {});
})();
