"""The chart's Open vSwitch and ovn-controller with the real servers: start, restart, and what stays meanwhile."""

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from sandbox import Ovn, client, until
from sandbox.errors import CommandError
from tests.chart.chassis import Chassis

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace and its devices need root")

Make = Callable[..., Chassis]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes chassis on one node, whose network is a namespace of its own; nothing of them is left after the test."""
    netns = f"chassis-{secrets.token_hex(4)}"
    made: list[Chassis] = []
    client.output("ip", "netns", "add", netns)
    client.output("ip", "-n", netns, "link", "set", "lo", "up")
    with tempfile.TemporaryDirectory(prefix="ovs-") as folder:

        def chassis(**about: object) -> Chassis:
            made.append(Chassis(Path(folder) / "node", netns, **about))  # type: ignore[arg-type]  # the caller's business
            return made[-1]

        try:
            yield chassis
        finally:
            for each in made:
                each.stop()
            client.output("ip", "netns", "delete", netns)


def joined(chassis: Chassis, ovn: Ovn) -> str:
    """The node is a chassis of OVN with a tunnel and a port; the answer is its name."""
    chassis.until_ready("ovsdb")
    name = until(lambda: chassis.told("external_ids", "system-id"), "the name of the chassis")
    chassis.ctl("--no-wait", "set", "Open_vSwitch", ".", "external_ids:ovn-encap-ip=127.0.0.1")
    chassis.until_ready()
    until(lambda: name in chassis_rows(ovn), "the chassis in the southbound database")
    return name


def chassis_rows(ovn: Ovn) -> str:
    return ovn.sbctl("--bare", "--columns=name,hostname", "list", "Chassis")


def with_a_port(chassis: Chassis, ovn: Ovn) -> None:
    """A logical port is bound here, so that ovn-controller has rules to write."""
    ovn.nbctl(
        "ls-add", "ls", "--", "lsp-add", "ls", "one", "--", "lsp-set-addresses", "one", "02:00:00:00:00:01 10.9.0.2"
    )
    chassis.ctl(
        "add-port", "br-int", "one", "--", "set", "Interface", "one", "type=internal", "external_ids:iface-id=one"
    )
    until(lambda: chassis.rules() > 20, "the rules of the port")


def test_a_node_becomes_a_chassis(make: Make, own_ovn: Ovn) -> None:
    """All that the agent adds is the address of the tunnel, which it finds; the rest follows from the chart."""
    chassis = make(remote=own_ovn.sb)
    chassis.start()

    name = joined(chassis, own_ovn)

    assert chassis_rows(own_ovn).split() == [name, "node-1"]
    assert chassis.told("external_ids", "ovn-bridge-datapath-type") == "netdev"
    assert (chassis.directory / "etc" / "system-id.conf").read_text().strip() == name


def test_a_chassis_without_a_southbound_database_waits_and_is_not_ready(make: Make) -> None:
    """The agent may say it later; a Pod that claims to be ready meanwhile would let a rollout go on."""
    chassis = make()
    chassis.start()

    chassis.until_ready("ovsdb", "vswitchd")

    assert not chassis.is_ready("controller")
    assert chassis.told("external_ids", "ovn-remote") == ""


def test_a_node_that_lost_its_disk_takes_the_place_of_who_it_was(make: Make, own_ovn: Ovn) -> None:
    """The southbound database takes the address of a tunnel only once: the new name would never get in."""
    chassis = make(remote=own_ovn.sb)
    chassis.start()
    before = joined(chassis, own_ovn)
    chassis.stop()
    shutil.rmtree(chassis.directory / "etc")

    chassis.start()
    after = joined(chassis, own_ovn)

    assert after != before
    until(lambda: chassis_rows(own_ovn).split() == [after, "node-1"], "the old name to be gone")


def test_an_address_that_the_agent_has_written_outlives_a_restart(make: Make) -> None:
    """The agent follows the southbound database when it moves; the script knows nothing newer."""
    chassis = make()
    chassis.start("ovsdb")
    chassis.until_ready("ovsdb")
    name = until(lambda: chassis.told("external_ids", "system-id"), "the name of the chassis")
    chassis.ctl("--no-wait", "set", "Open_vSwitch", ".", "external_ids:ovn-remote=tcp:192.0.2.1:6642")

    chassis.server("ovsdb").stop()
    chassis.start("ovsdb")
    chassis.until_ready("ovsdb")

    assert chassis.told("external_ids", "ovn-remote") == "tcp:192.0.2.1:6642"
    assert chassis.told("external_ids", "system-id") == name


def test_a_new_ovn_controller_takes_over_without_emptying_the_switch(make: Make, own_ovn: Ovn) -> None:
    """An upgrade of the image is no interruption: the rules of the old one stay until the new one has its own."""
    chassis = make(remote=own_ovn.sb)
    chassis.start()
    name = joined(chassis, own_ovn)
    with_a_port(chassis, own_ovn)
    before = chassis.rules()

    chassis.run("leave.sh")
    until(lambda: not chassis.server("controller").alive, "the end of ovn-controller")
    assert name in chassis_rows(own_ovn)
    assert chassis.rules() == before
    chassis.start("controller")
    until(lambda: chassis.told("external_ids", "ovn-ofctrl-wait-before-clear") != "", "the wait to begin")
    fewest = before
    while chassis.told("external_ids", "ovn-ofctrl-wait-before-clear"):
        fewest = min(fewest, chassis.rules())

    chassis.until_ready("controller")
    assert fewest == before
    until(lambda: chassis.rules() == before, "the same rules as before")


def test_a_switch_that_died_gets_its_rules_again(make: Make, own_ovn: Ovn) -> None:
    """ovn-controller sees that they are gone; nobody has to restart it."""
    chassis = make(remote=own_ovn.sb)
    chassis.start()
    joined(chassis, own_ovn)
    with_a_port(chassis, own_ovn)

    chassis.server("vswitchd").stop()
    chassis.start("vswitchd")
    chassis.until_ready("vswitchd")

    until(lambda: chassis.rules() > 20, "the rules of the port")
    assert chassis.told("other_config", "flow-restore-wait") == ""


def test_flows_in_the_kernel_stay_until_the_switch_has_rules_again(make: Make) -> None:
    """Without this a restart cuts off every Pod of the node.

    The bridge here is one in userspace: what is seen is that the switch waits.
    """
    chassis = make()
    chassis.start("ovsdb", "vswitchd")
    chassis.until_ready("ovsdb", "vswitchd")
    chassis.ctl("add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev", "fail_mode=secure")
    chassis.server("vswitchd").stop()
    chassis.ctl("--no-wait", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge-datapath-type=system")

    chassis.start("vswitchd")
    chassis.until_ready("vswitchd")
    assert chassis.told("other_config", "flow-restore-wait") == "true"
    rundir = {"OVS_RUNDIR": str(chassis.directory / "run")}
    for table in (1, 2):
        client.output("ovs-ofctl", "add-flow", "br-int", f"table={table},actions=drop", environment=rundir)

    until(lambda: chassis.told("other_config", "flow-restore-wait") == "", "the switch to go on", 15)


def test_a_switch_that_gets_no_rules_does_not_wait_for_ever(make: Make) -> None:
    """Where OVN is away for long, new connections within the node are better than none."""
    chassis = make(more={"SETTLE_SECONDS": "1"})
    chassis.start("ovsdb", "vswitchd")
    chassis.until_ready("ovsdb", "vswitchd")
    chassis.ctl("add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev", "fail_mode=secure")
    chassis.server("vswitchd").stop()
    chassis.ctl("--no-wait", "set", "Open_vSwitch", ".", "external_ids:ovn-bridge-datapath-type=system")

    chassis.start("vswitchd")

    until(lambda: "no rules from ovn-controller in 1 s" in chassis.server("vswitchd").log.read_text(), "the end of it")
    until(lambda: chassis.told("other_config", "flow-restore-wait") == "", "the switch to go on")


def test_a_second_switch_on_a_node_is_refused_with_the_value_to_set(make: Make) -> None:
    """Two servers of one file would corrupt it, and two switches would fight for the node's devices."""
    chassis = make()
    chassis.start("ovsdb")
    chassis.until_ready("ovsdb")

    with pytest.raises(CommandError) as refused:
        chassis.run("ovsdb.sh")

    assert "the node has an Open vSwitch of its own; set ovs.mode to host" in str(refused.value)


