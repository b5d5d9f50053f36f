"""Without an API server: two hosts, one northbound database, packets between containers."""

from sandbox import Ovn
from sandbox.wait import until
from tests.docker.dialogue import Network
from tests.docker.plugins import NewPlugin, new_plugin

__all__ = ["new_plugin"]  # fixtures of their own file


def test_containers_on_two_hosts_reach_each_other(new_plugin: NewPlugin, own_ovn: Ovn) -> None:
    """What the driver is for: the same network on each host is one switch of OVN."""
    one, other = new_plugin(), new_plugin()
    here, there = Network.create(one, "10.77.0.0/24"), Network.create(other, "10.77.0.0/24")
    first, second = here.endpoint("10.77.0.9"), there.endpoint()

    first.start("one")
    second.start("two")

    assert first.ip == "10.77.0.9"
    until(lambda: first.reaches("one", second.ip), f"a ping from {first.ip} to {second.ip}")
    first.stop("one")
    second.stop("two")
    here.remove()
    assert "docker-10-77-0-0-24" in own_ovn.nbctl("ls-list")
    there.remove()
    assert own_ovn.nbctl("ls-list").strip() == ""
    assert own_ovn.nbctl("lr-list").strip() == ""
