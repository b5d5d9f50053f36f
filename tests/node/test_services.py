"""What a View means for the table of Services."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ovnloom.api.node import Node
from ovnloom.api.service import Service
from ovnloom.host.conntrack import Flow
from ovnloom.node.services_stale import Stale
from ovnloom.node.services_table import Book
from ovnloom.node.services_view import Reading
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from tests.node.services_site import NODES, PODS, SUBNET, backend, backends, service, told
from tests.node.views import subnet

HERE, THERE = "10.16.0.2", "10.16.0.6"


class Desk:
    """A book that is written whenever it was read."""

    def __init__(self) -> None:
        self.book = Book()
        self._reading = Reading(NodeSettings(), self.book)

    def commands(self, view: View) -> list[str]:
        """What a View changes."""
        self._reading.read(view)
        found = list(self.book.transaction())
        self.book.written()
        return found


def test_one_endpoint_costs_the_rules_of_its_service_only() -> None:
    """With 10,000 Services a whole table would be seconds for each Pod that comes."""
    desk = Desk()
    many = [service(f"s{at}", clusterIPs=[f"10.96.1.{at}"]) for at in range(1, 200)]
    some = [backends(f"s{at}", backend(HERE)) for at in range(1, 200)]
    before = told(*many, *some)
    desk.commands(before)
    now = backends("s7", backend(HERE), backend(THERE))

    commands = desk.commands(replace(before, slices={**before.slices, now.key: now}))

    chain, dnat = "inet ovnloom-services any/4/shop/s7/tcp/80", "meta l4proto tcp dnat ip to"
    assert [each.split(" comment")[0] for each in commands] == [
        "flush chain inet ovnloom-services written",
        f"flush chain {chain}",
        f"add rule {chain} jump own-address",
        f"add rule {chain} numgen random mod 2 == 0 {dnat} {HERE}:8080",
        f"add rule {chain} {dnat} {THERE}:8080",
    ]


def test_what_makes_no_difference_writes_nothing() -> None:
    """Labels, an annotation, a heartbeat of a node: most changes are of that kind."""
    desk = Desk()
    before = told(service("web"), backends("web", backend(HERE)))
    assert desk.commands(before)

    assert desk.commands(before) == []
    assert desk.commands(told(service("web", created="2026-01-01T00:00:00Z"), backends("web", backend(HERE)))) == []


def test_a_node_that_comes_is_one_element() -> None:
    """Clusters grow; no Service changes by it."""
    desk = Desk()
    objects = (service("web"), backends("web", backend(HERE)))
    desk.commands(told(*objects))
    more = Node.decode(
        {"metadata": {"name": "worker-4"}, "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.4"}]}}
    )

    assert desk.commands(told(*objects, around=(SUBNET, *NODES, *PODS, more))) == [
        "flush chain inet ovnloom-services written",
        "add element inet ovnloom-services nodes4 { 192.0.2.4 }",
    ]


@pytest.mark.parametrize(
    ("annotations", "is_served"),
    [
        ({}, True),
        ({"ovn.kubernetes.io/vpc": "ovn-cluster"}, True),
        ({"ovn.kubernetes.io/vpc": "acme"}, False),
        ({"ovn.kubernetes.io/logical_router": "acme"}, False),
        ({"ovn.kubernetes.io/logical_switch": "acme-blue"}, False),
        ({"ovn.kubernetes.io/switch_lb_vip": "10.1.0.9"}, False),
    ],
)
def test_services_of_other_vpcs_stay_out_of_hosts(annotations: dict[str, str], is_served: bool) -> None:
    """Their backends' addresses are somebody else's in the default Vpc, who would get the packets."""
    body = {
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
        "spec": {"clusterIPs": ["10.96.0.10"], "ports": [{"name": "http", "port": 80}]},
    }
    blue = subnet("acme-blue", "10.1.0.0/16", vpc="acme")
    desk = Desk()
    desk.commands(told(Service.decode(body), backends("web", backend(HERE)), around=(SUBNET, blue, *NODES)))

    assert bool(desk.book.fragments) == is_served


def test_a_flow_is_stale_when_its_backend_is_not_among_those_now() -> None:
    """Whoever loses a backend that is still there loses a connection for nothing."""
    at = [{"name": "dns", "port": 8080, "protocol": "UDP"}]
    dns = service("dns", ports=[{"name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053}])
    book = Book()
    reading, stale = Reading(NodeSettings(), book), Stale(book)
    reading.read(told(dns, backends("dns", backend(HERE), backend(THERE), ports=at)))
    assert stale.collect().leads  # at a start nobody knows what was before
    stale.begun()
    book.written()
    reading.read(told(dns, backends("dns", backend(HERE), ports=at)))

    gone = stale.collect()

    client = ("192.0.2.9", 40000)
    for to in (("10.96.0.10", 53), ("192.0.2.1", 30053)):
        assert Flow(4, client, to, (THERE, 8080)) in gone
        assert Flow(4, client, to, (HERE, 8080)) not in gone
    assert Flow(4, client, ("10.96.0.99", 53), (THERE, 8080)) not in gone
