"""Bad input and faults on a node: what somebody deletes by hand is back by itself; two agents never share a host."""

import json
from collections.abc import Callable
from time import monotonic

import pytest

from demo.tour.install import NAMESPACE
from sandbox import until
from sandbox.errors import CommandError
from sandbox.host import Host
from tests.cluster.site import AGENT, CONF, PATIENCE, SOCKET, Site

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(200)]
AT_ONCE = 4.0
"""In seconds: what isn't told by the kernel or by Open vSwitch is looked at each five seconds at most."""
Note = Callable[[str, object], None]


def test_a_second_agent_on_a_host_refuses_to_start(site: Site) -> None:
    """Two would take each other's ports for leftovers."""
    agent = site.members(AGENT)[site.hosts[0].name]["metadata"]["name"]

    second = ("sh", "-c", "ovnloom node 2>&1 || echo it ended with $?")
    said = site.sandbox.kubectl("exec", "-n", NAMESPACE, agent, "-c", "agent", "--", *second)

    assert "another agent serves this host" in said
    assert "it ended with 1" in said


@pytest.mark.parametrize("path", [SOCKET, CONF])
def test_a_file_that_is_removed_comes_back(path: str, site: Site) -> None:
    """Somebody cleaned up: without the socket every ADD fails, without the configuration the node isn't Ready."""
    host = site.hosts[0]
    host.path(path).unlink()

    until(host.path(path).exists, f"{path} to be back", PATIENCE)

    site.sandbox.kubectl("wait", "node", host.name, "--for=condition=Ready", "--timeout=90s", seconds=120)
    site.create("after", host.name)
    assert site.is_joined(host, site.ready("after"))


def delete_port(host: Host) -> None:
    host.run("ovs-vsctl", "del-port", "br-int", "ovn0")


def delete_link(host: Host) -> None:
    host.run("ip", "link", "delete", "ovn0")


def flush_addresses(host: Host) -> None:
    host.run("ip", "address", "flush", "dev", "ovn0")


def flush_routes(host: Host) -> None:
    host.run("ip", "route", "flush", "dev", "ovn0")


def delete_table(host: Host) -> None:
    host.run("nft", "delete", "table", "inet", "ovnloom")


FAULTS = (delete_port, delete_link, flush_addresses, flush_routes, delete_table)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_is_deleted_by_hand_is_back_at_once(
    fault: Callable[[Host], None], site: Site, record_property: Note
) -> None:
    """The kernel tells of it, so nobody waits until something looks again."""
    host = site.hosts[0]
    site.create("seen", host.name)
    pod = site.ready("seen")
    before = state(host)
    assert before

    fault(host)
    started = monotonic()
    until(lambda: state(host) == before, "the host to be as before", PATIENCE)
    seconds = monotonic() - started

    record_property("seen", f"{fault.__name__}: {seconds:.2f} s")
    assert seconds < AT_ONCE
    until(lambda: site.is_joined(host, pod), "Pods to be reached", PATIENCE)


def state(host: Host) -> tuple[str, ...]:
    """Addresses, routes and rules of ovnloom; nothing while some of it is missing."""
    try:
        links = json.loads(host.run("ip", "-json", "address", "show", "dev", "ovn0"))
        routes = json.loads(host.run("ip", "-json", "route", "show", "dev", "ovn0"))
        table = host.run("nft", "--stateless", "list", "table", "inet", "ovnloom")
    except CommandError:
        return ()
    addresses = [each["local"] for each in links[0]["addr_info"] if each["scope"] == "global"]
    ways = [f"{each['dst']} {each.get('gateway')} {each.get('prefsrc')}" for each in routes]
    return (*sorted(addresses), *sorted(ways), *sorted(table.splitlines()))
