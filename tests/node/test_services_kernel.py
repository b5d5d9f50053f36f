"""Services on a node, with the kernel's own nftables and servers that are there: what packets do."""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest

from ovnloom.api.meta import Key
from ovnloom.host import nft_kernel
from ovnloom.node.services import Services
from ovnloom.node.services_table import NAME
from ovnloom.settings import NodeSettings
from tests.netns import inside
from tests.node.services_site import (
    NODES,
    Answer,
    Site,
    backend,
    backends,
    opened,
    question,
    service,
    site,
    told,
)
from tests.node.views import subnet

NODE, OTHER, CLIENT, JOIN = "192.0.2.1", "192.0.2.2", "192.0.2.9", "100.64.0.2"
HERE, THERE = "10.16.0.2", "10.16.0.6"
PORTS = [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]
UDP = [{"name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053}]


@pytest.fixture
def place() -> Iterator[Site]:
    with site() as found:
        yield found


def services(proxy: Literal["auto", "on", "off"] = "on") -> Services:
    """The part, without a port of its own."""
    return Services(NodeSettings(service_proxy=proxy, service_health=""))


@pytest.fixture
def part() -> Services:
    return services()


async def test_a_host_reaches_a_service_with_its_own_address(place: Site, part: Services) -> None:
    """The kubelet, hostNetwork Pods and the API server's webhooks; NetworkPolicies know nodes by InternalIPs."""
    await part.converge(told(service("web"), backends("web", backend(HERE))))

    assert place.ask(place.node, "10.96.0.10", 80) == Answer(HERE, NODE)


async def test_a_node_port_leads_from_everywhere_to_every_backend(place: Site, part: Services) -> None:
    """The reply has to come back through this node, so the Pod sees the node."""
    await part.converge(told(service("web", ports=PORTS), backends("web", backend(HERE), backend(THERE, "worker-2"))))

    came = {place.ask(place.world, NODE, 30080) for _ in range(40)}
    assert came == {Answer(HERE, JOIN), Answer(THERE, JOIN)}
    assert place.ask(place.node, NODE, 30080) in {Answer(HERE, NODE), Answer(THERE, NODE)}
    assert place.ask(place.pods, NODE, 30080, own=HERE) in {Answer(HERE, JOIN), Answer(THERE, JOIN)}


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("to", ["2001:db8::100", "fd00:96::10"])
async def test_all_addresses_lead_to_backends_in_both_families(
    place: Site, part: Services, protocol: str, to: str
) -> None:
    """Dual-stack Services differ in nothing but the family."""
    ports = [{"name": "http", "port": 80, "protocol": protocol, "nodePort": 30080}]
    at = [{"name": "http", "port": 8080, "protocol": protocol}]
    ips = {"clusterIPs": ["10.96.0.10", "fd00:96::10"], "externalIPs": ["203.0.113.7", "2001:db8:1::7"]}
    found = service("web", ports=ports, ingress=["203.0.113.9", "2001:db8::100"], **ips)
    await part.converge(
        told(found, backends("web", backend(HERE), ports=at), backends("web", backend("fd00:16::3"), ports=at))
    )

    for text, port in (("10.96.0.10", 80), ("203.0.113.7", 80), ("203.0.113.9", 80), (NODE, 30080)):
        assert place.ask(place.world, text, port, protocol) == Answer(HERE, JOIN)
    for text, port in ((to, 80), ("2001:db8:1::7", 80), ("2001:db8::1", 30080)):
        assert place.ask(place.world if text != to else place.node, text, port, protocol)[0] == "fd00:16::3"


async def test_policy_local_keeps_the_client_and_the_packet_on_the_node(place: Site, part: Services) -> None:
    """That is what it is for; a node without a backend stays silent, so that balancers leave it out."""
    web = service("web", ports=PORTS, externalTrafficPolicy="Local", ingress=["203.0.113.9"])
    await part.converge(told(web, backends("web", backend(HERE), backend(THERE, "worker-2"))))

    for to, port in ((NODE, 30080), ("203.0.113.9", 80)):
        assert {place.ask(place.world, to, port) for _ in range(20)} == {Answer(HERE, CLIENT)}
        assert {place.ask(place.pods, to, port, own="10.16.0.3")[0] for _ in range(30)} == {HERE, THERE}
        assert {place.ask(place.node, to, port)[0] for _ in range(30)} == {HERE, THERE}
    assert place.ask(place.world, NODE, 30080, own=OTHER) == Answer(HERE, JOIN)
    assert {place.ask(place.node, "10.96.0.10", 80)[0] for _ in range(30)} == {HERE, THERE}

    await part.converge(told(web, backends("web", backend(THERE, "worker-2"))))
    assert place.ask(place.world, NODE, 30080) == "silence"
    assert place.ask(place.node, NODE, 30080) == Answer(THERE, NODE)


async def test_policy_local_takes_pods_of_other_nodes_for_the_outside(place: Site, part: Services) -> None:
    """They come through OVN with their own address, and asked for this node; the reply has to come back through it."""
    web = service("web", ports=PORTS, externalTrafficPolicy="Local")
    await part.converge(told(web, backends("web", backend(HERE), backend(THERE, "worker-2"))))
    assert {place.ask(place.pods, NODE, 30080, own="10.16.0.7") for _ in range(20)} == {Answer(HERE, JOIN)}

    await part.converge(told(web, backends("web", backend(THERE, "worker-2"))))
    assert place.ask(place.pods, NODE, 30080, own="10.16.0.7") == "silence"
    assert place.ask(place.pods, NODE, 30080, own=HERE) == Answer(THERE, JOIN)


async def test_a_pod_that_is_led_to_itself_gets_its_answer(place: Site, part: Services) -> None:
    """Otherwise it would see a packet from itself and answer past the node."""
    await part.converge(told(service("web", ports=PORTS), backends("web", backend(HERE))))

    assert place.ask(place.pods, NODE, 30080, own=HERE) == Answer(HERE, JOIN)
    assert place.ask(place.pods, "10.96.0.10", 80, own=HERE) == Answer(HERE, JOIN)


async def test_internal_policy_local_leads_hosts_to_their_own_backends(place: Site, part: Services) -> None:
    """A log collector on each node must not hear of other nodes; without one packets are dropped, as by kube-proxy."""
    web = service("web", internalTrafficPolicy="Local")
    await part.converge(told(web, backends("web", backend(HERE), backend(THERE, "worker-2"))))
    assert {place.ask(place.node, "10.96.0.10", 80)[0] for _ in range(20)} == {HERE}

    await part.converge(told(web, backends("web", backend(THERE, "worker-2"))))
    assert place.ask(place.node, "10.96.0.10", 80) == "silence"


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
async def test_a_service_without_endpoints_refuses_at_once(place: Site, part: Services, protocol: str) -> None:
    """A client that is told can try elsewhere; one that isn't waits for minutes."""
    ports = [{"name": "http", "port": 80, "protocol": protocol, "nodePort": 30080}]
    await part.converge(told(service("web", ports=ports), backends("web", backend(HERE, ready=False))))

    assert place.ask(place.node, "10.96.0.10", 80, protocol) == "refused"
    assert place.ask(place.node, NODE, 30080, protocol) == "refused"
    assert place.ask(place.world, NODE, 30080, protocol) == "refused"
    assert place.ask(place.world, "10.96.0.10", 80, protocol) == "refused"


async def test_a_backend_may_be_the_host_itself(place: Site, part: Services) -> None:
    """The API server is one, and so is every Pod in the host's network."""
    place.serve(place.node, NODE)
    web = service("web", ports=PORTS, externalTrafficPolicy="Local")
    await part.converge(told(web, backends("web", backend(NODE))))

    assert place.ask(place.node, "10.96.0.10", 80) == Answer(NODE, NODE)
    assert place.ask(place.world, NODE, 30080) == Answer(NODE, CLIENT)
    assert place.ask(place.pods, "10.96.0.10", 80, own=HERE) == Answer(NODE, HERE)


@pytest.mark.parametrize(("to", "port"), [("10.96.0.10", 80), (NODE, 30080)])
async def test_sctp_is_led_as_well(place: Site, part: Services, to: str, port: int) -> None:
    """Telephone networks use little else. Kernels may lack its sockets, so this is the first packet alone."""
    ports = [{"name": "sip", "port": 80, "protocol": "SCTP", "nodePort": 30080}]
    at = [{"name": "sip", "port": 8080, "protocol": "SCTP"}]
    await part.converge(told(service("sip", ports=ports), backends("sip", backend(HERE), ports=at)))
    kind = (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP)
    with inside(place.pods), socket.socket(*kind) as server:
        server.settimeout(5)
        with inside(place.world), socket.socket(*kind) as client:
            client.sendto(init(40000, port), (to, 0))
        packet, (source, _) = server.recvfrom(2000)

    assert source == JOIN
    assert socket.inet_ntoa(packet[16:20]) == HERE
    assert int.from_bytes(packet[22:24], "big") == 8080


async def test_endpoints_that_end_serve_while_nobody_else_does(place: Site, part: Services) -> None:
    """A rolling update of one replica must not refuse anybody."""
    leaving = backend(HERE, ready=False, serving=True, terminating=True)
    await part.converge(told(service("web"), backends("web", leaving)))
    assert place.ask(place.node, "10.96.0.10", 80) == Answer(HERE, NODE)

    await part.converge(told(service("web"), backends("web", leaving, backend(THERE))))
    assert {place.ask(place.node, "10.96.0.10", 80) for _ in range(20)} == {Answer(THERE, NODE)}


async def test_many_backends_all_get_their_share(place: Site, part: Services) -> None:
    """From 17 on they are one rule with a map, which must mean the same as rules."""
    some = [backend(f"10.16.0.{at}") for at in range(2, 10)]
    await part.converge(told(service("web"), backends("web", *some)))
    assert len({place.ask(place.node, "10.96.0.10", 80) for _ in range(150)}) == 8

    place.serve(place.pods, *(each["addresses"][0] for each in some), port=8081)
    ports = [{"name": "http", "port": at, "protocol": "TCP"} for at in (8080, 8081, 8082)]
    three = [backends("web", *some, ports=[port]) for port in ports]
    named = [replace(each, key=Key(f"web-{at}", "shop")) for at, each in enumerate(three)]
    await part.converge(told(service("web"), *named))
    assert "numgen random mod 24 map" in listing()
    came = [place.ask(place.node, "10.96.0.10", 80) for _ in range(150)]
    assert len(set(came)) == 9  # eight answer, and at 8082 nobody listens
    assert 20 < came.count("refused") < 85


async def test_a_client_keeps_its_backend(place: Site, part: Services) -> None:
    """Session affinity, also when other backends come, and from every address of the Service."""
    web = service("web", ports=PORTS, sessionAffinity="ClientIP")
    four = [backend(f"10.16.0.{at}") for at in range(2, 6)]
    await part.converge(told(web, backends("web", *four)))
    first = place.ask(place.world, NODE, 30080)
    assert isinstance(first, Answer)
    assert {place.ask(place.world, NODE, 30080) for _ in range(20)} == {first}

    await part.converge(told(web, backends("web", *four, *(backend(f"10.16.0.{at}") for at in range(6, 10)))))
    assert {place.ask(place.world, NODE, 30080) for _ in range(20)} == {first}

    again = services()
    await again.converge(told(web, backends("web", *four)))
    assert {place.ask(place.world, NODE, 30080) for _ in range(20)} == {first}

    left = [each for each in four if each["addresses"] != [first.backend]]
    await part.converge(told(web, backends("web", *left)))
    second = place.ask(place.world, NODE, 30080)
    assert isinstance(second, Answer)
    assert second.backend != first.backend
    assert {place.ask(place.world, NODE, 30080) for _ in range(10)} == {second}


async def test_only_source_ranges_reach_the_balancers_address(place: Site, part: Services) -> None:
    """It is a firewall: who isn't named gets nothing, by that address; Pods come here because OVN can't look at it."""
    web = service(
        "web", ports=PORTS, ingress=["203.0.113.9"], loadBalancerSourceRanges=["192.0.2.2/32", "10.16.0.3/32"]
    )
    await part.converge(told(web, backends("web", backend(HERE))))

    assert place.ask(place.world, "203.0.113.9", 80) == "silence"
    assert place.ask(place.world, "203.0.113.9", 80, own=OTHER) == Answer(HERE, JOIN)
    assert place.ask(place.pods, "203.0.113.9", 80, own="10.16.0.3") == Answer(HERE, JOIN)
    assert place.ask(place.pods, "203.0.113.9", 80, own="10.16.0.4") == "silence"
    assert place.ask(place.world, NODE, 30080) == Answer(HERE, JOIN)


async def test_a_udp_client_leaves_a_backend_that_is_gone(place: Site, part: Services) -> None:
    """A resolver sends from one port for ever; the kernel would lead it to the old Pod for as long as it does."""
    at = [{"name": "dns", "port": 8080, "protocol": "UDP"}]
    dns = service("dns", ports=UDP)
    await part.converge(told(dns, backends("dns", backend(HERE), ports=at)))
    with inside(place.world), opened(NODE, "UDP") as outside, inside(place.node), opened("10.96.0.10", "UDP") as host:
        assert question(outside, NODE, 30053) == Answer(HERE, JOIN)
        assert question(host, "10.96.0.10", 53) == Answer(HERE, NODE)
        await part.converge(told(dns, backends("dns", backend(THERE), ports=at)))

        assert question(outside) == Answer(THERE, JOIN)
        assert question(host) == Answer(THERE, NODE)


async def test_a_udp_client_that_came_before_the_service_reaches_it(place: Site, part: Services) -> None:
    """The kernel remembers that nobody rewrote its address."""
    at = [{"name": "dns", "port": 8080, "protocol": "UDP"}]
    await part.converge(told())
    with inside(place.node), opened("10.96.0.10", "UDP") as host:
        assert question(host, "10.96.0.10", 53) == "silence"
        await part.converge(told(service("dns", ports=UDP), backends("dns", backend(HERE), ports=at)))

        assert question(host) == Answer(HERE, NODE)


async def test_connections_outlive_a_restart_of_the_agent(place: Site, part: Services) -> None:
    """And the restarted agent writes nothing: what is there is right."""
    found = told(service("web", ports=PORTS), backends("web", backend(HERE)))
    await part.converge(found)
    with inside(place.world), opened(NODE) as client, inside(place.node):
        assert question(client, NODE, 30080) == Answer(HERE, JOIN)
        before = listing()
        await services().converge(found)

        assert listing() == before
        assert question(client) == Answer(HERE, JOIN)


async def test_what_somebody_deletes_wakes_the_part(place: Site, part: Services) -> None:
    """`nft flush ruleset` is what a restart of nftables.service does; no Service changes at that moment."""
    found = told(service("web"), backends("web", backend(HERE)))
    woken: asyncio.Queue[None] = asyncio.Queue()
    following = asyncio.create_task(part.follow(lambda: woken.put_nowait(None)))
    async with asyncio.timeout(10):
        await woken.get()
        await part.converge(found)
        assert woken.empty()  # what we write is no news
        nft("flush ruleset")
        await woken.get()
        await part.converge(found)
    following.cancel()

    assert place.ask(place.node, "10.96.0.10", 80) == Answer(HERE, NODE)


async def test_a_change_writes_what_somebody_deleted(place: Site, part: Services) -> None:
    """Even when the kernel's news of it comes later than the change."""
    web = service("web")
    await part.converge(told(web, backends("web", backend(HERE))))
    nft("flush ruleset")
    await part.converge(told(web, backends("web", backend(THERE))))

    assert place.ask(place.node, "10.96.0.10", 80) == Answer(THERE, NODE)


@pytest.mark.parametrize(
    "rival",
    [
        "add table ip kube-proxy",
        "add table ip nat; add chain ip nat KUBE-SERVICES; add rule ip nat KUBE-SERVICES counter",
    ],
)
async def test_nothing_is_left_where_kube_proxy_serves(place: Site, rival: str) -> None:
    """Two would masquerade twice; NodePorts then work as kube-proxy makes them."""
    part = services("auto")
    found = told(service("web"), backends("web", backend(HERE)))
    await part.converge(found)
    assert place.ask(place.node, "10.96.0.10", 80) == Answer(HERE, NODE)

    nft(rival)
    await part.converge(found)
    assert await nft_kernel.read(NAME) is None

    nft("flush ruleset")
    await part.converge(found)
    assert place.ask(place.node, "10.96.0.10", 80) == Answer(HERE, NODE)


async def test_kube_proxy_that_comes_wakes_the_part(place: Site) -> None:
    """Somebody installs it again while nothing else happens; until then nobody looks for it at every change."""
    part = services("auto")
    found = told(service("web"), backends("web", backend(HERE)))
    woken = asyncio.Event()
    following = asyncio.create_task(part.follow(woken.set))
    async with asyncio.timeout(10):
        for commands, is_there in (
            ("", True),
            ("add table ip kube-proxy", False),
            ("delete table ip kube-proxy", True),
        ):
            nft(commands or "list tables")
            await woken.wait()
            woken.clear()
            await part.converge(found)
            assert (await nft_kernel.read(NAME) is not None) == is_there
    following.cancel()


async def test_nothing_is_left_once_it_is_switched_off(place: Site, part: Services) -> None:
    """Not even of an agent that ran before."""
    found = told(service("web"), backends("web", backend(HERE)))
    await part.converge(found)
    await services("off").converge(found)

    assert await nft_kernel.read(NAME) is None


async def test_ports_of_hosts_stay_with_who_serves_them(place: Site, part: Services) -> None:
    """The portmap plugin has its own rules; what no Service has passes ours untouched."""
    portmap = (
        "add table ip nat; add chain ip nat PREROUTING { type nat hook prerouting priority dstnat; };"
        f"add rule ip nat PREROUTING tcp dport 8443 dnat to {HERE}:8080"
    )
    nft(portmap)
    await part.converge(told(service("web", ports=PORTS), backends("web", backend(THERE))))

    assert place.ask(place.world, NODE, 8443) == Answer(HERE, CLIENT)
    assert place.ask(place.world, NODE, 30080) == Answer(THERE, JOIN)


async def test_the_older_of_two_services_has_an_address_until_it_goes(place: Site, part: Services) -> None:
    """Whoever comes later can't take traffic away; a ClusterIP nobody can take."""
    old = service("old", created="2026-01-01T00:00:00Z", externalIPs=["203.0.113.7"])
    new = service(
        "new", created="2026-01-02T00:00:00Z", clusterIPs=["10.96.0.11"], externalIPs=["203.0.113.7", "10.96.0.10"]
    )
    both = (backends("old", backend(HERE)), backends("new", backend(THERE)))
    await part.converge(told(old, new, *both))
    assert place.ask(place.node, "203.0.113.7", 80) == Answer(HERE, NODE)
    assert place.ask(place.node, "10.96.0.10", 80) == Answer(HERE, NODE)

    await part.converge(told(new, *both))
    assert place.ask(place.node, "203.0.113.7", 80) == Answer(THERE, NODE)


async def test_no_service_takes_the_address_of_a_pod(place: Site, part: Services) -> None:
    """With externalIPs one could read what hosts say to somebody else's Pod."""
    thief = service("thief", externalIPs=["10.16.0.3"], ports=[{"name": "http", "port": 8080}])
    await part.converge(told(thief, backends("thief", backend(HERE))))
    assert place.ask(place.node, "10.16.0.3", 8080) == Answer("10.16.0.3", JOIN)

    lent = subnet("ovn-default", "10.16.0.0/16", enableExternalLBAddress=True)
    await part.converge(told(thief, backends("thief", backend(HERE)), around=(lent, *NODES)))
    assert place.ask(place.node, "10.16.0.3", 8080) == Answer(HERE, JOIN)


def nft(commands: str) -> str:
    """Somebody else has run nft on the node."""
    return subprocess.run(["nft", "-a", *commands.split("\n")], check=True, capture_output=True, text=True).stdout


def listing() -> str:
    """The table as the kernel has it, with the handles that it gives to whatever is written anew."""
    return nft(f"list table inet {NAME}")


def init(source: int, to: int) -> bytes:
    """The first packet of an SCTP connection (RFC 9260, 3.3.2), with its CRC32c, without which nobody looks at it."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 7, 65535, 1, 1, 7)
    crc = 0xFFFFFFFF
    for octet in struct.pack("!HHII", source, to, 0, 0) + chunk:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return struct.pack("!HHI", source, to, 0) + struct.pack("<I", crc ^ 0xFFFFFFFF) + chunk
