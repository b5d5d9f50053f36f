"""A Service is one Load_Balancer for each protocol, in the group of its Vpc."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ovnloom.api.meta import Key
from ovnloom.api.service import Service, ServicePort
from ovnloom.compile.service_addresses import Address, served_addresses
from ovnloom.compile.service_nodes import PerNode
from ovnloom.compile.service_probes import probe
from ovnloom.compile.service_rows import LONGEST_AFFINITY, balancer
from ovnloom.intent import EMPTY, Intent, Member, Problem, Ref, Row
from ovnloom.ipam import Family
from ovnloom.ovn import names
from ovnloom.world.chassis import has_variables
from ovnloom.world.graph import Reader
from ovnloom.world.problem import idle, shown
from ovnloom.world.service import Offer, in_brackets, of_service, offers, rival, slices
from ovnloom.world.vpc import exists

MOST_NAMED = 5
"""Things that a sentence names before it says how many more there are."""


def compile_service(read: Reader, key: Key) -> Intent:
    """A Service is one Load_Balancer for each protocol, with a virtual address for each of its IPs and ports.

    Without endpoints the address stays and rejects, as kube-proxy does. Addresses whose backends differ by node are in
    rows of their own, and their backends in the variables of each chassis. A Vpc that doesn't exist serves nobody.
    """
    service = read.get(Service, key)
    if service is None or not service.is_served:
        return EMPTY
    vpc = read.view(of_service, key)
    if not read.view(exists, vpc):
        wrong = f"Vpc {shown(vpc)} does not exist; create it, or name another in annotation ovn.kubernetes.io/vpc"
        return Intent(problems=(Problem("VpcMissing", wrong),))
    problems = dict.fromkeys(_warnings(service))
    addresses = served_addresses(read, service, vpc, problems)
    offered = _offered(read, key, problems)
    per_node = PerNode(read, service)
    rows: list[Row] = []
    for protocol in dict.fromkeys(port.protocol for port in service.ports):
        vips: dict[str, str] = {}
        for address, port in _served(read, service, vpc, addresses, protocol, problems):
            ours = _at(offered, address.family, port)
            everybody = _backends(ours)
            if everybody and _differs(service, address, ours) and _can_differ(read, problems):
                per_node.add(address, port, is_local=address.is_internal and service.is_internally_local)
            else:
                vips[f"{in_brackets(address.family, address.text)}:{port.port}"] = everybody
        if vips:
            rows.append(balancer(service, protocol, vips))
    rows.extend(per_node.rows())
    group = Ref("Load_Balancer_Group", names.load_balancer_group(vpc))
    members = [Member(group, "load_balancer", row.ref) for row in rows]
    members.extend(per_node.members())
    problems.update(dict.fromkeys(per_node.problems()))
    if service.switch_ips:
        probed = probe(read, service, rows)
        return Intent(probed.rows, tuple(members), tuple(problems), objects=probed.objects)
    return Intent(tuple(rows), tuple(members), tuple(problems))


def _warnings(service: Service) -> Iterator[Problem]:
    if service.affinity_seconds > LONGEST_AFFINITY:
        wrong = f"spec.sessionAffinityConfig.clientIP.timeoutSeconds is {service.affinity_seconds}, more than OVN can"
        yield idle("AffinityCut", f"{wrong} keep; clients lose their backend after {LONGEST_AFFINITY} s")


def _served(
    read: Reader,
    service: Service,
    vpc: str,
    addresses: tuple[Address, ...],
    protocol: str,
    problems: dict[Problem, None],
) -> Iterator[tuple[Address, ServicePort]]:
    """The addresses and ports of one protocol that no other Service of the Vpc has."""
    for port in service.ports:
        if port.protocol != protocol:
            continue
        for address in addresses:
            place = (address.text, port.port, protocol)
            other = None if address.is_internal else rival(read, service, vpc, place)
            if other is None:
                yield address, port
            else:
                wrong = f"{address.text} port {port.port}/{protocol} is served for Service {other}"
                problems[idle("AddressTaken", f"{wrong}; give this one another address or port")] = None


def _offered(read: Reader, key: Key, problems: dict[Problem, None]) -> list[Offer]:
    found = [read.view(offers, name) for name in slices(read, key)]
    unreadable = [text for each in found for text in each.unreadable]
    if unreadable:
        more = f" and {len(unreadable) - MOST_NAMED} more" if len(unreadable) > MOST_NAMED else ""
        which = ", ".join(map(shown, unreadable[:MOST_NAMED])) + more
        wrong = f"endpoints {which} of its EndpointSlices aren't addresses of their addressType"
        problems[idle("EndpointUnreadable", f"{wrong}; correct them, they get no traffic")] = None
    return [offer for each in found for offer in each.offers]


def _at(offered: list[Offer], family: Family, port: ServicePort) -> list[Offer]:
    """What is offered at a port: slices have it under the same name and protocol, whatever its number."""
    return [o for o in offered if o.port == port.name and o.protocol == port.protocol and o.family == family]


def _backends(ours: list[Offer]) -> str:
    """All backends that are ready, else those that are leaving and still serve, as OVN writes them."""
    if len(ours) == 1:
        return ",".join(ours[0].ready or ours[0].leaving)
    found = sorted(chain.from_iterable(offer.ready for offer in ours))
    found = found or sorted(chain.from_iterable(offer.leaving for offer in ours))
    return ",".join(dict.fromkeys(found))


def _differs(service: Service, address: Address, ours: list[Offer]) -> bool:
    """Whether nodes have other backends than each other: by policy, or because every ready endpoint has a hint.

    Traffic of Pods to the other addresses of a Service never depends on externalTrafficPolicy: kube-proxy, too,
    sends it to all backends.
    """
    if address.is_internal and service.is_internally_local:
        return True
    willing = [offer for offer in ours if offer.ready]
    return bool(willing) and (
        all(offer.has_zone_hints for offer in willing) or all(offer.has_node_hints for offer in willing)
    )


def _can_differ(read: Reader, problems: dict[Problem, None]) -> bool:
    if has_variables(read):
        return True
    wrong = "spec.internalTrafficPolicy or hints of its EndpointSlices choose backends by node, which the connected"
    problems[idle("NotSupportedByOvn", f"{wrong} OVN can't; upgrade to 22.12 or newer. All backends are used")] = None
    return False
