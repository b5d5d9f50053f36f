// What the server said, and what somebody chose to look at. Everything that is drawn follows from this.

/** "Pod/shop/web" in parts; kinds outside of namespaces have none. */
export function parts(id) {
  const [kind, ...rest] = id.split("/");
  return { kind, namespace: rest.length > 1 ? rest[0] : "", name: rest[rest.length - 1] };
}

export const store = {
  items: new Map(),
  status: { waits: [], version: 0 },
  connected: false,
  /** Grows with each change of items. */
  edition: 0,
  search: "",
  namespace: "",
  view: "network",
  /** The id of what is selected, or "". */
  selected: "",
  /** Ids to stand out: the Pods of what is selected; null when nothing is. */
  marked: null,
  /** Verdicts by id, while a Pod is selected; null otherwise. */
  reach: null,
};

const listeners = new Set();
let isDue = false;

/** `draw` is called once a frame, however much changed in it. */
export const onChange = (draw) => listeners.add(draw);

export function changed() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    for (const draw of listeners) draw();
  });
}

function added(item) {
  const found = { ...item, ...parts(item.id) };
  // What the search looks at, made once.
  found.text = [item.id, item.ip, item.node, item.subnet, item.state, item.cidr, item.vpc, ...(item.ips ?? [])]
    .filter(Boolean).join(" ").toLowerCase();
  store.items.set(item.id, found);
}

export function replace(items) {
  store.items.clear();
  items.forEach(added);
  store.edition += 1;
  changed();
}

export function apply({ put, gone }) {
  put.forEach(added);
  gone.forEach((id) => store.items.delete(id));
  store.edition += 1;
  changed();
}

export function ofKind(...kinds) {
  const found = [...store.items.values()].filter((item) => kinds.includes(item.kind));
  return found.sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** Whether an item is to be shown, as the search box and the choice of a namespace say. */
export function matcher() {
  const words = store.search.toLowerCase().split(/\s+/).filter(Boolean);
  return (item) =>
    (!store.namespace || !item.namespace || item.namespace === store.namespace) &&
    words.every((word) => item.text.includes(word));
}
