// The boxes: a router holds its Subnets, a Subnet its Pods. Boxes stay the same elements while they are there, so that
// focus and scrolling do too.

import { button, byId, count, el } from "./dom.js";
import { Dots } from "./dots.js";
import { ofKind, store } from "./store.js";

const WIDE = 400;
const boxes = new Map();

export function drawMap({ groups }, open, speak) {
  const used = new Set();
  const sections = groups.map((group) => section(group, used, open, speak));
  if (store.view === "network") sections.push(nodes(open));
  sections.push(policies(open));
  place(byId("map"), sections.filter(Boolean));
  for (const key of boxes.keys()) if (!used.has(key)) boxes.delete(key);
  for (const box of boxes.values()) box.dots?.show(box.pods, box.title);
}

/** The children are these, in this order, without touching those that stay. */
function place(parent, wanted) {
  wanted.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
  while (parent.children.length > wanted.length) parent.lastChild.remove();
}

function kept(key, used, make) {
  used.add(key);
  if (!boxes.has(key)) boxes.set(key, make());
  return boxes.get(key);
}

function section(group, used, open, speak) {
  const key = `group ${group.kind} ${group.title}`;
  const box = kept(key, used, () => {
    const [head, grid] = [el("div", { class: "head" }), el("div", { class: "cards" })];
    return { root: el("section", { class: "group" }, head, grid), head, grid };
  });
  box.root.classList.toggle("router", Boolean(group.kind));
  const title = group.id ? opener(group.id, group.title, open) : el("span", { class: "name" }, group.title);
  box.head.replaceChildren(el("h2", {}, group.kind && el("span", { class: "kind" }, group.kind), title), ...chips(group));
  place(box.grid, group.cards.map((one) => drawCard(one, used, open, speak)));
  if (!group.cards.length) box.grid.replaceChildren(el("p", { class: "nothing" }, "no Subnet"));
  return box.root;
}

function drawCard(card, used, open, speak) {
  const box = kept(`card ${card.id}`, used, () => {
    const [head, body] = [el("div", { class: "head" }), el("div", { class: "pods" })];
    const dots = new Dots(open, speak);
    body.append(dots.canvas);
    return { root: el("article", { class: "card" }, head, body), head, dots };
  });
  box.pods = card.pods;
  box.title = card.title;
  box.root.classList.toggle("wide", card.pods.length > WIDE);
  box.root.classList.toggle("selected", card.id === store.selected);
  const title = card.item.id ? opener(card.id, card.title, open) : el("span", { class: "name" }, card.title);
  const size = card.item.join === true ? "" : count(card.pods.length, "Pod");
  box.head.replaceChildren(el("h3", {}, title, el("span", { class: "size" }, size)), ...chips(card));
  return box.root;
}

const opener = (id, text, open) =>
  button(text, () => open(id), { class: "name", "data-id": id, "aria-pressed": String(id === store.selected) });

function chips({ facts, item }) {
  const found = facts.map((fact) => el("span", { class: "chip" }, fact));
  if (item.problems) found.push(el("span", { class: "chip bad" }, count(item.problems, "problem")));
  return found;
}

function strip(title, items, make) {
  if (!items.length) return null;
  const head = el("div", { class: "head" }, el("h2", {}, el("span", { class: "name" }, title)));
  return el("section", { class: "group strip" }, head, el("ul", {}, items.map((item) => el("li", {}, make(item)))));
}

function entry(item, open, mark, ...content) {
  const attributes = { class: `entry ${mark}`, "data-id": item.id, "aria-pressed": String(item.id === store.selected) };
  return el("button", { type: "button", onclick: () => open(item.id), ...attributes }, ...content);
}

function nodes(open) {
  const on = new Map();
  for (const pod of ofKind("Pod")) on.set(pod.node, (on.get(pod.node) ?? 0) + 1);
  return strip("Nodes", ofKind("Node"), (node) =>
    entry(node, open, node.ready ? "good" : "bad", el("b", {}, node.name),
      el("small", {}, [count(on.get(node.name) ?? 0, "Pod"), node.ready ? "" : "not ready", node.join].filter(Boolean).join(" · "))));
}

function policies(open) {
  const kinds = ["NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy", "SecurityGroup"];
  const shown = ofKind(...kinds).filter((one) => !store.namespace || [store.namespace, ""].includes(one.namespace));
  return strip("Policies", shown, (one) =>
    entry(one, open, one.problems ? "bad" : "rule", el("b", {}, one.namespace ? `${one.namespace}/${one.name}` : one.name),
      el("small", {}, `${one.kind} · ${count(one.pods ?? 0, "Pod")}`)));
}
