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

const AGAIN_MS = 1000;

/** The server's answer to one question; throws with its sentence. A server that doesn't answer is asked again. */
export async function ask(path, query, signal) {
  let answer;
  while (!answer) {
    try {
      answer = await fetch(`/api/${path}?${new URLSearchParams(query)}`, { signal });
    } catch (problem) {
      if (problem.name === "AbortError") throw problem;
      await new Promise((go) => setTimeout(go, AGAIN_MS));
    }
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}
