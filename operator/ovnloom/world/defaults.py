"""What every cluster has from the first start on, as values: default Vpc, default Subnet, join Subnet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.api.subnet import Subnet
from ovnloom.api.vpc import Vpc
from ovnloom.ipam import Malformed, Networks, exclude_items, parse_cidr_block, parse_pair, special_use
from ovnloom.settings import Settings
from ovnloom.world.tables import BY_TYPE

Body = Mapping[str, Any]


class Unusable(Exception):
    """The settings contradict each other; the sentence says which and what to change."""


def check(settings: Settings) -> None:
    """The networks of the settings can stand beside each other. Raises Unusable."""
    found: dict[str, Networks] = {}
    for name in ("default_cidr", "join_cidr", "service_cidr"):
        try:
            networks = found[name] = parse_cidr_block(getattr(settings, name))
        except Malformed as malformed:
            raise Unusable(f"setting {name} {malformed}") from None
        special = special_use(networks)
        if special:
            raise Unusable(f"setting {name}: {special}; choose another CIDR")
        for other, networks_of_other in found.items():
            if other != name and networks.overlaps(networks_of_other):
                raise Unusable(f"settings {other} and {name} overlap: {networks_of_other} and {networks}; change one")


def vpc(settings: Settings) -> Body:
    """The default Vpc."""
    return _body(Vpc, settings.cluster_router, {})


def join_subnet(settings: Settings) -> Body:
    """The Subnet that joins nodes to the default Vpc. Raises Malformed when a setting can't be read."""
    spec = {"vpc": settings.cluster_router, "default": False, "provider": "ovn", "disableInterConnection": True}
    return _subnet(settings.join_subnet, settings.join_cidr, settings.join_gateway, (), spec)


def default_subnet(settings: Settings) -> Body:
    """The Subnet of Pods whose namespace is bound to none. Raises Malformed when a setting can't be read."""
    spec = {
        "vpc": settings.cluster_router,
        "default": True,
        "provider": "ovn",
        "gatewayType": "distributed",
        "natOutgoing": True,
        "disableGatewayCheck": not settings.default_gateway_check,
        "enableLb": settings.enable_lb,
    }
    excluded = tuple(item for item in settings.default_exclude_ips.split(",") if item.strip())
    return _subnet(settings.default_subnet, settings.default_cidr, settings.default_gateway, excluded, spec)


def bodies(settings: Settings) -> tuple[Body, ...]:
    """All of them, in the order in which they are made. Raises Malformed when a setting can't be read."""
    return vpc(settings), join_subnet(settings), default_subnet(settings)


def _subnet(name: str, cidr: str, gateway: str, excluded: tuple[str, ...], spec: Mapping[str, Any]) -> Body:
    networks = parse_cidr_block(cidr)
    pair = parse_pair(gateway) if gateway else networks.default_gateway
    filled = {
        "cidrBlock": str(networks),
        "protocol": networks.protocol,
        "gateway": pair.text,
        "excludeIps": list(exclude_items(excluded, pair)),
        "gatewayNode": "",
    }
    return _body(Subnet, name, {**spec, **filled})


def _body(kind: type, name: str, spec: Mapping[str, Any]) -> Body:
    table = BY_TYPE[kind]
    return {
        "apiVersion": table.api_version,
        "kind": table.kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }
