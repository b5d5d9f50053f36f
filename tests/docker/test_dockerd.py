"""Containers of two Docker hosts on networks of ovnloom, with dockerd 26.1 on one and 20.10 on the other."""

import pytest

from demo.docker_site import DockerHost
from sandbox.errors import CommandError
from sandbox.wait import until
from tests.docker.lab import BLUE, Lab, create, pings, refused, refused_network, routes

pytestmark = pytest.mark.xdist_group("dockers")

IMAGE = "busybox:sandbox"
MAC = "02:42:0a:4d:00:99"


def test_containers_of_two_hosts_reach_each_other(lab: Lab) -> None:
    """What the driver is for: one network, though each dockerd only knows its own half."""
    lab.network("blue", "--subnet", BLUE)
    first, second = lab.one.start("first", "blue"), lab.two.start("second", "blue")
    assert {first, second} == {"10.77.0.2", "10.77.0.3"}

    lab.reaches(lab.one, "first", second)
    lab.reaches(lab.two, "second", first)
    lab.one.run("exec", "--detach", "first", "sh", "-c", "yes ovnloom | head -c 300000 >/big; httpd -p 80 -h /")
    lab.reaches(lab.two, "second", first)
    ask = f"until wget -qO- http://{first}/big; do usleep 50000; done | wc -c"
    assert lab.two.run("exec", "second", "sh", "-c", ask) == "300000"


def test_an_address_that_was_asked_for_is_given_once(lab: Lab) -> None:
    """Two dockerds don't know of each other's containers; the database that they share has to."""
    lab.network("blue", "--subnet", BLUE, "--aux-address", "router=10.77.0.2")
    assert lab.one.start("first", "blue", "--ip", "10.77.0.9", "--mac-address", MAC) == "10.77.0.9"

    said = refused(lab.two, "run", "--rm", "--network", "blue", "--ip", "10.77.0.9", IMAGE, "true")
    assert "10.77.0.9 is in use by" in said
    assert "choose another address" in said
    assert lab.two.start("second", "blue") == "10.77.0.3"  # .1 is the gateway's, .2 was kept out
    lab.reaches(lab.two, "second", "10.77.0.9")
    assert MAC in lab.two.run("exec", "second", "ip", "neigh", "show", "10.77.0.9")
    lab.one.run("rm", "--force", "first")
    assert lab.two.start("third", "blue", "--ip", "10.77.0.9") == "10.77.0.9"


def test_an_address_is_reached_at_once_where_it_came_back(lab: Lab) -> None:
    """Who replaces a container keeps its address; neighbours remember the MAC of the old one for up to a minute."""
    lab.network("blue", "--ipv6", "--subnet", BLUE, "--subnet", "fd00:77::/64")
    addresses = ("--ip=10.77.0.9", "--ip6=fd00:77::9")
    lab.one.start("old", "blue", *addresses)
    lab.two.start("peer", "blue")
    for address in ("10.77.0.9", "fd00:77::9"):
        lab.reaches(lab.two, "peer", address)
    lab.one.run("rm", "--force", "old")

    lab.two.start("new", "blue", *addresses)

    for address in ("10.77.0.9", "fd00:77::9"):
        until(lambda address=address: pings(lab.two, "peer", address), "the new container", 5)  # type: ignore[misc]


def test_a_pool_that_overlaps_another_is_refused(lab: Lab) -> None:
    """Two networks of a Vpc with the same addresses would be a riddle for the router between them."""
    create(lab.one, "blue", "--subnet", BLUE)

    said = refused_network(lab.two, "--subnet=10.77.0.128/25")

    assert "pool overlap: 10.77.0.128/25 shares addresses with Subnet docker-10-77-0-0-24" in said
    assert "use another --subnet" in said
    assert lab.two.run("network", "ls", "--quiet", "--filter", "driver=ovnloom") == ""


def test_a_container_joins_and_leaves_a_second_network(lab: Lab) -> None:
    """Docker moves the default route to the network that is left; OVN must have forgotten the other one."""
    lab.network("blue", "--subnet", BLUE)
    lab.network("red", "--subnet", "10.79.0.0/24")
    lab.one.start("both", "blue")
    alone = lab.two.start("alone", "red", "--ip", "10.79.0.20")
    assert lab.is_silent(lab.one, "both", alone)

    lab.one.run("network", "connect", "--ip", "10.79.0.7", "red", "both")
    lab.reaches(lab.one, "both", alone)
    lab.reaches(lab.two, "alone", "10.79.0.7")

    lab.one.run("network", "disconnect", "red", "both")
    assert lab.is_silent(lab.two, "alone", "10.79.0.7")
    assert "10.79.0" not in routes(lab.one, "both")


@pytest.mark.parametrize("which", [pytest.param(0, id="26.1"), pytest.param(1, id="20.10", marks=pytest.mark.long)])
def test_names_and_aliases_are_answered_by_docker_itself(lab: Lab, which: int) -> None:
    """The embedded DNS needs nothing of a driver but that endpoints are what Docker asked for."""
    host: DockerHost = lab.site.hosts[which]
    create(host, "blue", "--subnet", BLUE)
    address = host.start("first", "blue", "--network-alias", "web")
    host.start("second", "blue")

    for name in ("first", "web"):
        assert address in host.run("exec", "second", "nslookup", name)
        lab.reaches(host, "second", name)


