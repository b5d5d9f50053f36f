"""What NetworkPolicies allow, read off the documentation of their API, in the plainest way there is.

It shares no code with ovnloom and reads manifests (dicts, as in JSON), so that an agreement of the two means something.
API is https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/, Concepts is
https://kubernetes.io/docs/concepts/services-networking/network-policies/. Manifests are valid ones: what the API server
refuses isn't considered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

Body = Mapping[str, Any]
INGRESS, EGRESS = "Ingress", "Egress"
EVERY_PORT: Body = {}


class Question(NamedTuple):
    """May a connection be opened from one address to a port of another?"""

    source: str
    target: str
    protocol: str
    port: int


class Reference:
    """A cluster's Pods (their addresses in `status.podIPs`), Namespaces, Nodes and NetworkPolicies."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        self.kinds: dict[str, list[Body]] = {}
        for body in bodies:
            self.kinds.setdefault(body["kind"], []).append(body)
        self._found: dict[tuple[str, str, str], list[Body] | None] = {}

    def allowed(self, question: Question) -> bool:
        """Both ends must agree: the source's egress and the target's ingress (Concepts, two sorts of isolation).

        Nothing keeps a Pod from itself (Concepts, in the list of entities).
        """
        source, target, _, _ = question
        return source == target or (
            self.passes(EGRESS, source, target, question) and self.passes(INGRESS, target, source, question)
        )

    def passes(self, direction: str, subject: str, peer: str, question: Question) -> bool:
        """The policies of one end, in one direction, let the connection through."""
        return subject not in self.pods or self.by_network_policies(direction, subject, peer, question) is not False

    def by_network_policies(self, direction: str, subject: str, peer: str, question: Question) -> bool | None:
        """What they decide; None when no policy isolates the Pod in that direction."""
        ports = self.open_ports(direction, subject, peer)
        if ports is None:
            return None
        return self.is_its_node(self.pods[subject], peer) or any(self.port_matches(item, question) for item in ports)

    def is_its_node(self, pod: Body, address: str) -> bool:
        """The address is one of the Pod's node, to and from which all is allowed (Concepts, in the list of entities).

        The API says it of ingress only (spec.ingress: the source is the Pod's local node).
        """
        return address in self.nodes and self.nodes[address] == str(pod["spec"].get("nodeName"))

    def open_ports(self, direction: str, subject: str, peer: str) -> list[Body] | None:
        """The NetworkPolicyPorts that rules open between the two; None when no policy isolates the Pod, so all are.

        Policies add up: one rule of any of them is enough (API, spec.ingress and spec.egress).
        """
        place = direction, subject, peer
        if place not in self._found:
            self._found[place] = self._open_ports(*place)
        return self._found[place]

    def _open_ports(self, direction: str, subject: str, peer: str) -> list[Body] | None:
        policies = [policy for policy in self.policies_of(subject) if direction in policy_types(policy["spec"])]
        if not policies:
            return None
        rules, peers = ("ingress", "from") if direction == INGRESS else ("egress", "to")
        found: list[Body] = []
        for policy in policies:
            for rule in policy["spec"].get(rules) or ():
                if self.rule_means(rule.get(peers), namespace_of(policy), peer):
                    opened = rule.get("ports") or [EVERY_PORT]  # empty or missing: all ports (API, ingress.ports)
                    is_pod = direction == INGRESS or self.rule_means_pod(rule.get(peers), namespace_of(policy), peer)
                    found += [item for item in opened if is_pod or not isinstance(item.get("port"), str)]
        return found

    def policies_of(self, address: str) -> list[Body]:
        """The policies whose podSelector selects the Pod; an empty one selects all of the policy's namespace."""
        pod = self.pods[address]
        return [
            policy
            for policy in self.kinds.get("NetworkPolicy", ())
            if namespace_of(policy) == namespace_of(pod)
            and selects(policy["spec"].get("podSelector") or {}, labels_of(pod))
        ]

    def rule_means(self, peers: list[Body] | None, namespace: str, address: str) -> bool:
        """One of the peers is enough; an empty or missing list means everybody (API, ingress.from)."""
        return not peers or any(self.peer_means(peer, namespace, address) for peer in peers)

    def rule_means_pod(self, peers: list[Body] | None, namespace: str, address: str) -> bool:
        """Whether the address is meant as a Pod's, and not only as one inside an ipBlock.

        A named port is one "on a pod" (API, NetworkPolicyPort.port): that the addresses of a block, to which a Pod
        connects, have none is nowhere said of NetworkPolicies, but it is of their successors (AdminNetworkPolicy: there
        are no named ports for networks), and it is the reading that opens less.
        """
        return not peers or any("ipBlock" not in peer and self.peer_means(peer, namespace, address) for peer in peers)

    def peer_means(self, peer: Body, namespace: str, address: str) -> bool:
        """Whether a peer of a policy in that namespace means the address (API, NetworkPolicyPeer).

        Selectors mean Pods: of the policy's namespace without a namespaceSelector, all of them without a podSelector.
        """
        block = peer.get("ipBlock")
        if block is not None:
            return is_in(address, block["cidr"]) and not any(is_in(address, cidr) for cidr in block.get("except") or ())
        pod = self.pods.get(address)
        if pod is None:
            return False
        chosen, spaces = peer.get("podSelector"), peer.get("namespaceSelector")
        if spaces is None:
            return namespace_of(pod) == namespace and selects(chosen or {}, labels_of(pod))
        return selects(spaces, self.namespaces[namespace_of(pod)]) and selects(chosen or {}, labels_of(pod))

    def port_matches(self, item: Body, question: Question) -> bool:
        """Whether a NetworkPolicyPort covers the target's port (API, NetworkPolicyPort).

        Protocol and port must match both; TCP unless it says another, all ports of it without `port`. A name is that of
        a port of the Pod to which the connection goes.
        """
        if item is EVERY_PORT:
            return True
        if item.get("protocol", "TCP") != question.protocol:
            return False
        port = item.get("port")
        if port is None:
            return True
        if isinstance(port, str):
            return (port, question.protocol, question.port) in self.named_ports(question.target)
        return bool(port <= question.port <= item.get("endPort", port))

    def named_ports(self, address: str) -> set[tuple[str, str, int]]:
        """Name, protocol and number of the ports that have a name, of the containers of the Pod with that address.

        Of init containers those count that keep running beside the others (restartPolicy Always).
        """
        if address not in self.pods:
            return set()
        spec = self.pods[address]["spec"]
        sidecars = [item for item in spec.get("initContainers") or () if item.get("restartPolicy") == "Always"]
        return {
            (port["name"], port.get("protocol", "TCP"), port["containerPort"])
            for container in [*sidecars, *(spec.get("containers") or ())]
            for port in container.get("ports") or ()
            if "name" in port
        }

    @cached_property
    def pods(self) -> dict[str, Body]:
        """Pods by address, without those in the host's network.

        What policies mean for these isn't defined; here they are no Pods to a selector, and their traffic is their
        node's, which is what most implementations do (Concepts, NetworkPolicy and hostNetwork pods).
        """
        return {
            item["ip"]: pod
            for pod in self.kinds.get("Pod", ())
            if not pod["spec"].get("hostNetwork")
            for item in pod.get("status", {}).get("podIPs", ())
        }

    @cached_property
    def nodes(self) -> dict[str, str]:
        """Names of nodes by address."""
        return {
            item["address"]: node["metadata"]["name"]
            for node in self.kinds.get("Node", ())
            for item in node["status"]["addresses"]
        }

    @cached_property
    def namespaces(self) -> dict[str, Mapping[str, str]]:
        """Labels of namespaces by name."""
        return {space["metadata"]["name"]: labels_of(space) for space in self.kinds.get("Namespace", ())}


def policy_types(spec: Body) -> list[str]:
    """The directions that a policy is about; by default ingress, and egress if it has a rule for that (Concepts)."""
    return spec.get("policyTypes") or ([INGRESS, EGRESS] if spec.get("egress") else [INGRESS])


def selects(selector: Body, labels: Mapping[str, str]) -> bool:
    """Whether the labels meet all that a label selector requires.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/
    """
    wanted = selector.get("matchLabels") or {}
    return all(key in labels and labels[key] == value for key, value in wanted.items()) and all(
        meets(item, labels) for item in selector.get("matchExpressions") or ()
    )


def meets(item: Body, labels: Mapping[str, str]) -> bool:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors

    NotIn holds as well where the label is missing.
    """
    key = item["key"]
    match item["operator"]:
        case "In":
            return key in labels and labels[key] in item["values"]
        case "NotIn":
            return key not in labels or labels[key] not in item["values"]
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise AssertionError(item)


@lru_cache(maxsize=10000)
def is_in(address: str, cidr: str) -> bool:
    """An address of the other family never is."""
    return ip_address(address) in ip_network(cidr, strict=False)


def namespace_of(body: Body) -> str:
    return str(body["metadata"]["namespace"])


def labels_of(body: Body) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}
