// The page for where nothing was seen: what can be opened all the same. What was just sent has not been taken, so that its draft stays.
(async () => {
  "use strict";
  try { sessionStorage.removeItem("bihuan-sent"); } catch { /* not allowed to keep anything */ }
  const box = document.getElementById("seen");
  if (!window.caches || !box) return;
  for (const name of (await caches.keys()).filter((each) => each.startsWith("pages "))) {
    const cache = await caches.open(name);
    for (const asked of (await cache.keys()).reverse()) {
      const { pathname, search } = new URL(asked.url), page = new DOMParser().parseFromString(await (await cache.match(asked)).text(), "text/html");
      const heading = page.querySelector("h1"), about = page.querySelector("h1 + p");
      const link = Object.assign(document.createElement("a"), { href: pathname + search, textContent: [heading, about].map((each) => (each ? each.textContent.trim() : "")).filter(Boolean).join(" · ") || page.title });
      const line = document.createElement("li");
      line.append(link);
      box.querySelector("ul").append(line);
      box.hidden = false;
    }
  }
})();