def test_an_internal_network_has_no_way_out(lab: Lab) -> None:
    """--internal is used for what must not leak; only its own addresses may be reachable."""
    lab.network("blue", "--subnet", BLUE, "--internal")
    lab.one.start("first", "blue")
    second = lab.two.start("second", "blue")

    lab.reaches(lab.one, "first", second)
    assert routes(lab.one, "first").splitlines() == ["10.77.0.0/24 dev eth0 scope link  src 10.77.0.2"]
    links = lab.one.run("exec", "first", "ls", "/sys/class/net").split()
    assert sorted(links) == ["eth0", "lo"]


def test_a_network_of_both_families_carries_both(lab: Lab) -> None:
    """--ipv6 gives a second pool; each family has to find the other host by itself."""
    lab.network("blue", "--ipv6", "--subnet", BLUE, "--subnet", "fd00:77::/64")
    lab.one.start("first", "blue", "--ip6", "fd00:77::9")
    second = lab.two.start("second", "blue")
    six = lab.two.address("second", "blue", "GlobalIPv6Address")

    assert lab.one.address("first", "blue", "GlobalIPv6Address") == "fd00:77::9"
    lab.reaches(lab.one, "first", second)
    lab.reaches(lab.one, "first", six)
    lab.reaches(lab.two, "second", "fd00:77::9")


def test_a_gateway_that_was_asked_for_answers(lab: Lab) -> None:
    """--gateway is the router's address, which an existing Subnet has already: another one can't be had."""
    create(lab.one, "blue", "--subnet", BLUE, "--gateway", "10.77.0.254")
    said = refused_network(lab.two, f"--subnet={BLUE}", "--gateway=10.77.0.7")
    assert "--gateway 10.77.0.7 is not that of Subnet docker-10-77-0-0-24" in said
    create(lab.two, "blue", "--subnet", BLUE)
    lab.two.start("second", "blue")

    lab.reaches(lab.two, "second", "10.77.0.254")


def test_a_network_is_removed_on_one_host_while_the_other_uses_it(lab: Lab) -> None:
    """Each dockerd refuses only for containers of its own; the Subnet must last as long as anybody uses it."""
    lab.network("blue", "--subnet", BLUE)
    first, _ = lab.one.start("first", "blue"), lab.one.start("next", "blue")
    assert "has active endpoints" in refused(lab.one, "network", "rm", "blue")

    lab.two.run("network", "rm", "blue")

    lab.reaches(lab.one, "next", first)
    lab.one.run("rm", "--force", "first", "next")
    lab.one.run("network", "rm", "blue")
    assert lab.traces() == []


def test_networks_without_a_subnet_get_different_ones(lab: Lab) -> None:
    """Each dockerd would choose the same addresses for its first network; who gives pools for all must not."""
    create(lab.one, "any")
    create(lab.two, "any")

    pools = {
        host.run("network", "inspect", "--format={{(index .IPAM.Config 0).Subnet}}", "any") for host in lab.site.hosts
    }

    assert pools == {"10.200.0.0/24", "10.200.1.0/24"}


def test_networks_that_are_not_private_reach_each_other_through_their_router(lab: Lab) -> None:
    """One Vpc is one router; a network says whether others of it may come in."""
    options = ("-o", "ovnloom.private=false", "-o", "ovnloom.outside=ovn")
    lab.network("blue", "--subnet", BLUE, *options)
    lab.network("red", "--subnet", "10.79.0.0/24", *options)
    first, second = lab.one.start("first", "blue"), lab.two.start("second", "red")

    lab.reaches(lab.one, "first", second)
    lab.reaches(lab.two, "second", first)
    assert "default via 10.77.0.1 dev eth0" in routes(lab.one, "first")


def test_a_published_port_answers_outside_of_the_network(lab: Lab) -> None:
    """-p is what most people know of Docker's networks; it goes by Docker's own gateway bridge."""
    create(lab.one, "blue", "--subnet", BLUE)
    lab.one.start("first", "blue", "--publish", "8080:80")
    lab.one.run("exec", "--detach", "first", "sh", "-c", "echo it is me >/index.html; httpd -p 80 -h /")

    def answer() -> str:
        try:
            return lab.two.host.run("curl", "--silent", "--max-time", "2", f"http://{lab.one.host.address}:8080/")
        except CommandError:
            return ""

    assert until(answer, "the published port") == "it is me\n"


def test_options_that_nobody_knows_are_refused(lab: Lab) -> None:
    """A misspelt option that is ignored looks as if it worked."""
    said = refused_network(lab.one, "-o", "ovnloom.subnett=web")
    assert "-o ovnloom.subnett is not known to ovnloom; use ovnloom.subnet" in said

    said = refused_network(lab.one, "--ipam-opt", "colour=blue")
    assert "--ipam-opt colour is not known to ovnloom" in said
