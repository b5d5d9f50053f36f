"""Programs that die, freeze and come back, and what is the case afterwards."""

import http.client
import json
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from sandbox import places, until
from sandbox.errors import NotReadyError
from tests.controller.api import Body
from tests.controller.field import PREFIX, Field, Place, pod, stays
from tests.controller.replica import PATIENCE, Replica

LONG = os.environ.get("OVNLOOM_LONG_TESTS", "") not in ("", "0")
"""Faults are tried in many rounds, for hours if one likes; a usual run tries each in its short form."""
PODS = 300
ROUNDS = 6 if LONG else 2
OUTAGE = 30.0 if LONG else 8.0
"""Seconds that a server is away."""
SETTLED = 120.0
SEED = 5


@contextmanager
def meanwhile(act: Callable[[], Any]) -> Iterator[Thread]:
    """`act` goes on beside the block, and has ended without an error when the block has ended."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as bug:  # noqa: BLE001 # told below, in the test's own thread
            failed.append(bug)

    thread = Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(SETTLED)
    assert not thread.is_alive(), "it goes on and on"
    if failed:
        raise failed[0]


def burst(space: str, count: int, word: str = "pod") -> list[Body]:
    return [pod(f"{word}-{number}", space, nodeName=f"worker-{1 + number % 2}") for number in range(count)]


def agrees(place: Place, space: str) -> str:
    """In what the Pods of a namespace, their IP objects and their ports disagree; empty when they are one."""
    pods = {body["metadata"]["name"]: body["metadata"].get("annotations", {}) for body in place.api.every("Pod", space)}
    ips = {
        body["metadata"]["name"]: body["spec"] for body in place.api.every("IP") if body["spec"]["namespace"] == space
    }
    rows = place.field.rows("Logical_Switch_Port").of("Logical_Switch_Port")
    ports = {row.name: row["addresses"] for row in rows if row.ids.get("pod", "").startswith(f"{space}/")}
    names = {f"{name}.{space}" for name in pods}
    if ips.keys() != names:
        return f"IP objects: {sorted(names ^ ips.keys())[:5]}"
    if ports.keys() != names:
        return f"ports: {sorted(names ^ ports.keys())[:5]}"
    for name, said in pods.items():
        spec, address = ips[f"{name}.{space}"], said.get(PREFIX + "ip_address")
        if said.get(PREFIX + "allocated") != "true" or said.get(PREFIX + "routed") != "true":
            return f"{name} isn't allocated: {said}"
        if spec["v4IpAddress"] != address or ports[f"{name}.{space}"] != f"{spec['macAddress']} {address}":
            return f"{name}: {address}, {spec}, {ports[f'{name}.{space}']}"
    given = [spec["v4IpAddress"] for spec in ips.values()]
    if len(set(given)) != len(given):
        return "an address was given twice"
    return ""


def come_together(place: Place, space: str, count: int) -> None:
    """All is as it should be, for so many Pods."""

    def question() -> bool:
        nonlocal words
        words = agrees(place, space) if len(place.api.every("Pod", space)) == count else "not all Pods are there"
        return not words

    words = ""
    try:
        until(question, "all to agree", SETTLED)
    except NotReadyError as late:
        raise AssertionError(f"{late}: {words}") from None


FOREIGN = "foreign"


@pytest.fixture
def neighbours(field: Field) -> Iterator[None]:
    """Rows of other owners, as Neutron has them; they are the same after the test."""
    words = (
        "ls-add neutron-net -- set logical_switch neutron-net external_ids:neutron\\:network_name=net"
        " -- lsp-add neutron-net vm-1 -- lsp-set-addresses vm-1 dynamic"
        " -- set logical_switch_port vm-1 external_ids:neutron\\:port_name=vm"
        " -- lr-add neutron-router -- lrp-add neutron-router lrp-1 02:00:00:00:00:99 10.200.0.1/24"
        " -- lr-route-add neutron-router 0.0.0.0/0 10.200.0.254"
        " -- lr-policy-add neutron-router 100 ip4 allow"
        " -- acl-add neutron-net to-lport 1000 ip drop"
        " -- pg-add neutron_pg vm-1 -- create address_set name=neutron_as addresses=10.200.0.5"
        " -- lb-add neutron-lb 10.200.0.9:80 10.200.0.5:80 -- ls-lb-add neutron-net neutron-lb"
    )
    field.sandbox.nbctl(*words.split())

    def theirs() -> list[str]:
        return [line for line in field.rows().lines() if "ovnloom.io/owner" not in line and not line.startswith("NB_")]

    before = theirs()
    yield
    try:
        assert [line for line in theirs() if "10.200." in line or "neutron" in line] == [
            line for line in before if "10.200." in line or "neutron" in line
        ]
    finally:
        words = "--if-exists ls-del neutron-net -- --if-exists lr-del neutron-router -- --if-exists lb-del neutron-lb"
        field.sandbox.nbctl(*f"{words} -- pg-del neutron_pg -- --if-exists destroy address_set neutron_as".split())


def big_space(place: Place) -> str:
    """A namespace with room for all Pods of a burst."""
    space = place.namespace()
    place.ready("Subnet", place.subnet(namespaces=[space], cidrBlock=place.cidr(prefix=22)))
    return space


@pytest.mark.timeout(600)
def test_a_controller_that_is_killed_in_a_burst_of_pods_leaves_nothing_twice_and_nothing_lost(
    place: Place, neighbours: None
) -> None:
    """It dies between any two writes: IP object, port, annotations; the next one goes on from what is there."""
    space, chance = big_space(place), random.Random(SEED)
    controller = place.field.controller
    for number in range(ROUNDS):
        word = f"round-{number}"
        with meanwhile(lambda word=word: place.api.create_all(burst(space, PODS // ROUNDS, word))) as work:
            for _ in range(2):
                time.sleep(chance.uniform(0.1, 1.5))  # the moment is what is tested
                controller.kill()
                controller.start()
            work.join()
        gone = [f"{word}-{index}" for index in range(0, PODS // ROUNDS, 3)]
        with meanwhile(lambda gone=gone: place.api.delete_all("Pod", gone, space)):
            time.sleep(chance.uniform(0.05, 0.5))
            controller.kill()
            controller.start()

    left = ROUNDS * (PODS // ROUNDS - len(range(0, PODS // ROUNDS, 3)))
    come_together(place, space, left)
    until(lambda: place.api.the("Subnet", place.name("net"))["status"]["v4usingIPs"] == left, "the count", PATIENCE)


@pytest.mark.timeout(600)
def test_an_api_server_that_is_away_in_a_burst_delays_and_loses_nothing(place: Place) -> None:
    """Upgrades of the control plane take minutes; Pods that were created before, between and after all get theirs."""
    space = big_space(place)
    place.api.create_all(burst(space, 60, "before"))
    place.api.delete_all("Pod", [f"before-{number}" for number in range(20)], space)

    place.field.sandbox.stop_apiserver()
    stays(lambda: place.field.controller.is_alive, "alive", OUTAGE)
    place.field.sandbox.start_apiserver()
    place.api.create_all(burst(space, 60, "after"))

    come_together(place, space, 100)
    place.field.controller.ready()


def test_what_happened_while_the_watch_was_lost_is_made_up_for(place: Place) -> None:
    """etcd forgets its history; a watch that starts too late gets 410 Gone, and has missed deletions."""
    space = big_space(place)
    place.api.create_all(burst(space, 30))
    come_together(place, space, 30)
    field = place.field

    field.controller.freeze()
    place.api.delete_all("Pod", [f"pod-{number}" for number in range(10)], space)
    place.api.create_all(burst(space, 5, "late"))
    compact(field)
    field.sandbox.stop_apiserver()  # its cache of watch events would bridge the gap
    field.sandbox.start_apiserver()
    compact(field)
    field.controller.thaw()

    come_together(place, space, 25)


def compact(field: Field) -> None:
    """etcd has forgotten all versions but the newest; a resource version is a revision of etcd."""
    touched = {"metadata": {"labels": {"touched": str(time.time_ns())}}}
    newest = field.api.patch("Namespace", "default", touched)["metadata"]["resourceVersion"]
    with socket.socket(socket.AF_UNIX) as etcd:
        etcd.connect(str(places.sockets(field.sandbox.directory) / "etcd.sock"))
        connection = http.client.HTTPConnection("etcd")
        connection.sock = etcd
        connection.request("POST", "/v3/kv/compaction", json.dumps({"revision": newest, "physical": True}))
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.OK, answer.read()


def test_a_northbound_database_that_was_killed_is_written_when_it_is_back(place: Place, neighbours: None) -> None:
    """The database restarts with every upgrade of OVN."""
    space = big_space(place)
    place.api.create_all(burst(space, 20))
    come_together(place, space, 20)

    place.field.sandbox.stop_nb()
    place.api.create_all(burst(space, 20, "more"))
    place.api.delete_all("Pod", [f"pod-{number}" for number in range(5)], space)
    stays(lambda: place.field.controller.is_alive, "alive", 1.0)
    place.field.sandbox.start_nb()

    come_together(place, space, 35)


def test_a_northbound_database_that_was_wiped_is_as_before_within_seconds(place: Place) -> None:
    """The wanted state is a value, so losing the database loses nothing."""
    space = big_space(place)
    place.api.create_all(burst(space, 50))
    come_together(place, space, 50)
    place.field.settled()
    before = place.field.rows().lines(ours_only=True)

    place.field.sandbox.wipe_nb()
    started = time.monotonic()
    until(lambda: len(place.field.rows().lines(ours_only=True)) == len(before), "the rows", PATIENCE)
    took = time.monotonic() - started
    place.field.settled()

    assert place.field.rows().lines(ours_only=True) == before
    assert took < 20, took


def test_what_a_foreign_client_does_to_our_rows_is_undone_and_counted(place: Place, neighbours: None) -> None:
    """Somebody with ovn-nbctl and good intentions is the commonest fault of all."""
    space = big_space(place)
    place.api.create_all(burst(space, 10))
    come_together(place, space, 10)
    place.field.settled()
    before = place.field.rows().lines()
    count = place.field.controller.metric("ovnloom_drift_repaired_total")
    name, nbctl = place.name("net"), place.field.sandbox.nbctl

    def differing() -> list[str]:
        return sorted(set(place.field.rows().lines()) ^ set(before))

    def repaired() -> None:
        try:
            until(lambda: not differing(), "all to be as before", PATIENCE)
        except NotReadyError:
            assert differing() == []

    nbctl("lsp-del", f"pod-0.{space}")
    repaired()
    nbctl("lsp-set-addresses", f"pod-1.{space}", "02:00:00:00:00:01 1.2.3.4")
    repaired()
    nbctl("clear", "logical_switch_port", f"pod-2.{space}", "external_ids")
    repaired()
    nbctl("ls-del", name)
    repaired()
    nbctl("lrp-del", f"ovn-cluster-{name}")
    repaired()
    nbctl("lr-policy-del", "ovn-cluster", "31000")
    repaired()
    nbctl("clear", "port_group", "node.worker.1", "ports")
    repaired()
    nbctl("lr-del", "ovn-cluster")
    repaired()
    nbctl("acl-add", name, "to-lport", "2000", "icmp4", "drop")
    stays(lambda: "icmp4" in str(place.field.rows("ACL").lines()), "an ACL of somebody else's", 1.0)
    nbctl("acl-del", name)

    assert place.field.controller.metric("ovnloom_drift_repaired_total") >= count + 8


@pytest.fixture
def other(field: Field) -> Iterator[Replica]:
    """A second replica, which isn't started yet."""
    replica = Replica(field.sandbox, "controller-other", {"OVNLOOM_LEASE_SECONDS": "4"})
    yield replica
    replica.thaw()
    replica.kill()


