// The stream of the server: first all items, then what differs. The browser connects again by itself.

import { apply, changed, replace, store } from "./store.js";

export function listen() {
  const source = new EventSource("/api/live");
  const on = (event, act) => source.addEventListener(event, (message) => act(JSON.parse(message.data)));
  on("all", replace);
  on("change", apply);
  on("status", (status) => {
    store.status = status;
    store.connected = true;
    changed();
  });
  source.addEventListener("error", () => {
    store.connected = false;
    changed();
  });
  // A page that goes frees its connection at once; one that comes back by the browser's back button starts over.
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

/** The server's answer to one question; throws with its sentence. */
export async function ask(path, query, signal) {
  const answer = await fetch(`/api/${path}?${new URLSearchParams(query)}`, { signal });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}
