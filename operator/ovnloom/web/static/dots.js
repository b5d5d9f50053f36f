// Pods on a canvas: tiles with names while there are few, dots when there are thousands. One canvas is one tab stop;
// arrow keys walk over its Pods and Enter opens one.

import { changed, store } from "./store.js";

const WIDEST = 230;
const TILE = { width: 148, height: 24, most: 24, label: true };
const DOT = { width: 15, height: 15, most: 600 };
const GRAIN = { width: 9, height: 9, most: Infinity };

/** Colours are those of the style sheet, which knows about light and dark; read again when that changes. */
let palette = new Map();
const forget = () => {
  palette = new Map();
  changed();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", forget);

function colour(name) {
  if (!palette.has(name)) palette.set(name, getComputedStyle(document.body).getPropertyValue(`--${name}`).trim());
  return palette.get(name);
}

/** What the colour of a Pod says, in a word that the legend has. */
export function meaning(pod) {
  if (store.reach) return pod.id === store.selected ? "self" : store.reach.get(pod.id) ?? "unasked";
  return pod.problems ? "problem" : pod.state;
}

export class Dots {
  constructor(open, speak) {
    this.pods = [];
    this.cursor = -1;
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.addEventListener("click", (event) => {
      const at = this.at(event);
      if (at >= 0) open(this.pods[at].id);
    });
    this.canvas.addEventListener("mousemove", (event) => {
      const pod = this.pods[this.at(event)];
      this.canvas.title = pod ? describe(pod) : "";
      this.canvas.style.cursor = pod ? "pointer" : "";
    });
    this.canvas.addEventListener("keydown", (event) => this.walk(event, open, speak));
    this.canvas.addEventListener("focus", () => this.point(Math.max(this.cursor, 0), speak));
    this.canvas.addEventListener("blur", () => this.draw());
  }

  show(pods, title) {
    this.pods = pods;
    this.cursor = Math.min(this.cursor, pods.length - 1);
    this.canvas.setAttribute("aria-label", `${title}: ${pods.length} Pods. Arrow keys move, Enter opens.`);
    this.canvas.hidden = !pods.length;
    this.draw();
  }

  draw() {
    const width = this.canvas.parentElement?.clientWidth ?? 0;
    if (!width || !this.pods.length) return;
    this.cell = { ...[TILE, DOT, GRAIN].find((cell) => this.pods.length <= cell.most) };
    this.columns = Math.max(1, Math.floor(width / this.cell.width));
    if (this.cell.label) this.cell.width = Math.min(width / Math.min(this.columns, this.pods.length), WIDEST);
    const height = Math.ceil(this.pods.length / this.columns) * this.cell.height;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.textBaseline = "middle";
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const hasFocus = document.activeElement === this.canvas;
    this.pods.forEach((pod, at) => this.pod(pen, pod, at, hasFocus && at === this.cursor));
  }

  pod(pen, pod, at, isPointed) {
    const { width, height, label } = this.cell;
    const [left, top] = [(at % this.columns) * width, Math.floor(at / this.columns) * height];
    const size = label ? 9 : width - (width > 10 ? 4 : 2);
    const [x, y] = label ? [left + 9, top + height / 2 - size / 2] : [left + (width - size) / 2, top + (height - size) / 2];
    const what = meaning(pod);
    pen.globalAlpha = store.marked && !store.marked.has(pod.id) && pod.id !== store.selected ? 0.18 : 1;
    if (label) box(pen, left + 1, top + 1, width - 4, height - 3, 5, colour("tile"));
    // A shape besides the colour: what doesn't get through or doesn't work is a ring, what is under policies has a core.
    box(pen, x, y, size, size, size / 3, colour(what));
    const inner = size * 0.44;
    if (["no", "down", "waiting"].includes(what)) {
      box(pen, x + (size - inner) / 2, y + (size - inner) / 2, inner, inner, inner / 3, colour(label ? "tile" : "card"));
    }
    if (label) {
      pen.fillStyle = colour("text");
      pen.fillText(fitted(pen, pod.name, width - 32 - (pod.policies ? 14 : 0)), x + size + 6, top + height / 2);
      if (pod.policies) shield(pen, left + width - 16, top + height / 2 - 5, colour("muted"));
    }
    if (isPointed || pod.id === store.selected) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colour("focus");
      pen.lineWidth = 2;
      pen.strokeRect(left + 1, top + 1, width - (label ? 4 : 2), height - (label ? 3 : 2));
    }
  }

  at({ offsetX, offsetY }) {
    if (!this.cell) return -1;
    const column = Math.floor(offsetX / this.cell.width);
    const found = Math.floor(offsetY / this.cell.height) * this.columns + column;
    return column < this.columns && found < this.pods.length ? found : -1;
  }

  walk(event, open, speak) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns };
    const ends = { Home: 0, End: this.pods.length - 1 };
    if (event.key === "Enter" || event.key === " ") open(this.pods[this.cursor].id);
    else if (event.key in ends) this.point(ends[event.key], speak);
    else if (event.key in steps) this.point(this.cursor + steps[event.key], speak);
    else return;
    event.preventDefault();
  }

  point(at, speak) {
    if (at < 0 || at >= this.pods.length) return;
    this.cursor = at;
    speak(describe(this.pods[at]));
    this.draw();
  }
}

export function describe(pod) {
  const said = [`${pod.namespace}/${pod.name}`, pod.ip, pod.node && `on ${pod.node}`, pod.state];
  if (pod.policies) said.push(`${pod.policies} policies`);
  if (pod.problems) said.push(`${pod.problems} problems`);
  if (store.reach?.has(pod.id)) said.push(`reached: ${store.reach.get(pod.id)}`);
  return said.filter(Boolean).join(", ");
}

function box(pen, x, y, width, height, radius, fill) {
  pen.fillStyle = fill;
  pen.beginPath();
  pen.roundRect(x, y, width, height, radius);
  pen.fill();
}

function shield(pen, x, y, fill) {
  pen.fillStyle = fill;
  pen.beginPath();
  pen.moveTo(x, y + 1);
  pen.lineTo(x + 4.5, y - 0.5);
  pen.lineTo(x + 9, y + 1);
  pen.bezierCurveTo(x + 9, y + 6, x + 7, y + 9, x + 4.5, y + 10.5);
  pen.bezierCurveTo(x + 2, y + 9, x, y + 6, x, y + 1);
  pen.fill();
}

function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && pen.measureText(`${text.slice(0, end)}…`).width > width) end -= 1;
  return `${text.slice(0, end)}…`;
}
