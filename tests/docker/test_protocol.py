"""What dockerd 20.10 and 26.1 really said, said again to the plugin on a real OVN; tests/docker/dialogues has it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Fabric, Host, OpenVswitch, Ovn
from tests.docker.dialogue import MAC, Plugin, Said
from tests.hosts import HOSTS_HOME, remove_hosts
from tests.leftover import sandbox_name

DIALOGUES = sorted(Path(__file__).with_name("dialogues").glob("*.json"))
BAD = ["two of one family", "10.77.0.0 can't be used in the Subnet"]
REFUSED = {"20.10-bad": BAD, "26.1-bad": BAD, "26.1-create-options": ["--ipam-opt a is not known to ovnloom"]}
"""What the recorded plugin took, and ours refuses, each with its reason."""


@pytest.fixture(scope="module")
def plugin(ovn: Ovn) -> Iterator[Plugin]:
    """One host for all dialogues: each ends as it began."""
    fabric = Fabric(HOSTS_HOME / sandbox_name("dialogues"))
    try:
        fabric.up()
        host = Host(fabric, 1)
        host.up()
        OpenVswitch(host).up()
        OpenVswitch(host).join(ovn.sb)
        found = Plugin(host, ovn.nb)
        found.start()
        yield found
        found.stop()
    finally:
        remove_hosts(fabric.directory)


class Replay:
    """One dialogue with our plugin in the recorded one's place."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._pools: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self.refused: list[str] = []

    def step(self, step: dict[str, Any]) -> None:
        """Every call is answered as well as it was then. What follows from a refusal isn't said any more."""
        for call in step["calls"]:
            request = call["request"] or {}
            if "PoolID" in request and request["PoolID"] not in self._pools:
                return  # of a network that was refused
            try:
                self._call(call["call"], self._translated(request), call["response"])
            except Said as said:
                if not call["response"].get("Err"):
                    self.refused.append(str(said))
                    return

    def _call(self, name: str, request: Any, response: dict[str, Any]) -> None:
        found = self._plugin.call(f"/{name}", request)
        if "PoolID" in response:
            self._pools[response["PoolID"]] = found["PoolID"]
            self._addresses[response["Pool"]] = found["Pool"]
        if "Address" in response:
            self._addresses[response["Address"]] = found["Address"]
            self._addresses[response["Address"].partition("/")[0]] = found["Address"].partition("/")[0]

    def _translated(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._translated(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._translated(each) for each in value]
        if isinstance(value, str):
            return self._pools.get(value, self._addresses.get(value, value))
        return value


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_a_recorded_dialogue_goes_as_it_went(path: Path, plugin: Plugin, ovn: Ovn) -> None:
    """The order and form of calls are dockerd's, versions years apart included, not what we think that they are."""
    replay = Replay(plugin)

    for step in json.loads(path.read_text(encoding="utf-8"))["steps"]:
        replay.step(step)

    expected = REFUSED.get(path.stem, [])
    assert len(replay.refused) == len(expected), replay.refused
    assert all(words in said for words, said in zip(expected, replay.refused, strict=True)), replay.refused
    assert traces(ovn) == []


def traces(ovn: Ovn) -> list[str]:
    """What of Docker's networks is in OVN."""
    found = [line for table in ("ls-list", "lr-list") for line in ovn.nbctl(table).splitlines()]
    records = ovn.nbctl("--bare", "--columns=external_ids", "find", "DHCP_Options").splitlines()
    return found + [line for line in records if line and "Counter" not in line]


def test_every_failure_is_a_sentence_in_dockers_form(plugin: Plugin) -> None:
    """The text is all that a user of Docker gets to see."""
    pool = {"AddressSpace": "ovnloom-local", "Pool": "10.77.0.0/24", "SubPool": "", "Options": {}, "V6": False}
    network = {"NetworkID": "n", "IPv4Data": [{"Pool": "10.77.0.0/24"}], "Options": {}}
    cases: dict[str, tuple[str, Any]] = {
        "the request is no JSON": ("/IpamDriver.RequestPool", b"{"),
        "the request is a JSON list": ("/IpamDriver.RequestPool", b"[]"),
        "Pool is 7; it has to be a string": ("/IpamDriver.RequestPool", {**pool, "Pool": 7}),
        "--subnet 'x' is no network": ("/IpamDriver.RequestPool", {**pool, "Pool": "x"}),
        "no room for a gateway": ("/IpamDriver.RequestPool", {**pool, "Pool": "10.77.0.0/31"}),
        "--ip-range 10.78.0.0/25 is not in --subnet": ("/IpamDriver.RequestPool", {**pool, "SubPool": "10.78.0.0/25"}),
        "AddressSpace 'moon' is none of ovnloom's": ("/IpamDriver.RequestPool", {**pool, "AddressSpace": "moon"}),
        "no such Subnet": ("/IpamDriver.RequestPool", {**pool, "Pool": "", "Options": {"ovnloom.subnet": "web"}}),
        "--ipam-opt colour is not known": ("/IpamDriver.RequestPool", {**pool, "Options": {"colour": "red"}}),
        "pool 'y' not found": ("/IpamDriver.RequestAddress", {"PoolID": "y"}),
        "pool 10.77.0.0/24 not found": (
            "/IpamDriver.RequestAddress",
            {"PoolID": "10.77.0.0/24|||", "Options": {MAC: "02:42:0a:4d:00:09"}},
        ),
        "Options has no com.docker.network.endpoint.macaddress": (
            "/IpamDriver.RequestAddress",
            {"PoolID": "10.77.0.0/24|||"},
        ),
        "Address is missing": ("/IpamDriver.ReleaseAddress", {"PoolID": "10.77.0.0/24|||"}),
        "NetworkID is missing": ("/NetworkDriver.DeleteNetwork", {}),
        "the network has no pool": ("/NetworkDriver.CreateNetwork", {**network, "IPv4Data": []}),
        "-o colour is not known": ("/NetworkDriver.CreateNetwork", _with(network, colour="red")),
        "-o ovnloom.outside=moon can't be": (
            "/NetworkDriver.CreateNetwork",
            _with(network, **{"ovnloom.outside": "moon"}),
        ),
        "driver.mtu=9 can't be": (
            "/NetworkDriver.CreateNetwork",
            _with(network, **{"com.docker.network.driver.mtu": "9"}),
        ),
        "network n is not known to ovnloom": (
            "/NetworkDriver.CreateEndpoint",
            {"NetworkID": "n", "EndpointID": "e", "Interface": {"Address": "10.77.0.9/24"}},
        ),
        "no networks of Swarm": ("/NetworkDriver.AllocateNetwork", {"NetworkID": "n"}),
    }

    for words, (path, asked) in cases.items():
        raw = asked if isinstance(asked, bytes) else None
        with pytest.raises(Said) as said:
            plugin.call(path, asked, raw)
        assert words in str(said.value)


def test_who_is_unknown_leaves_and_is_removed_without_complaint(plugin: Plugin) -> None:
    """After a reboot of the host, or a crash, Docker takes leave of what nobody has any more."""
    unknown = {"NetworkID": "f" * 64, "EndpointID": "e" * 64}

    assert plugin.call("/NetworkDriver.Leave", unknown) == {}
    assert plugin.call("/NetworkDriver.DeleteEndpoint", unknown) == {}
    assert plugin.call("/NetworkDriver.DeleteNetwork", unknown) == {}
    assert plugin.call("/IpamDriver.ReleaseAddress", {"PoolID": "10.77.0.0/24|||", "Address": "10.77.0.9"}) == {}
    assert plugin.call("/IpamDriver.ReleasePool", {"PoolID": "10.77.0.0/24|||"}) == {}


def _with(network: dict[str, Any], **options: str) -> dict[str, Any]:
    return {**network, "Options": {"com.docker.network.generic": options}}
