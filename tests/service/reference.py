"""What kube-proxy does for packets of Pods to Services, said independently and read from the documentation only.

https://kubernetes.io/docs/reference/networking/virtual-ips/
https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/
https://kubernetes.io/docs/concepts/services-networking/service-traffic-policy/

It works on objects as the API server has them and shares nothing with `ovnloom`.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

Body = Mapping[str, Any]
Place = tuple[str, int, str]
"""Address, port and protocol of a packet."""
REJECT = "rejected"
DROP = "dropped"
Answer = frozenset[str] | str
"""The backends of which one gets the packet, or what becomes of it instead."""


def tables(services: Sequence[Body], slices: Sequence[Body], node: Body) -> dict[Place, Answer]:
    """What becomes of a packet that a Pod on the node sends to each address of each Service."""
    found: dict[Place, Answer] = {}
    for service in sorted(services, key=_age):  # with each address of two Services, the older has it
        for place, is_internal, port in _places(service):
            if not is_internal:
                found.setdefault(place, _answer(service, slices, node, place, port, False))
    for service in services:  # but nobody takes a ClusterIP away
        for place, is_internal, port in _places(service):
            if is_internal:
                found[place] = _answer(service, slices, node, place, port, True)
    return found


def outside(services: Sequence[Body], slices: Sequence[Body], node: Body, client: str) -> dict[Place, Answer]:
    """What becomes of a packet that comes to the node from outside, to each external address and to NodePorts.

    NodePorts stand at the address 0.0.0.0 or ::. https://kubernetes.io/docs/concepts/services-networking/service/
    """
    found: dict[Place, Answer] = {}
    for service in sorted(services, key=_age):
        spec = service["spec"]
        families = {ip_address(ip).version for ip in spec.get("clusterIPs", []) if ip != "None"}
        if spec["type"] == "ExternalName":
            continue
        policy = {**service, "spec": {**spec, "internalTrafficPolicy": spec.get("externalTrafficPolicy")}}
        ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
        balancer = [item["ip"] for item in ingress if "ip" in item and item.get("ipMode", "VIP") == "VIP"]
        for port in spec["ports"]:
            at = [(ip, port["port"], False) for ip in spec.get("externalIPs", [])]
            at += [(ip, port["port"], True) for ip in balancer if ip not in spec.get("externalIPs", [])]
            at += [(ip, port["nodePort"], False) for ip in ("0.0.0.0", "::") if port.get("nodePort")]  # noqa: S104,RUF100
            for ip, number, is_limited in at:
                if ip_address(ip).version not in families:
                    continue
                place = (str(ip_address(ip)), number, port["protocol"])
                answer = _answer(policy, slices, node, place, port, True)
                if is_limited and not _may_come(spec.get("loadBalancerSourceRanges", []), client):
                    answer = DROP
                found.setdefault(place, answer)
    for place in tables(services, slices, node):
        if any(place[0] == str(ip_address(ip)) for each in services for ip in _cluster_ips(each)):
            found.pop(place, None)  # nobody takes a ClusterIP away, and it isn't meant for the outside
    return found


def _cluster_ips(service: Body) -> list[str]:
    return [ip for ip in service["spec"].get("clusterIPs", []) if ip != "None"]


def _may_come(ranges: Sequence[str], client: str) -> bool:
    return not ranges or any(ip_address(client) in ip_network(text) for text in ranges)


def _age(service: Body) -> tuple[str, str]:
    return service["metadata"]["creationTimestamp"], service["metadata"]["name"]


def _places(service: Body) -> Iterator[tuple[Place, bool, Body]]:
    """The addresses of a Service, whether each is a ClusterIP, and the port."""
    spec = service["spec"]
    cluster = spec.get("clusterIPs", [])
    if spec["type"] == "ExternalName" or "None" in cluster:
        return
    families = {ip_address(ip).version for ip in cluster}
    others = list(spec.get("externalIPs", []))
    if not spec.get("loadBalancerSourceRanges"):  # a firewall, and the nodes' business
        ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
        others += [item["ip"] for item in ingress if "ip" in item and item.get("ipMode", "VIP") == "VIP"]
    for port in spec["ports"]:
        for ip in cluster:
            yield (str(ip_address(ip)), port["port"], port["protocol"]), True, port
        for ip in others:
            if ip_address(ip).version in families:
                yield (str(ip_address(ip)), port["port"], port["protocol"]), False, port


def _answer(service: Body, slices: Sequence[Body], node: Body, place: Place, port: Body, is_internal: bool) -> Answer:
    family = ip_address(place[0]).version
    endpoints = [
        (endpoint, number)
        for slice_ in slices
        if slice_["metadata"]["labels"].get("kubernetes.io/service-name") == service["metadata"]["name"]
        if slice_["addressType"] == f"IPv{family}"
        for number in _numbers(slice_, port)
        for endpoint in slice_["endpoints"]
    ]
    ready = [each for each in endpoints if _ready(each[0])]
    leaving = [each for each in endpoints if not _ready(each[0]) and _serves(each[0]) and _terminates(each[0])]
    if not ready and not leaving:
        return REJECT
    if is_internal and service["spec"].get("internalTrafficPolicy") == "Local":
        here = node["metadata"]["name"]
        mine = [each for each in ready if each[0].get("nodeName") == here]
        mine = mine or [each for each in leaving if each[0].get("nodeName") == here]
        return _texts(mine) if mine else DROP
    return _texts(_meant_for(ready, node) if ready else leaving)


def _meant_for(ready: list[tuple[Body, int]], node: Body) -> list[tuple[Body, int]]:
    """Hints are followed when all ready endpoints have them and at least one is meant for the node, or its zone."""
    zone = node["metadata"].get("labels", {}).get("topology.kubernetes.io/zone")
    for hint, wanted in (("forNodes", node["metadata"]["name"]), ("forZones", zone)):
        hinted = [{item["name"] for item in each[0].get("hints", {}).get(hint, [])} for each in ready]
        if all(hinted) and any(wanted in names for names in hinted):
            return [each for each, names in zip(ready, hinted, strict=True) if wanted in names]
    return ready


def _numbers(slice_: Body, port: Body) -> Iterator[int]:
    for each in slice_["ports"]:
        if each.get("name", "") == port.get("name", "") and each.get("protocol", "TCP") == port["protocol"]:
            yield each["port"]


def _ready(endpoint: Body) -> bool:
    """Unknown means ready."""
    return endpoint["conditions"].get("ready") in (None, True)


def _serves(endpoint: Body) -> bool:
    """Unknown means that it serves."""
    return endpoint["conditions"].get("serving") in (None, True)


def _terminates(endpoint: Body) -> bool:
    return endpoint["conditions"].get("terminating") is True


def _texts(endpoints: list[tuple[Body, int]]) -> frozenset[str]:
    found = set()
    for endpoint, number in endpoints:
        address = ip_address(endpoint["addresses"][0])
        found.add(f"{address}:{number}" if address.version == 4 else f"[{address}]:{number}")
    return frozenset(found)
