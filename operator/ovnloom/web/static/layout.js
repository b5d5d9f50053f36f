// Which boxes there are: routers with their Subnets, or nodes; each with the Pods in it that are to be shown.

import { matcher, ofKind, store } from "./store.js";

const card = (id, item, title, facts, pods) => ({ id, item, title, facts: facts.filter(Boolean), pods });

export function layout() {
  const matches = matcher();
  const pods = ofKind("Pod").filter(matches);
  return { pods, groups: store.view === "node" ? byNode(pods) : byNetwork(pods) };
}

function groupBy(items, key) {
  const found = new Map();
  for (const item of items) {
    const name = key(item) ?? "";
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(item);
  }
  return found;
}

function byNetwork(pods) {
  const ofSubnet = groupBy(pods, (pod) => pod.subnet);
  const subnets = groupBy(ofKind("Subnet"), (subnet) => subnet.vpc);
  const vpcs = ofKind("Vpc").sort((one, other) => (other.default ?? 0) - (one.default ?? 0));
  const known = new Set(vpcs.map((vpc) => vpc.name));
  const missing = [...subnets.keys()].filter((name) => !known.has(name));
  const groups = [...vpcs, ...missing.map((name) => ({ id: "", name, missing: true }))].map((vpc) => ({
    id: vpc.id,
    item: vpc,
    title: vpc.name,
    kind: vpc.missing ? "Vpc that isn't there" : "Vpc",
    facts: [
      vpc.default && "default",
      vpc.peers && `peers with ${vpc.peers.join(", ")}`,
      vpc.routes && `${vpc.routes} routes of its own`,
    ].filter(Boolean),
    cards: (subnets.get(vpc.name) ?? []).sort((one, other) => (one.join ?? 0) - (other.join ?? 0)).map((subnet) =>
      card(subnet.id, subnet, subnet.name, [subnet.cidr, subnet.join ? "joins the nodes" : subnet.leaves],
        ofSubnet.get(subnet.name) ?? [])),
  }));
  return [...groups, ...elsewhere(ofSubnet.get("") ?? [], "In no Subnet")];
}

function byNode(pods) {
  const ofNode = groupBy(pods, (pod) => pod.node);
  const cards = ofKind("Node").map((node) =>
    card(node.id, node, node.name, [...(node.ips ?? []), node.ready ? "ready" : "not ready"], ofNode.get(node.name) ?? []));
  const nodes = { id: "", item: {}, title: "Nodes", kind: "", facts: [], cards };
  return [nodes, ...elsewhere(ofNode.get("") ?? [], "On no node yet")];
}

/** Pods on the network of their node, and those that wait for an address or a node. */
function elsewhere(pods, title) {
  if (!pods.length) return [];
  const words = { host: "network of the node", waiting: "waiting for an address" };
  const cards = [...groupBy(pods, (pod) => pod.state)].map(([state, found]) =>
    card(`${title}/${state}`, {}, words[state] ?? state, [], found));
  return [{ id: "", item: {}, title, kind: "", facts: [], cards }];
}
