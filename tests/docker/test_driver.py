"""What the driver promises beside what dockerd says in an ordinary dialogue; one host, no dockerd."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import Ovn
from sandbox.wait import until
from tests.docker.dialogue import MAC, Network, Plugin, Said, new_mac
from tests.docker.plugins import new_plugin, plugin

__all__ = ["new_plugin", "plugin"]  # fixtures of their own file


def test_a_plugin_that_is_started_anew_knows_all_that_it_did(plugin: Plugin, own_ovn: Ovn) -> None:
    """Nothing is in its memory only: what it can't answer after a crash, Docker can't use any more."""
    network = Network.create(plugin, "10.77.0.0/24")
    endpoint = network.endpoint()
    endpoint.start("one")
    plugin.server.stop()

    plugin.start()

    assert network.address(endpoint.mac, endpoint.ip) == endpoint.addresses[0]
    assert network.address(new_mac()) == "10.77.0.3/24"
    assert endpoint.reaches("one", "10.77.0.1")
    endpoint.stop("one")
    assert "02" not in own_ovn.nbctl("--bare", "--columns=name", "find", "Logical_Switch_Port", "type!=router")


def test_a_dockerd_that_starts_gets_the_same_answers(plugin: Plugin) -> None:
    """With live-restore it repeats pools and addresses of running containers, without saying whose they are."""
    network = Network.create(plugin, "10.77.0.0/24", "fd00:77::/64")
    endpoint = network.endpoint()

    for at, (pool, address) in enumerate(zip(network.pools, endpoint.addresses, strict=True)):
        asked = {"AddressSpace": "ovnloom-local", "Pool": pool["Pool"], "SubPool": "", "Options": {}, "V6": at > 0}
        assert plugin.call("/IpamDriver.RequestPool", asked)["PoolID"] == pool["PoolID"]
        repeated = {"PoolID": pool["PoolID"], "Address": address.partition("/")[0], "Options": None}
        assert plugin.call("/IpamDriver.RequestAddress", repeated)["Address"] == address
    assert network.address(new_mac()) != endpoint.addresses[0]


def test_a_host_that_was_rebooted_has_its_endpoints_removed(plugin: Plugin) -> None:
    """Interfaces don't survive it, but Docker's own records do, and it takes leave of all of them."""
    network = Network.create(plugin, "10.77.0.0/24")
    endpoint = network.endpoint()
    endpoint.start("one")
    plugin.host.run("ip", "netns", "delete", "one")
    plugin.host.run("ovs-vsctl", "--if-exists", "del-port", f"{endpoint.id[:12]}_h")

    endpoint.stop()

    assert network.address(new_mac(), endpoint.ip) == endpoint.addresses[0]


def test_the_same_endpoint_twice_is_one(plugin: Plugin) -> None:
    """A call whose answer got lost is made again; another endpoint with its address is refused."""
    network = Network.create(plugin, "10.77.0.0/24")
    first = network.endpoint()
    asked = {**first.ids, "Interface": {"Address": first.addresses[0], "MacAddress": first.mac}}

    assert plugin.call("/NetworkDriver.CreateEndpoint", asked) == {"Interface": {}}
    assert plugin.call("/NetworkDriver.Join", first.ids) == plugin.call("/NetworkDriver.Join", first.ids)

    with pytest.raises(Said, match=r"address 10\.77\.0\.2 is taken by endpoint"):
        plugin.call("/NetworkDriver.CreateEndpoint", {**asked, "EndpointID": "e" * 64})
    with pytest.raises(Said, match="is that of an endpoint with"):
        network.address(first.mac, "10.77.0.77")


def test_addresses_of_another_ipam_are_held_against_all_hosts(plugin: Plugin) -> None:
    """Docker's own IPAM knows its host only; where it and another one chose the same, the later is told."""
    network = Network.create(plugin, "10.77.0.0/24")
    asked = {"NetworkID": network.id, "EndpointID": "a" * 64, "Interface": {"Address": "10.77.0.5/24"}}

    mac = plugin.call("/NetworkDriver.CreateEndpoint", asked)["Interface"]["MacAddress"]

    assert plugin.call("/NetworkDriver.CreateEndpoint", asked)["Interface"]["MacAddress"] == mac
    with pytest.raises(Said, match=r"10\.77\.0\.5 is in use"):
        network.address(new_mac(), "10.77.0.5")
    plugin.call("/NetworkDriver.DeleteEndpoint", asked)
    assert network.address(new_mac(), "10.77.0.5") == "10.77.0.5/24"


def test_what_a_container_is_told_follows_from_its_network(plugin: Plugin) -> None:
    """Without a gateway Docker would connect it to a bridge of its own, which --internal forbids."""
    inside = Network.create(plugin, "10.77.0.0/24", more={"com.docker.network.internal": True})
    routed = Network.create(plugin, "10.78.0.0/24", "fd00:78::/64", options={"ovnloom.outside": "ovn"})
    usual = Network.create(plugin, "10.79.0.0/24")
    said = [plugin.call("/NetworkDriver.Join", each.endpoint().ids) for each in (inside, routed, usual)]

    assert [each.get("DisableGatewayService") for each in said] == [True, True, None]
    assert [each.get("Gateway") for each in said] == [None, "10.78.0.1", None]
    assert [each.get("GatewayIPv6") for each in said] == [None, "fd00:78::1", None]


def test_a_range_and_kept_addresses_are_kept_out(plugin: Plugin) -> None:
    """--ip-range is where dynamic addresses are from; --aux-address is nobody's."""
    asked = {"AddressSpace": "ovnloom-local", "Pool": "10.77.0.0/24", "SubPool": "10.77.0.128/30", "V6": False}
    pool = plugin.call("/IpamDriver.RequestPool", asked)
    data = {"Pool": "10.77.0.0/24", "Gateway": "10.77.0.1/24", "AuxAddresses": {"router": "10.77.0.128/24"}}
    plugin.call("/NetworkDriver.CreateNetwork", {"NetworkID": "n", "IPv4Data": [data]})

    def address(mac: str) -> str:
        found = plugin.call("/IpamDriver.RequestAddress", {"PoolID": pool["PoolID"], "Options": {MAC: mac}})
        return str(found["Address"])

    assert [address(new_mac()) for _ in range(3)] == ["10.77.0.129/24", "10.77.0.130/24", "10.77.0.131/24"]
    with pytest.raises(Said, match=r"--ip-range 10\.77\.0\.128/30 of Subnet docker-10-77-0-0-24 has no free address"):
        address(new_mac())


def test_a_call_waits_for_a_database_that_comes_back(plugin: Plugin, own_ovn: Ovn) -> None:
    """At a reboot everything starts at once, and Docker doesn't ask again."""
    network = Network.create(plugin, "10.77.0.0/24")
    own_ovn.stop_nb()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(network.address, "02:42:0a:4d:00:09")
        own_ovn.start_nb()

        assert asked.result() == "10.77.0.2/24"


def test_rows_that_somebody_deleted_are_there_again_after_a_restart(plugin: Plugin, own_ovn: Ovn) -> None:
    """The records say what has to be; rows follow from them, whatever became of the rows."""
    network = Network.create(plugin, "10.77.0.0/24")
    endpoint = network.endpoint()
    own_ovn.nbctl("ls-del", "docker-10-77-0-0-24")
    plugin.server.stop()

    plugin.start()

    until(lambda: "docker-10-77-0-0-24" in own_ovn.nbctl("ls-list"), "the switch")
    until(lambda: endpoint.mac in own_ovn.nbctl("show", "docker-10-77-0-0-24"), "the port")
