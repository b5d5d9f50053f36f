"""What a Vpc has for its Services: the group that their load balancers join, and kube-ovn's six names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ovnloom.intent import Row, Value
from ovnloom.ovn import names
from ovnloom.world.graph import Reader

SESSION = {"ip_src", "ipv6_src"}


def load_balancer_rows(read: Reader, vpc: str) -> Iterator[Row]:
    """The group to which Services add their load balancers, and the six rows of kube-ovn, empty.

    Tools look for the six, and a cluster that moves over has them: taken over, their addresses go as soon as the
    Services' own rows have them.
    """
    group = names.load_balancer_group(vpc)
    yield Row("Load_Balancer_Group", group, {"name": group})
    for name, protocol, is_session in _six(read, vpc):
        columns: dict[str, Value] = {"name": name, "protocol": protocol}
        if is_session:
            columns["selection_fields"] = frozenset(SESSION)
        yield Row("Load_Balancer", name, columns)


def load_balancer_status(read: Reader, vpc: str) -> Mapping[str, str]:
    """The names of the six in the Vpc's status, as kube-ovn writes them."""
    fields = (f"{protocol}{'Session' if is_session else ''}LoadBalancer" for _, protocol, is_session in _six(read, vpc))
    return dict(zip(fields, (name for name, _, _ in _six(read, vpc)), strict=True))


def _six(read: Reader, vpc: str) -> Iterator[tuple[str, names.Protocol, bool]]:
    """Name, protocol, and whether it is that of Services with session affinity."""
    if not read.settings.enable_lb:
        return
    is_default = vpc == read.settings.cluster_router
    for protocol in names.PROTOCOLS:
        plain = names.cluster_load_balancer(protocol) if is_default else names.vpc_load_balancer(vpc, protocol)
        yield plain, protocol, False
    for protocol in names.PROTOCOLS:
        session = names.vpc_session_load_balancer(vpc, protocol)
        yield names.cluster_session_load_balancer(protocol) if is_default else session, protocol, True