def test_where_the_kernel_has_no_datapath_auto_is_userspace(make: Make) -> None:
    """`auto` is for clusters of unlike nodes; each takes what it has."""
    chassis = make(more={"DATAPATH": "auto"})
    chassis.start("ovsdb")

    until(partial(chassis.is_ready, "ovsdb"), "the database")
    until(lambda: chassis.told("external_ids", "ovn-bridge-datapath-type"), "the datapath")

    expected = "system" if Path("/sys/module/openvswitch").exists() else "netdev"
    assert chassis.told("external_ids", "ovn-bridge-datapath-type") == expected


def test_cleaning_leaves_neither_chassis_nor_device_nor_file(make: Make, own_ovn: Ovn) -> None:
    """After an uninstall another network finds the node as it was.

    The kubelet starts the containers again whose servers have ended: they must bring nothing back.
    """
    chassis = make(remote=own_ovn.sb)
    chassis.start()
    name = joined(chassis, own_ovn)
    with_a_port(chassis, own_ovn)

    chassis.run("clean.sh")
    until(lambda: not chassis.server("vswitchd").alive, "the end of the switch")
    chassis.start("vswitchd", "controller")
    chassis.run("clean.sh")

    assert name not in chassis_rows(own_ovn)
    assert chassis.ctl("--no-wait", "list-br") == ""
    assert devices(chassis) == {"lo"}
    assert list((chassis.directory / "etc").glob("[!.]*")) == []
    assert not chassis.is_ready("controller")


def test_an_open_vswitch_of_the_node_itself_is_not_cleaned_away(make: Make) -> None:
    """Its bridges may carry the node's own address; the chart's selectors may leave nodes out that have one."""
    chassis = make()
    chassis.start("ovsdb", "vswitchd")
    chassis.until_ready("ovsdb", "vswitchd")
    chassis.ctl("add-br", "br-phy", "--", "set", "Bridge", "br-phy", "datapath_type=netdev")
    chassis.ctl("--no-wait", "remove", "Open_vSwitch", ".", "external_ids", "ovnloom-serves")

    chassis.run("clean.sh")

    assert chassis.ctl("--no-wait", "list-br") == "br-phy"
    assert (chassis.directory / "etc" / "conf.db").exists()


def test_a_switch_that_does_not_answer_is_not_taken_for_clean(make: Make) -> None:
    """Its datapath would stay in the kernel, and the next network would find its devices taken."""
    chassis = make()
    chassis.start("ovsdb")
    chassis.until_ready("ovsdb")
    chassis.stop()

    with pytest.raises(CommandError) as refused:
        chassis.run("clean.sh")

    assert "see why ovs-ovn doesn't run here" in str(refused.value)


def devices(chassis: Chassis) -> set[str]:
    said = client.output("ip", "-json", "-n", chassis.netns, "link")
    return {each["ifname"] for each in json.loads(said)}