@pytest.fixture
def quick(field: Field) -> Iterator[Replica]:
    """The first replica, whose Lease runs out after four seconds; it leads."""
    field.controller.stop()
    replica = Replica(field.sandbox, "controller-quick", {"OVNLOOM_LEASE_SECONDS": "4"})
    replica.start().leading()
    yield replica
    replica.thaw()
    replica.stop()


def test_a_frozen_leader_writes_nothing_after_another_took_over(
    place: Place, quick: Replica, other: Replica, neighbours: None
) -> None:
    """A virtual machine that was paused wakes up with a head full of old plans."""
    space = big_space(place)
    other.begin()
    with meanwhile(lambda: place.api.create_all(burst(space, 60))):
        until(lambda: len(place.api.every("IP")) > 10, "some of them to be served", PATIENCE)
        quick.freeze()
    other.leading()
    come_together(place, space, 60)
    # Now the world changes so that old plans would be wrong.
    place.api.delete_all("Pod", [f"pod-{number}" for number in range(30)], space)
    place.api.create_all(burst(space, 20, "new"))
    come_together(place, space, 50)
    rows, lease = place.field.rows().lines(), place.api.the("Lease", "kube-ovn-controller", "kube-system")["spec"]

    quick.thaw()

    until(lambda: "standby ok: the leader is controller-other" in quick.page("/readyz")[1], "it to know", PATIENCE)
    assert lease["holderIdentity"] == "controller-other"
    assert place.field.rows().lines() == rows
    # What was on its way to the API server when it froze may arrive; the new leader takes that back.
    come_together(place, space, 50)
    assert place.field.rows().lines() == rows
    assert quick.is_ready()


