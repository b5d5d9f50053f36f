// The page: what the server says and what somebody chooses goes into the store; all that is drawn follows from it.

import { byId, count, el } from "./dom.js";
import { meaning } from "./dots.js";
import { layout } from "./layout.js";
import { listen } from "./live.js";
import { drawMap } from "./map.js";
import { open, reload } from "./panel.js";
import { drawNamespaces, watchControls } from "./search.js";
import { changed, ofKind, onChange, store } from "./store.js";

const WORDS = {
  up: "up", down: "down", waiting: "waits", host: "on its node's network", unknown: "has an address", problem: "has a problem",
  self: "the Pod itself", yes: "allowed", part: "in part", no: "not reached", unasked: "not asked",
};
const AGAIN_MS = 700;
let seen = { version: -1, item: undefined };
let timer = 0;
let isFirst = true;

const speak = (text) => {
  byId("spoken").textContent = text;
};

function draw() {
  const found = layout();
  drawNamespaces();
  drawMap(found, (id) => open(id), speak);
  drawStatus();
  const all = ofKind("Pod").length;
  const isWhole = !store.search.trim() && !store.namespace;
  const shown = isWhole ? count(all, "Pod") : `${found.pods.length.toLocaleString("en")} of ${count(all, "Pod")}`;
  const others = [["Vpc"], ["Subnet"], ["Node"]].map(([kind]) => count(ofKind(kind).length, kind));
  byId("summary").textContent = [shown, ...others].join(" · ");
  const meanings = [...new Set(found.pods.map(meaning))];
  byId("legend").replaceChildren(...Object.keys(WORDS).filter((word) => meanings.includes(word))
    .map((word) => el("li", {}, el("i", { class: `dot ${word}` }), WORDS[word])));
  follow();
}

/** What is selected is asked for again once it, or what verdicts depend on, is another. */
function follow() {
  const item = store.items.get(store.selected);
  const now = { version: store.status.version, item: item && JSON.stringify(item), id: store.selected };
  const differs = now.id === seen.id && (now.version !== seen.version || now.item !== seen.item);
  seen = now;
  if (differs && now.id) {
    clearTimeout(timer);
    timer = setTimeout(reload, AGAIN_MS);
  }
  if (isFirst && store.items.size) {
    isFirst = false;
    const linked = decodeURIComponent(location.hash.slice(1));
    if (store.items.has(linked)) open(linked, { focus: false });
  }
}

function drawStatus() {
  const { where, waits, live, northbound } = store.status;
  const words = !store.connected ? "not connected" : waits.length ? `waits for ${waits.length} kinds` : live ? "live" : "from files";
  const rows = northbound === "" ? "" : ["synced", "locked"].includes(northbound) ? "OVN connected" : `OVN ${northbound}`;
  const state = !store.connected ? "bad" : waits.length ? "slow" : "good";
  byId("status").replaceChildren(el("i", { class: `dot ${state}` }), [words, rows].filter(Boolean).join(" · "));
  byId("status").title = where ?? "";
}

onChange(draw);
watchControls((id) => open(id));
addEventListener("resize", changed);
listen();
