// What is to be said of the object that is selected.

import { button, byId, count, el } from "./dom.js";
import { ask } from "./live.js";
import { drawReach } from "./reachpanel.js";
import { askAll, forget } from "./reach.js";
import { changed, parts, store } from "./store.js";

const panel = byId("panel");
let asking = null;
let shown = "";

/** The object is selected, "" for none; its panel follows as soon as the server has answered. */
export async function open(id, { focus = true } = {}) {
  if (id !== store.selected) forget();
  store.selected = id;
  store.marked = null;
  panel.hidden = !id;
  history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : location.pathname);
  changed();
  if (!id) return;
  mark(id);
  await load(id);
  if (focus) panel.focus({ preventScroll: true });
}

/** The same object, as it is by now. */
export const reload = () => store.selected && load(store.selected);

async function load(id) {
  asking?.abort();
  asking = new AbortController();
  try {
    const found = await ask("object", { id }, asking.signal);
    draw(id, found);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    panel.replaceChildren(heading(id), el("p", { class: "bad" }, problem.message));
    shown = "";
  }
}

function mark(id, pods) {
  const { kind, name } = parts(id);
  const of = { Subnet: (pod) => pod.subnet === name, Node: (pod) => pod.node === name };
  if (pods) store.marked = new Set(pods);
  else if (of[kind]) store.marked = new Set([...store.items.values()].filter((item) => item.kind === "Pod" && of[kind](item)).map(({ id: one }) => one));
  changed();
}

function draw(id, found) {
  const item = store.items.get(id) ?? {};
  const { kind } = parts(id);
  if (found.pods) mark(id, found.pods);
  const opened = id === shown ? new Set([...panel.querySelectorAll("details[open]")].map((one) => one.dataset.key)) : new Set();
  const reach = id === shown ? panel.querySelector("#reach") : null;
  panel.replaceChildren(
    heading(id),
    problems(found.problems),
    kind === "Pod" ? ports(item, found.ports) : facts(item),
    ...(kind === "Pod" ? [el("h3", {}, "Policies"), links(found.policies, "No policy selects it.")] : []),
    ...(found.pods ? [el("h3", {}, `Selects ${count(found.pods.length, "Pod")}`), links(found.pods, "No Pod.")] : []),
    kind === "Pod" ? (reach ?? el("div", { id: "reach" })) : "",
    el("h3", {}, "Rows in OVN", el("span", { class: "size" }, found.rows.length)),
    ...found.rows.map((row) => rowOf(row, opened)),
    found.joins.length ? el("p", { class: "muted" }, `Member of ${found.joins.join(", ")}`) : "",
  );
  shown = id;
  if (kind === "Pod" && item.state !== "host") {
    askAll(id, (verdicts, page, done) => drawReach(panel.querySelector("#reach"), id, verdicts, page, done, open));
  }
}

function heading(id) {
  const { kind, namespace, name } = parts(id);
  const close = button("×", () => open(""), { class: "close", "aria-label": "Close" });
  return el("div", { class: "title" }, el("h2", {}, el("span", { class: "kind" }, kind), name), namespace && el("span", { class: "muted" }, `in ${namespace}`), close);
}

const problems = (found) =>
  el("ul", { class: "problems" }, found.map((one) => el("li", {}, el("b", {}, one.reason), ` ${one.message}`)));

function table(rows) {
  const shownRows = rows.filter(([, value]) => value !== undefined && value !== "" && value !== false);
  return el("dl", { class: "facts" }, shownRows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

const link = (kind, name) => name && button(name, () => open(`${kind}/${name}`), { class: "link" });

function ports(item, found) {
  const on = ["Node", link("Node", item.node)];
  if (!found.length) return table([["State", item.state === "host" ? "on the network of its node" : "waits for an address"], on]);
  return table(found.flatMap((port) => [
    ...(found.length > 1 ? [["Network", port.network]] : []),
    ["Address", port.ip || "none yet"],
    ["MAC", port.mac],
    ["Port", el("span", { class: `state ${port.state}` }, port.state === "unknown" ? `${port.name}` : `${port.name} is ${port.state}`)],
    ["Subnet", link("Subnet", port.subnet)],
  ]).concat([on]));
}

function facts(item) {
  return table([
    ["Vpc", item.vpc && link("Vpc", item.vpc)],
    ["CIDR", item.cidr],
    ["Gateway", item.gateway],
    ["Leaves by", item.leaves],
    ["Addresses in use", item.used],
    ["Addresses", item.ips?.join(", ")],
    ["Join address", item.join !== true && item.join],
    ["Ready", item.kind === "Node" ? (item.ready ? "yes" : "no") : ""],
    ["Peers", item.peers?.join(", ")],
  ]);
}

function links(ids, nothing) {
  if (!ids.length) return el("p", { class: "muted" }, nothing);
  const few = ids.slice(0, 40);
  const list = el("ul", { class: "links" }, few.map((id) => el("li", {}, button(id, () => open(id), { class: "link" }))));
  if (ids.length > few.length) list.append(el("li", { class: "muted" }, `and ${ids.length - few.length} more, marked on the map`));
  return list;
}

function rowOf(row, opened) {
  const key = `${row.table} ${row.name}`;
  const columns = Object.entries(row.columns).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
  const how = row.how === "wanted" ? "" : el("span", { class: `badge ${row.how}` }, row.how);
  return el("details", { class: "row", "data-key": key, open: opened.has(key) },
    el("summary", {}, el("b", {}, row.table), ` ${row.name} `, how),
    row.in && el("p", { class: "muted" }, `in ${row.in}`), el("dl", { class: "columns" }, columns));
}
