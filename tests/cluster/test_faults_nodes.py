"""Bad input and faults: nodes that lose their power, their disk or their address."""

import pytest

from sandbox import until
from sandbox.host import NUMBER, Host
from sandbox.report import Quiet
from tests.cluster.site import PATIENCE, Site

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(400)]
FAR = 77
"""The number, and so the address, of a node that has moved; no other has it."""


def test_a_node_that_was_switched_off_comes_back_with_its_pods(site: Site) -> None:
    """Their network namespaces are gone with the power, Open vSwitch has their ports on disk: each gets a new one."""
    near, far = site.pair()
    before, host = site.container(far), site.sandbox.host(far.node)

    host.kill()
    site.sandbox.workers.start(host, Quiet())
    site.installed.ready()

    until(lambda: site.container(far) != before, "the kubelet to start the Pod anew", PATIENCE)
    assert site.ready(far.name).addresses == far.addresses
    site.talk(near, far)
    assert len(site.ports(far.name, host)) == 1


def test_a_node_that_is_removed_and_added_again_is_another_chassis(site: Site) -> None:
    """OVN takes each tunnel once: what is left of the first would keep the second out."""
    site.pair()
    host = site.hosts[-1]
    before = site.switch(host).chassis

    site.sandbox.workers.remove(host)
    site.sandbox.workers.add(Quiet())
    back(site, host.name)

    assert site.switch(site.sandbox.host(host.name)).chassis != before
    site.clear()
    site.talk(*site.pair())


def test_a_node_that_lost_its_disk_is_back_once_the_chassis_that_it_was_is_removed(site: Site) -> None:
    """OVN takes each tunnel once. The chart's own Open vSwitch does this by itself; here it is the host's."""
    site.pair()
    host = site.hosts[-1]
    before = site.switch(host).chassis

    host.down()
    site.sandbox.workers.start(host, Quiet())
    site.sandbox.sbctl("chassis-del", before)
    back(site, host.name)

    assert site.switch(host).chassis != before
    site.clear()
    site.talk(*site.pair())


def test_a_node_whose_address_changes_is_reached_at_the_new_one(site: Site) -> None:
    """A machine that was moved into another network: tunnels, routes and what Pods see of the host follow."""
    site.pair()
    host = site.hosts[-1]
    moved(site, host, Host(host.fabric, FAR, host.name, host.release))
    try:
        node = site.place.get("node", host.name)
        assert host.fabric.of_host(FAR)[0] in str(node["status"]["addresses"])
        near, far = site.pair()
        site.talk(near, far)
    finally:
        moved(site, Host(host.fabric, FAR, host.name, host.release), host)
    site.talk(*site.pair())


def moved(site: Site, here: Host, there: Host) -> None:
    """The node has booted with another address, with what is on its disk."""
    here.kill()
    (here.directory / NUMBER).write_text(f"{there.number}\n")
    # It says the old address; the API server wants to find the node at the one that its certificate says.
    here.file("/etc/kubernetes/kubelet.crt").unlink(missing_ok=True)
    site.sandbox.workers.start(there, Quiet())
    back(site, there.name)


def back(site: Site, name: str) -> None:
    """The node is Ready, with an agent of now, and OVN knows one chassis of this name."""
    site.installed.ready()
    host = site.sandbox.host(name)
    until(lambda: site.is_ready("agent", host), f"the agent of {name}", PATIENCE)
    until(lambda: len(site.chassis(name)) == 1, "one chassis", PATIENCE)
    assert site.chassis(name) == [site.switch(host).chassis]
