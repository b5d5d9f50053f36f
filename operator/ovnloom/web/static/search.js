// The search box, the choice of a namespace and of a view, and the list of what is found.

import { button, byId, el } from "./dom.js";
import { changed, matcher, store } from "./store.js";

const MOST = 12;
let edition = -1;

export function watchControls(open) {
  const [search, namespace, view, results] = ["search", "namespace", "view", "results"].map(byId);
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", () => {
    store.search = search.value;
    list(results, open);
    changed();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") results.querySelector("button")?.focus();
    if (event.key === "Enter") results.querySelector("button")?.click();
  });
  results.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...results.querySelectorAll("button")];
    (buttons[buttons.indexOf(document.activeElement) + step] ?? search).focus();
    event.preventDefault();
  });
  for (const [choice, name] of [[namespace, "namespace"], [view, "view"]]) {
    choice.addEventListener("change", () => {
      store[name] = choice.value;
      changed();
    });
  }
  addEventListener("keydown", (event) => {
    const isTyping = ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement?.tagName);
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      search.select();
    }
    if (event.key !== "Escape") return;
    if (!results.hidden) results.hidden = true;
    else open("");
  });
  document.addEventListener("click", (event) => {
    if (!results.contains(event.target) && event.target !== search) results.hidden = true;
  });
  search.addEventListener("focus", () => list(results, open));
}

function list(results, open) {
  results.hidden = !store.search.trim();
  if (results.hidden) return;
  const matches = matcher();
  const found = [];
  for (const item of store.items.values()) {
    if (matches(item)) found.push(item);
    if (found.length > MOST) break;
  }
  const choose = (item) => {
    results.hidden = true;
    open(item.id);
  };
  results.replaceChildren(...found.slice(0, MOST).map((item) =>
    el("li", {}, button([el("span", { class: "kind" }, item.kind), item.namespace ? `${item.namespace}/${item.name}` : item.name,
      el("small", {}, item.ip ?? item.cidr ?? "")], () => choose(item)))));
  if (found.length > MOST) results.append(el("li", { class: "muted" }, "and more; the map shows all"));
  if (!found.length) results.append(el("li", { class: "muted" }, "nothing is called so"));
}

/** The namespaces that one can choose are those that have anything. */
export function drawNamespaces() {
  if (edition === store.edition) return;
  edition = store.edition;
  const names = [...new Set([...store.items.values()].map((item) => item.namespace).filter(Boolean))].sort();
  const choice = byId("namespace");
  if (names.join() === [...choice.options].slice(1).map((option) => option.value).join() && choice.options.length) return;
  choice.replaceChildren(el("option", { value: "" }, "all namespaces"),
    ...names.map((name) => el("option", { value: name, selected: name === store.namespace }, name)));
}
