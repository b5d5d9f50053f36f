"""A Service is one Load_Balancer for each protocol, in the group of its Vpc."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ovnloom.api.meta import Key
from ovnloom.api.service import Service, ServicePort
from ovnloom.compile.service_addresses import Address, served_addresses
from ovnloom.intent import EMPTY, Intent, Member, Problem, Ref, Row, Value
from ovnloom.ipam import Family
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.problem import idle, shown
from ovnloom.world.service import Offer, in_brackets, of_service, offers, rival, slices
from ovnloom.world.vpc import exists

PROTOCOLS: dict[str, names.Protocol] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
LONGEST_AFFINITY = 65535
"""Seconds for which OVN can keep a client's backend (lb.c reads at most 16 bits)."""
MOST_NAMED = 5
"""Things that a sentence names before it says how many more there are."""
HAIRPIN = " ".join(names.HAIRPIN_IPS.values())


def compile_service(read: Reader, key: Key) -> Intent:
    """A Service is one Load_Balancer for each protocol, with a virtual address for each of its IPs and ports.

    Without endpoints the address stays and rejects, as kube-proxy does. In a Vpc that doesn't exist nobody is served.
    """
    service = read.get(Service, key)
    if service is None or not service.cluster_ips:
        return EMPTY
    vpc = read.view(of_service, key)
    if not read.view(exists, vpc):
        wrong = f"annotation ovn.kubernetes.io/vpc is {shown(vpc)}; create that Vpc or name another"
        return Intent(problems=(Problem("VpcMissing", wrong),))
    problems: dict[Problem, None] = {}
    addresses = served_addresses(read, service, vpc, problems)
    found = [read.view(offers, name) for name in slices(read, key)]
    offered = [offer for each in found for offer in each.offers]
    unreadable = [text for each in found for text in each.unreadable]
    if unreadable:
        wrong = f"endpoints {_named(unreadable)} of its EndpointSlices aren't addresses of their addressType; correct"
        problems[idle("EndpointUnreadable", f"{wrong} them. They get no traffic")] = None
    rows = []
    for protocol in dict.fromkeys(port.protocol for port in service.ports):
        vips = _vips(
            read, service, vpc, addresses, [p for p in service.ports if p.protocol == protocol], offered, problems
        )
        if vips:
            rows.append(_row(service, PROTOCOLS[protocol], vips))
    if service.affinity_seconds > LONGEST_AFFINITY:
        wrong = f"spec.sessionAffinityConfig.clientIP.timeoutSeconds is {service.affinity_seconds}, more than OVN can"
        problems[idle("AffinityCut", f"{wrong} keep; clients lose their backend after {LONGEST_AFFINITY} s")] = None
    group = Ref("Load_Balancer_Group", names.load_balancer_group(vpc))
    members = tuple(Member(group, "load_balancer", row.ref) for row in rows)
    return Intent(tuple(rows), members, tuple(problems))


def _vips(
    read: Reader,
    service: Service,
    vpc: str,
    addresses: tuple[Address, ...],
    ports: list[ServicePort],
    offered: list[Offer],
    problems: dict[Problem, None],
) -> dict[str, str]:
    vips: dict[str, str] = {}
    for family in dict.fromkeys(address.family for address in addresses):
        for port in ports:
            chosen = backends(offered, family, port)
            for address in addresses:
                if address.family != family:
                    continue
                place = (address.text, port.port, port.protocol)
                other = None if address.is_internal else rival(read, service, vpc, place)
                if other is None:
                    vips[f"{in_brackets(family, address.text)}:{port.port}"] = chosen
                else:
                    wrong = f"{address.text} port {port.port}/{port.protocol} is served for Service {other}"
                    problems[idle("AddressTaken", f"{wrong}; give this one another address or port")] = None
    return vips


def backends(offered: list[Offer], family: Family, port: ServicePort) -> str:
    """The backends of a port: all that are ready, else those that are leaving and still serve, as OVN writes them."""
    ours = [o for o in offered if o.family == family and o.port == port.name and o.protocol == port.protocol]
    if not ours:
        return ""
    if len(ours) == 1:
        return ",".join(ours[0].ready or ours[0].leaving)
    found = sorted(chain.from_iterable(offer.ready for offer in ours))
    found = found or sorted(chain.from_iterable(offer.leaving for offer in ours))
    return ",".join(dict.fromkeys(found))


def _row(service: Service, protocol: names.Protocol, vips: dict[str, str]) -> Row:
    name = names.service_load_balancer(service.namespace, service.name, protocol)
    columns: dict[str, Value] = {
        "name": name,
        "protocol": protocol,
        "vips": vips,
        "options": dict(_options(service, protocol)),
        "external_ids": {names.KEY_SERVICE: names.service_key(service.namespace, service.name)},
    }
    if service.affinity_seconds:
        columns["selection_fields"] = frozenset({"ip_src", "ipv6_src"})
    return Row("Load_Balancer", name, columns)


def _options(service: Service, protocol: names.Protocol) -> Iterator[tuple[str, str]]:
    yield "reject", "true"
    yield "hairpin_snat_ip", HAIRPIN
    if service.affinity_seconds:
        yield "affinity_timeout", str(min(service.affinity_seconds, LONGEST_AFFINITY))
    if protocol == "udp":  # a client that goes on sending would keep a backend that is gone
        yield "ct_flush", "true"


def _named(found: list[str]) -> str:
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(map(shown, found[:MOST_NAMED])) + more