def test_a_leader_that_is_asked_to_end_hands_over_at_once(place: Place, quick: Replica, other: Replica) -> None:
    """A rolling update must not be an outage."""
    space = big_space(place)
    other.begin()
    assert not other.is_leading()

    started = time.monotonic()
    quick.stop()
    until(other.is_leading, "the other to lead", PATIENCE)
    took = time.monotonic() - started

    place.pod("one", space)
    place.allocated("one", space)
    assert took < 6  # about two on a machine of its own


def test_deletions_that_nobody_saw_wait_for_approval(place: Place) -> None:
    """After a restore of etcd from an old backup, the network of everything newer must not vanish."""
    space, field = big_space(place), place.field
    place.api.create_all(burst(space, 90))
    come_together(place, space, 90)
    field.settled()
    field.controller.stop()
    place.api.delete_all("Pod", [f"pod-{number}" for number in range(80)], space)
    before = {row.name for row in field.rows("Logical_Switch_Port").of("Logical_Switch_Port") if row.ids.get("pod")}

    field.controller.start()
    place.pod("new", space)
    place.allocated("new", space)  # others go on meanwhile

    message = place.tells("kube-system", "DeletionBudget")
    ports = {row.name for row in field.rows("Logical_Switch_Port").of("Logical_Switch_Port") if row.ids.get("pod")}
    assert before <= ports
    assert field.controller.metric("ovnloom_budget_waiting_rows") >= 80
    assert field.controller.metric("ovnloom_budget_stops_total") == 1
    assert len([ip for ip in place.api.every("IP") if ip["spec"]["namespace"] == space]) == 91
    field.controller.ready()

    token = message.rpartition("=")[2]
    place.api.patch("Namespace", "kube-system", {"metadata": {"annotations": {"ovnloom.io/approve-deletes": token}}})

    come_together(place, space, 11)
    until(lambda: field.controller.metric("ovnloom_budget_waiting_rows") == 0, "nothing to wait", PATIENCE)
    place.api.patch("Namespace", "kube-system", {"metadata": {"annotations": {"ovnloom.io/approve-deletes": None}}})
