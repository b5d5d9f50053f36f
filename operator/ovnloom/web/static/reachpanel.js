// The part of a Pod's panel about traffic: what gets through, what doesn't, and why.

import { button, count, el } from "./dom.js";
import { ask } from "./live.js";
import { asked, askAll, tally } from "./reach.js";
import { parts } from "./store.js";

const MOST = 60;
const ORDER = ["Pod", "Service", "Node"];
let only = "no";

export function drawReach(root, id, found, page, done, open) {
  if (!root) return;
  const again = () => askAll(id, (...told) => drawReach(root, id, ...told, open));
  if (!root.firstChild) root.append(form(again), el("div", { class: "answer" }));
  const answer = root.lastChild;
  if (page.error) {
    answer.replaceChildren(el("p", { class: "bad" }, page.error));
    delete answer.dataset.key;
    return;
  }
  if (!done && answer.firstChild) return;
  // What is the same stays, with what somebody has opened in it.
  const key = JSON.stringify([id, asked, Boolean(done), [...found], page.isolation]);
  if (answer.dataset.key === key) return;
  answer.dataset.key = key;
  const words = { from: "It reaches", to: "It is reached by" };
  const sums = Object.entries(tally(found)).sort(([one], [other]) => ORDER.indexOf(one) - ORDER.indexOf(other)).map(([kind, sum]) => {
    const all = sum.yes + sum.no + sum.part;
    return `${sum.yes.toLocaleString("en")} of ${count(all, kind)}${sum.part ? ` (${sum.part} in part)` : ""}`;
  });
  const list = el("ul", { class: "ends" });
  const choose = el("select", { "aria-label": "Which to list", onchange: (event) => fill((only = event.target.value)) },
    [["no", "not reached"], ["part", "in part"], ["yes", "reached"]].map(([word, text]) => el("option", { value: word, selected: word === only }, text)));
  const fill = (word) => {
    // Those of its own namespace first: that is where most questions are.
    const ends = [...found].filter(([, said]) => said === word).map(([end]) => end);
    // Those of its own namespace first: that is where most questions are.
    const isNear = (end) => parts(end).namespace === parts(id).namespace;
    const sorted = [...ends.filter(isNear), ...ends.filter((end) => !isNear(end))];
    list.replaceChildren(...sorted.slice(0, MOST).map((end) => entry(id, end, open)));
    if (ends.length > MOST) list.append(el("li", { class: "muted" }, `and ${(ends.length - MOST).toLocaleString("en")} more on the map`));
    if (!ends.length) list.append(el("li", { class: "muted" }, "none"));
  };
  fill(only);
  answer.replaceChildren(
    ...page.isolation.map((one) => el("p", { class: "closed" },
      one.effect === "denies" ? `Some ${one.direction} is denied by ${one.by.join(", ")}.` : `Its ${one.direction} is closed but for what ${one.by.join(", ")} let${one.by.length > 1 ? "" : "s"} through.`)),
    el("p", { class: "sum", "data-done": done ? "yes" : "no" }, `${words[asked.direction]} ${sums.join(", ") || "nothing"}.`),
    el("p", { class: "choose" }, "List ", choose), list);
}

function form(again) {
  const direction = el("select", { "aria-label": "Direction", onchange: (event) => ((asked.direction = event.target.value), again()) },
    el("option", { value: "from", selected: asked.direction === "from" }, "Where it can go"),
    el("option", { value: "to", selected: asked.direction === "to" }, "Who can reach it"));
  const port = el("input", { type: "text", value: asked.port, placeholder: "ping, or 80/tcp", "aria-label": "Port",
    onchange: (event) => ((asked.port = event.target.value.trim()), again()) });
  return el("form", { class: "ask", onsubmit: (event) => event.preventDefault() }, direction, port);
}

function entry(pod, end, open) {
  const why = el("div", { class: "why" });
  const details = el("details", {
    ontoggle: async () => {
      if (!details.open) return;
      const [from, to] = asked.direction === "from" ? [pod, end] : [end, pod];
      why.replaceChildren(...(await explain(from, to)), button(`Open ${end}`, () => open(end), { class: "link" }));
    },
  }, el("summary", {}, end), why);
  return el("li", {}, details);
}

async function explain(from, to) {
  try {
    const { said, port, lines, notes } = await ask("why", { from, to, port: asked.port });
    return [el("p", {}, el("b", {}, said), `, ${port}`), el("ol", {}, [...lines, ...notes].map((line) => el("li", {}, line)))];
  } catch (problem) {
    return [el("p", { class: "bad" }, problem.message)];
  }
}
