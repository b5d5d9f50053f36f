"""Services on a node, held against an independent reference on generated clusters."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.node import Node
from ovnloom.api.service import Service
from ovnloom.host import nft_kernel
from ovnloom.host.nft import Found, changes
from ovnloom.node.services import Services
from ovnloom.node.services_table import Book
from ovnloom.node.services_view import Reading
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from tests.node.services_walk import Walk
from tests.service import reference
from tests.service.worlds import NODES, World, world, worlds

SETTINGS = NodeSettings(service_proxy="on", service_health="")


def with_node_ports(found: World, seed: int) -> World:
    """The same Services, some with NodePorts, affinity and many backends."""
    chance = Random(seed)
    services = deepcopy(found.services)
    for at, service in enumerate(services):
        for number, port in enumerate(service["spec"]["ports"]):
            if chance.random() < 0.7:
                port["nodePort"] = 30000 + 10 * at + number
        if chance.random() < 0.3:
            service["spec"]["sessionAffinity"] = "ClientIP"
    slices = deepcopy(found.slices)
    for each in slices:
        if chance.random() < 0.1:
            many = [f"10.16.1.{at}" if each["addressType"] == "IPv4" else f"fd00:16::1:{at}" for at in range(20)]
            each["endpoints"] += [
                {"addresses": [text], "conditions": {}, "nodeName": chance.choice(NODES)} for text in many
            ]
    return World(found.nodes, services, slices)


def seen(found: World, node: str) -> View:
    def decoded(kind: Any, bodies: Sequence[Any]) -> dict[Any, Any]:
        return {each.key: each for each in map(kind.decode, bodies)}

    nodes = {key.name: each for key, each in decoded(Node, found.nodes).items()}
    services, slices = decoded(Service, found.services), decoded(EndpointSlice, found.slices)
    return View(node, nodes, services=services, slices=slices, complete=True)


@settings(max_examples=400, deadline=None)
@given(worlds(), st.integers(0, 999))
def test_packets_go_where_kube_proxy_would_send_them(found: World, seed: int) -> None:
    """Whoever leaves kube-proxy must not notice: every address, every source, every policy, on every node."""
    found = with_node_ports(found, seed)
    for node in found.nodes:
        book = Book()
        Reading(SETTINGS, book).read(seen(found, node["metadata"]["name"]))
        table = book.whole()
        for place, answer in reference.tables(found.services, found.slices, node).items():
            for source in ("pod", "host"):
                if not _is_limited(found, place):
                    assert Walk(table, source).at(place) == answer, (source, place)
        for client in ("198.51.100.1", "203.0.113.9"):
            walk = Walk(table, "outside", client)
            for place, answer in reference.outside(found.services, found.slices, node, client).items():
                if ":" not in place[0] or not _is_limited(found, place):
                    assert walk.at(place) == answer, (client, place)


def _is_limited(found: World, place: reference.Place) -> bool:
    """An address at which source ranges count, which the reference leaves open for Pods, and for the other family."""
    return any(
        service["spec"].get("loadBalancerSourceRanges")
        and place[0] in [item.get("ip") for item in service["status"]["loadBalancer"]["ingress"]]
        for service in found.services
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=2, max_size=6))
def test_changes_add_up_to_the_whole(seeds: list[int]) -> None:
    """However a cluster came to be what it is, the table is the one that an agent would make from nothing."""
    book, fresh = Book(), Book()
    reading = Reading(SETTINGS, book)
    for seed in seeds:
        reading.read(seen(with_node_ports(world(seed), seed), "n1"))
        book.written()
    Reading(SETTINGS, fresh).read(seen(with_node_ports(world(seeds[-1]), seeds[-1]), "n1"))

    one, other = book.whole(), fresh.whole()
    assert set(one.chains) == set(other.chains)
    assert set(one.sets) == set(other.sets)


async def test_the_kernel_has_after_each_change_what_is_wanted(alone: str) -> None:
    """A transaction has only what changed; the kernel must take each of them and have the whole afterwards."""
    part, book = Services(SETTINGS), Book()
    reading = Reading(SETTINGS, book)
    for seed in range(60):
        found = seen(with_node_ports(world(seed // 2 * 7), seed), "n1")
        await part.converge(found)
        reading.read(found)

        assert changes(book.whole(), await nft_kernel.read(book.whole().name) or Found()) == ()
