// Pages as they were last seen, for where there is no network: those of one login at a time, and only where the house's answer allows it.
// Nothing that is sent passes through here to be kept: what was typed and taken is kept by drafts.js and photos.js.
"use strict";
const ASSETS = "assets", PAGES = "pages ", OFFLINE = "/offline", PATIENCE = 3000, AFTER_A_FORM = 10000, LIVES = 14 * 86400000, MOST = 80;
const OTHERS = /^\/(a|api|demo|e|o|p|photo|report)(\/|$)/, DOORS = /^\/(log(in|out)$|signin\/)/, HASHED = /^\/(static|vendor)\//;
let era = 0, sent = 0;

const kept = async () => (await caches.keys()).filter((name) => name.startsWith(PAGES));
const drop = (names) => Promise.all(names.map((name) => caches.delete(name)));
const wipe = async () => { era += 1; await drop(await kept()); };

// Who signed in meanwhile isn't given what was asked for before them.
const keep = async (url, answer, then) => {
  const [login, may] = (answer.headers.get("bihuan-login") || "").split(" "), copy = may && answer.clone();
  if (answer.status === 401 || new URL(url).pathname === "/login") return wipe();
  if (!login || then !== era) return;
  await drop((await kept()).filter((name) => name !== PAGES + login));
  const cache = copy && (await caches.open(PAGES + login));
  if (!cache || then !== era) return;
  await cache.put(url, copy);
  await Promise.all((await cache.keys()).slice(0, -MOST).map((each) => cache.delete(each)));
};

// A form in a copy gets a key of its own, so that two findings are two.
const key = () => [...crypto.getRandomValues(new Uint8Array(9))].map((each) => each.toString(16).padStart(2, "0")).join("");
const strip = (at) => {
  const today = at.toDateString() === new Date().toDateString(), how = { hour: "2-digit", minute: "2-digit", hour12: false };
  const said = (tongue) => at.toLocaleString(tongue, today ? how : { month: "short", day: "numeric", ...how });
  return `<p class="flash as-seen" role="status">离线：这是 ${said("zh-CN")} 看到的 <span lang="en">Offline: as seen at ${said("en-GB")}</span></p>`;
};
const lastSeen = async (url) => {
  const names = await kept(), had = names.length === 1 && (await (await caches.open(names[0])).match(url));
  const at = had && new Date(had.headers.get("date"));
  if (!had || Date.now() - at > LIVES) return null;
  const headers = new Headers(had.headers);
  ["bihuan-login", "content-encoding", "content-length"].forEach((name) => headers.delete(name));
  const page = (await had.text()).replace(/name="key" value="[^"]*"/g, () => `name="key" value="${key()}"`);
  return new Response(page.replace(/<main[^>]*>/, (main) => main + strip(at)), { headers });
};
const offline = async (unsent = false) => {
  const had = await caches.match(OFFLINE);
  return had ? new Response((await had.text()).replace(unsent ? " hidden" : "", ""), { headers: { "content-type": "text/html", "content-security-policy": had.headers.get("content-security-policy") } }) : Response.error();
};

const asset = async (request) => {
  const cache = await caches.open(ASSETS), had = await cache.match(request);
  if (had) return had;
  const older = () => cache.match(request, { ignoreSearch: true });
  const answer = await fetch(request).catch(async (error) => (await older()) || Promise.reject(error));
  const copy = answer.ok && answer.clone();
  if (copy) cache.delete(request, { ignoreSearch: true }).then(() => cache.put(request, copy));
  return answer;
};
const assetsOf = (page) => Promise.all([...page.matchAll(/"(\/(?:static|vendor)\/[^"]+\?v=\w+)"/g)].map(([, url]) => asset(new Request(url))));

const gone = (answer) => !answer || answer.status === 502 || answer.status === 504;
const page = async (event) => {
  const { url } = event.request, then = era, asked = fetch(event.request).catch(() => null);
  event.waitUntil(asked.then((answer) => answer && keep(url, answer, then)));
  const late = new Promise((done) => { if (Date.now() - sent > AFTER_A_FORM) setTimeout(done, PATIENCE); });
  const answer = await Promise.race([asked, late]);
  return gone(answer) ? (await lastSeen(url)) || (await asked) || offline() : answer;
};
const form = async (request, door) => {
  if (door) await wipe();
  const answer = await fetch(request).catch(() => null);
  if (answer && answer.status === 401) await wipe();
  return gone(answer) ? offline(request.method === "POST") : answer;
};

// The pages that an inspector needs where there is no network are there before they are asked for.
const warm = async (paths) => {
  for (const path of paths) {
    const url = new URL(path, location).href, then = era;
    if (await lastSeen(url)) continue;
    const answer = await fetch(url).catch(() => null);
    if (!answer) return;
    const copy = answer.clone();
    await keep(answer.url, answer, then);
    await assetsOf(await copy.text());
  }
};

addEventListener("install", (event) => event.waitUntil((async () => {
  const cache = await caches.open(ASSETS);
  await cache.add(OFFLINE);
  await assetsOf(await (await cache.match(OFFLINE)).text());
  await skipWaiting();
})()));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.waitUntil(event.data === "wipe" ? wipe() : warm(event.data)));
addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname, search } = new URL(request.url), reads = request.method === "GET";
  if (origin !== location.origin) return;
  if (!reads) sent = Date.now();
  if (reads && HASHED.test(pathname) && search.startsWith("?v=")) event.respondWith(asset(request));
  else if (request.mode !== "navigate" || OTHERS.test(pathname)) return;
  else if (reads && !pathname.startsWith("/signin/")) event.respondWith(page(event));
  else event.respondWith(form(request, DOORS.test(pathname)));
});
