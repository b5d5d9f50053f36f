// Where a Pod can go, or who can come: asked page by page, drawn as it comes.

import { ask } from "./live.js";
import { changed, parts, store } from "./store.js";

export const asked = { direction: "from", port: "" };
let running = null;

export const forget = () => {
  running?.abort();
  running = null;
  store.reach = null;
};

/** All verdicts of a Pod are in store.reach; `told` is called with each page, and with the words of a failure. */
export async function askAll(id, told) {
  running?.abort();
  const mine = (running = new AbortController());
  const found = new Map();
  let after = "";
  try {
    do {
      const query = { id, after, direction: asked.direction, port: asked.port };
      const page = await ask("reach", query, mine.signal);
      for (const [end, word] of Object.entries(page.found)) found.set(end, word);
      after = page.next;
      // While it is asked again, what was known stays to be seen until all is known anew.
      if (!store.reach || !after || store.reach.of !== id) store.reach = Object.assign(new Map(found), { of: id });
      told(found, page, after ? "" : "done");
      changed();
    } while (after);
  } catch (problem) {
    if (problem.name !== "AbortError") told(found, { isolation: [], error: problem.message }, "done");
  }
}

/** How many of each kind get through: {Pod: {yes, no, part}, …}. */
export function tally(found) {
  const kinds = {};
  for (const [id, word] of found) {
    const kind = (kinds[parts(id).kind] ??= { yes: 0, no: 0, part: 0 });
    kind[word] += 1;
  }
  return kinds;
}
