"""A SwitchLBRule is a headless Service whose load balancer has the rule's address instead of a ClusterIP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ovnloom.api.endpointslice import SERVICE
from ovnloom.api.meta import Key
from ovnloom.api.namespace import Namespace
from ovnloom.api.service import HEALTH_CHECK, SWITCH_LB_VIP
from ovnloom.api.switchlbrule import RulePort, SwitchLBRule
from ovnloom.intent import EMPTY, Intent, Manifest, Problem, Report
from ovnloom.ipam import Malformed, Pair, address_text, parse_address, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.problem import invalid, shown

REASON = "ValidateSwitchLBRuleFailed"
COPIED = ("ovn.kubernetes.io/logical_router", "ovn.kubernetes.io/logical_switch", HEALTH_CHECK)
"""Annotations of the rule that its Service has as well."""
PROTOCOLS = ("TCP", "UDP", "SCTP")
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""Names that a Service can have: https://datatracker.ietf.org/doc/html/rfc1035#section-2.3.1"""


def compile_switchlbrule(read: Reader, key: Key) -> Intent:
    """There is a Service `slr-NAME` that says the rule's address, with EndpointSlices where the backends are fixed.

    The Service's own compile makes the rows. A rule with a mistake keeps the Service that it has.
    """
    rule = read.get(SwitchLBRule, key)
    if rule is None:
        return EMPTY
    wrong = list(_wrong(rule))
    if wrong:
        return Intent.held(*(invalid(REASON, sentence) for sentence in wrong))
    space = read.get(Namespace, Key(rule.namespace))
    if space is None or space.deleting:
        missing = f"spec.namespace is {rule.namespace}, which is {'being deleted' if space else 'missing'}; create it"
        missing += " or name another"
        return Intent.held(Problem("NamespaceMissing", missing))
    name = names.switch_lb_service(rule.name)
    ports = tuple(_named(rule.ports))
    objects = [Manifest("v1", "Service", Key(name, rule.namespace), _service(rule, ports))]
    objects.extend(_slices(rule, name, ports))
    status = {
        "ports": ",".join(f"{port.port}/{port.protocol}" for port in ports),
        "service": f"{rule.namespace}/{name}",
    }
    return Intent(report=Report(status=status, ready="ReconcileSwitchLBRuleSuccess"), objects=tuple(objects))


def _service(rule: SwitchLBRule, ports: tuple[RulePort, ...]) -> Mapping[str, Any]:
    vip = parse_pair(rule.vip)
    annotations = {SWITCH_LB_VIP: vip.text}
    annotations |= {name: rule.annotations[name] for name in COPIED if name in rule.annotations}
    spec: dict[str, Any] = {
        "type": "ClusterIP",
        "clusterIP": "None",
        "ports": [
            {
                **({"name": port.name} if port.name else {}),
                "port": port.port,
                "targetPort": port.target_port,
                "protocol": port.protocol,
            }
            for port in ports
        ],
        "sessionAffinity": rule.session_affinity or "None",
        "ipFamilyPolicy": "PreferDualStack",
    }
    if len(vip.families) == 1:
        spec |= {"ipFamilyPolicy": "SingleStack", "ipFamilies": [f"IPv{vip.families[0]}"]}
    if not rule.endpoints:
        spec["selector"] = dict(item.split(":") for item in rule.selector)
    return {"metadata": {"annotations": annotations}, "spec": spec}


def _slices(rule: SwitchLBRule, service: str, ports: tuple[RulePort, ...]) -> Iterator[Manifest]:
    """One EndpointSlice for each family of the fixed backends."""
    read = sorted({parse_address(text) for text in rule.endpoints})
    for family in (4, 6):
        found = [address_text(family, number) for of, number in read if of == family]
        if not found:
            continue
        labels = {SERVICE: service, "endpointslice.kubernetes.io/managed-by": "ovnloom.io"}
        content = {
            "metadata": {"labels": labels},
            "addressType": f"IPv{family}",
            "ports": [{"name": p.name, "port": p.target_port, "protocol": p.protocol} for p in ports],
            "endpoints": [{"addresses": [text], "conditions": {"ready": True}} for text in found],
        }
        key = Key(f"{service}-ipv{family}", rule.namespace)
        yield Manifest("discovery.k8s.io/v1", "EndpointSlice", key, content)


def _named(ports: tuple[RulePort, ...]) -> Iterator[RulePort]:
    """A Service with several ports names each of them."""
    for port in ports:
        name = port.name or (f"{port.protocol.lower()}-{port.port}" if len(ports) > 1 else "")
        yield port._replace(name=name, target_port=port.target_port or port.port)


def _wrong(rule: SwitchLBRule) -> Iterator[str]:
    yield from rule.malformed
    yield from _wrong_vip(rule.vip)
    if not rule.namespace:
        yield "spec.namespace is empty; name the Namespace of the Pods"
    if not NAME.fullmatch(names.switch_lb_service(rule.name)):
        wrong = f"metadata.name makes {shown(names.switch_lb_service(rule.name))}, which no Service can be called"
        yield f"{wrong}; use at most 59 lower-case letters, digits and -"
    for at, item in enumerate(rule.selector):
        label, colon, value = item.partition(":")
        if not colon or not label or ":" in value:
            yield f"spec.selector[{at}] is {shown(item)}; write label:value"
    for at, text in enumerate(rule.endpoints):
        try:
            parse_address(text)
        except Malformed as malformed:
            yield f"spec.endpoints[{at}] {malformed}"
    if not rule.selector and not rule.endpoints:
        yield "spec.selector and spec.endpoints are empty; write which Pods or addresses are the backends"
    if rule.session_affinity not in ("", "None", "ClientIP"):
        yield f"spec.sessionAffinity is {shown(rule.session_affinity)}; use None or ClientIP"
    yield from _wrong_ports(rule.ports)


def _wrong_vip(vip: str) -> Iterator[str]:
    if not vip:
        yield "spec.vip is empty; write the address that clients connect to"
        return
    try:
        pair: Pair = parse_pair(vip)
    except Malformed as malformed:
        yield f"spec.vip {malformed}"
        return
    if not pair.families:
        yield f"spec.vip is {shown(vip)}; write the address that clients connect to"


def _wrong_ports(ports: tuple[RulePort, ...]) -> Iterator[str]:
    if not ports:
        yield "spec.ports is empty; write at least one port"
    taken: set[tuple[int, str]] = set()
    for at, port in enumerate(ports):
        where = f"spec.ports[{at}]"
        for field, number, least in (("port", port.port, 1), ("targetPort", port.target_port, 0)):
            if not least <= number <= 65535:
                yield f"{where}.{field} is {number}; use 1 to 65535"
        if port.protocol not in PROTOCOLS:
            yield f"{where}.protocol is {shown(port.protocol)}; use TCP, UDP or SCTP"
        if (port.port, port.protocol) in taken:
            yield f"{where} has port {port.port}/{port.protocol} once more; write each port once"
        taken.add((port.port, port.protocol))
