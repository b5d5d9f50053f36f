"""The Load_Balancer rows of a Service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ovnloom.api.service import Service
from ovnloom.intent import Row, Value
from ovnloom.ipam import Family
from ovnloom.ovn import names

PROTOCOLS: Mapping[str, names.Protocol] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
LONGEST_AFFINITY = 65535
"""Seconds for which OVN can keep a client's backend: northd cuts more to 16 bits."""
HAIRPIN = " ".join(names.HAIRPIN_IPS.values())


def balancer(service: Service, protocol: str, vips: Mapping[str, str]) -> Row:
    """Addresses whose backends are the same for everybody."""
    name = names.service_load_balancer(service.namespace, service.name, PROTOCOLS[protocol])
    options = dict(_options(protocol))
    if service.affinity_seconds:
        options["affinity_timeout"] = str(min(service.affinity_seconds, LONGEST_AFFINITY))
    return _row(service, name, protocol, vips, options)


def node_balancer(service: Service, protocol: str, family: Family, vips: Mapping[str, str]) -> Row:
    """Addresses whose backends are variables of each chassis.

    With session affinity the backend follows from the client's address; OVN can't remember it where backends are
    variables (ovn-controller 25.03 refuses the flows that would).
    """
    name = names.local_load_balancer(service.namespace, service.name, PROTOCOLS[protocol], family)
    options = {**dict(_options(protocol)), "template": "true", "address-family": f"ipv{family}"}
    return _row(service, name, protocol, vips, options)


def _row(service: Service, name: str, protocol: str, vips: Mapping[str, str], options: Mapping[str, str]) -> Row:
    columns: dict[str, Value] = {
        "name": name,
        "protocol": PROTOCOLS[protocol],
        "vips": vips,
        "options": options,
        "external_ids": {names.KEY_SERVICE: names.service_key(service.namespace, service.name)},
    }
    if service.affinity_seconds:
        columns["selection_fields"] = frozenset({"ip_src", "ipv6_src"})
    return Row("Load_Balancer", name, columns)


def _options(protocol: str) -> Iterator[tuple[str, str]]:
    yield "reject", "true"
    yield "hairpin_snat_ip", HAIRPIN
    if protocol == "UDP":  # a client that goes on sending would keep a backend that is gone
        yield "ct_flush", "true"
