"""Agent restart, upgrade and crash touch no running Pod: 1000 UDP packets a second between two nodes, counted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from sandbox import until
from tests.cluster.site import AGENT, CONTROLLER, PATIENCE, Site
from tests.cluster.traffic import stream

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(400)]
Note = Callable[[str, object], None]
CUT = 10.0
"""In seconds: more than a server of a node takes to be back, on a machine with much to do."""


def test_killed_agents_and_controllers_lose_no_packet(site: Site, record_property: Note) -> None:
    """They only write what the switches do: a network that needs them to live would fail with them."""
    near, far = site.pair()

    with stream(site, near, far) as seen:
        for component in (AGENT, CONTROLLER):
            for host in site.hosts:
                site.kill_and_wait(component, host)

    record_property("seen", str(seen))
    assert seen.sent > 1000
    assert seen.lost == [], str(seen)


def test_killed_databases_of_ovn_and_northd_lose_no_packet(site: Site, record_property: Note) -> None:
    """Nodes go on with what they were told; so the servers of OVN can be upgraded at any time."""
    ovn, (near, far) = site.sandbox.ovn, site.pair()

    with stream(site, near, far) as seen:
        ovn.stop_nb()
        ovn.start_nb()
        site.settled()
        ovn.stop_sb()
        until(lambda: not any(site.is_following(host) for host in site.hosts), "nodes to notice", PATIENCE)
        ovn.start_sb()
        site.settled()
        ovn.stop_northd()
        ovn.start_northd()
        site.settled()

    record_property("seen", str(seen))
    assert seen.sent > 1000
    assert seen.lost == [], str(seen)


@pytest.mark.parametrize("server", ["ovsdb-server", "ovn-controller", "ovs-vswitchd"])
def test_a_killed_server_of_a_node_cuts_it_off_for_a_moment_at_most(
    server: str, site: Site, record_property: Note
) -> None:
    """These have the packets in their hands, at least in userspace; nobody has to mend anything afterwards."""
    near, far = site.pair()
    switch = site.switch(site.sandbox.host(near.node))
    stop, start = {
        "ovsdb-server": (switch.database.stop, switch.start_database),
        "ovn-controller": (switch.controller.stop, switch.start_controller),
        "ovs-vswitchd": (switch.switch.stop, switch.start_switch),
    }[server]

    with stream(site, near, far) as seen:
        stop()
        start()
        site.settled()
        site.talk(near, far)
        until(lambda: site.is_joined(switch.host, far), "the host to reach Pods again", PATIENCE)

    record_property("seen", str(seen))
    assert seen.sent > 100
    assert seen.gap < CUT, str(seen)


def test_an_upgrade_loses_no_packet_and_serves_new_pods(site: Site, record_property: Note) -> None:
    """helm replaces all of ovnloom while people work: Pods that start meanwhile may wait a moment, and that's all.

    Both Pods are on one node: Open vSwitch in userspace loses tunnelled packets whenever an interface of the host comes
    or goes, whoever makes it.
    """
    near, far = site.pair()
    site.create("beside", near.node)
    beside = site.ready("beside")
    before = site.uids()
    settings = (f"{component}.settings.logLevel=DEBUG" for component in (AGENT, CONTROLLER))

    with stream(site, near, beside) as seen, ThreadPoolExecutor(1) as thread:
        upgrade = thread.submit(site.upgrade, *settings)
        for number in count():
            if upgrade.done() and number >= len(site.hosts):
                break
            host = site.hosts[number % len(site.hosts)]
            site.create(f"new-{number}", host.name)
            site.talk(near, site.ready(f"new-{number}"))
        upgrade.result()

    record_property("seen", str(seen))
    assert not before & site.uids()
    assert seen.lost == [], str(seen)
    site.talk(near, far)
