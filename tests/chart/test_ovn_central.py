"""The chart's ovn-central with the real servers: alone, with TLS, and as a cluster."""

import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from ovs.stream import Stream

from sandbox import client, ports, until
from sandbox.errors import CommandError
from sandbox.server import Server
from tests.chart.members import SCHEMAS, Member

ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
Make = Callable[..., Member]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short: paths of unix sockets end after 107 characters."""
    with tempfile.TemporaryDirectory(prefix="ovn-") as path:
        yield Path(path)


@pytest.fixture
def make(folder: Path) -> Iterator[Make]:
    """Makes members on free ports; they are gone after the test."""
    chosen = tuple(ports.free() for _ in range(4))
    made: list[Member] = []

    def member(name: str = "a", **about: object) -> Member:
        made.append(Member(folder / name, chosen, **about))  # type: ignore[arg-type]  # the caller's business
        return made[-1]

    yield member
    for each in made:
        each.stop()


@pytest.fixture
def certificates(folder: Path) -> Path:
    """A key, its certificate and the CA, named as in a Secret that cert-manager makes."""
    tls = folder / "tls"
    tls.mkdir()
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    client.output(*new, "-subj", "/CN=ca", "-keyout", tls / "ca.key", "-out", tls / "ca.crt")
    own = ("-CA", tls / "ca.crt", "-CAkey", tls / "ca.key", "-addext", "basicConstraints=critical,CA:FALSE")
    client.output(*new, "-subj", "/CN=ovn", *own, "-keyout", tls / "tls.key", "-out", tls / "tls.crt")
    return tls


def test_a_switch_reaches_the_southbound_database_over_tcp(make: Make) -> None:
    """The three containers are one OVN, and nodes and controller reach it by port."""
    member = make()

    member.start()
    member.until_ready()

    nb, sb = member.ports[:2]
    client.output("ovn-nbctl", f"--db=tcp:127.0.0.1:{nb}", "-t", "20", "--wait=sb", "ls-add", "translated")
    assert "translated" in client.output(
        "ovn-sbctl", f"--db=tcp:127.0.0.1:{sb}", "-t", "20", "list", "Datapath_Binding"
    )


def test_an_address_in_brackets_is_understood(make: Make) -> None:
    """The chart writes IPv4 and IPv6 alike, as `tcp:[…]:6641`: it can't know which of them a Service has."""
    member = make()
    member.start("nb")
    member.until_ready("nb")

    error, stream = Stream.open_block(Stream.open(f"tcp:[127.0.0.1]:{member.ports[0]}"), 10_000)

    assert error == 0
    stream.close()


def test_rows_survive_a_restart_of_the_container(make: Make) -> None:
    """A database that is killed has its rows on the node's disk, and comes back without being made anew."""
    member = make()
    member.start("nb")
    member.until_ready("nb")
    member.ctl("nb", "ls-add", "kept")

    member.server("nb").stop()
    assert not member.is_ready("nb")
    member.start("nb")
    member.until_ready("nb")

    assert "(kept)" in member.ctl("nb", "ls-list")


def test_the_databases_wait_longer_for_busy_clients_than_ovn_does(make: Make) -> None:
    """After OVN's own 5 s a chassis that computes its flows is cut off, connects, and computes them again."""
    member = make()

    member.start("nb")
    member.until_ready("nb")

    assert member.ctl("nb", "--bare", "--columns=inactivity_probe", "list", "connection").strip() == "60000"


def test_a_server_ends_when_the_kubelet_asks(make: Make) -> None:
    """The shell has made way for the server: a shell as process 1 would not pass SIGTERM on."""
    member = make()
    member.start()
    member.until_ready()

    for name in ("nb", "sb", "northd"):
        member.server(name).send(signal.SIGTERM)
        until(partial(is_gone, member.server(name)), f"the end of {name}", 10)


def test_an_older_database_is_converted_and_kept_beside(make: Make, folder: Path) -> None:
    """A new OVN finds its columns; who has to go back finds the rows of before."""
    older = folder / "older"
    older.mkdir()
    schema = json.loads((SCHEMAS / "ovn-nb.ovsschema").read_text())
    ours, schema["version"] = schema["version"], "6.0.0"
    del schema["tables"]["ACL"]["columns"]["label"]
    (older / "ovn-nb.ovsschema").write_text(json.dumps(schema))
    before = make(schemas=older)
    before.start("nb")
    before.until_ready("nb")
    before.ctl("nb", "ls-add", "kept")
    before.stop()

    after = make()
    after.start("nb")
    after.until_ready("nb")

    until(partial(after.has_schema, "nb", ours), f"schema {ours}")
    assert "(kept)" in after.ctl("nb", "ls-list")
    assert "kept" in (after.directory / "ovnnb_db.db.6.0.0").read_text()


def test_with_certificates_nobody_is_served_without(make: Make, certificates: Path) -> None:
    """Whoever may write the northbound database owns the network."""
    member = make(tls=certificates)
    member.start()
    member.until_ready()

    address, plain = f"ssl:127.0.0.1:{member.ports[0]}", f"tcp:127.0.0.1:{member.ports[0]}"
    files = ("-p", certificates / "tls.key", "-c", certificates / "tls.crt", "-C", certificates / "ca.crt")

    client.output("ovn-nbctl", f"--db={address}", *files, "-t", "20", "--wait=sb", "ls-add", "trusted")
    with pytest.raises(CommandError):
        client.output("ovn-nbctl", f"--db={plain}", "-t", "3", "ls-list")
    stranger = certificates / "stranger"
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ovn")
    client.output(*new, "-keyout", f"{stranger}.key", "-out", f"{stranger}.crt")
    strange = ("-p", f"{stranger}.key", "-c", f"{stranger}.crt", "-C", certificates / "ca.crt")
    with pytest.raises(CommandError):
        client.output("ovn-nbctl", f"--db={address}", *strange, "-t", "3", "ls-list")


def is_gone(server: Server) -> bool:
    return not server.alive


def cluster(make: Make, **about: object) -> list[Member]:
    members = [
        make(name, address=address, addresses=ADDRESSES, **about)
        for name, address in zip("abc", ADDRESSES, strict=True)
    ]
    for each in members:
        each.start("nb")
    for each in members:
        until(partial(each.is_connected, "nb"), f"{each.address} in the cluster: {each.server('nb').tail()}", 60)
    return members


def servers(member: Member) -> int:
    """How many servers the cluster of this member has."""
    status = member.cluster_status("nb")
    return len([line for line in status.partition("Servers:")[2].splitlines() if " at " in line])


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "tls"])
def test_three_members_are_one_cluster_that_survives_the_loss_of_one(
    make: Make, is_encrypted: bool, request: pytest.FixtureRequest
) -> None:
    """The network can be changed while a node is down, whichever it is."""
    tls = request.getfixturevalue("certificates") if is_encrypted else None
    first, second, third = cluster(make, tls=tls)
    until(lambda: servers(third) == 3, "three servers")
    second.ctl("nb", "ls-add", "before")

    first.stop()
    until(lambda: third.is_connected("nb"), "a new leader")
    third.ctl("nb", "ls-add", "after")
    first.start("nb")
    until(lambda: first.is_connected("nb"), "the return of the first")

    assert first.ctl("nb", "ls-list").count("(") == 2


def test_a_first_member_that_lost_its_disk_joins_and_makes_no_second_cluster(make: Make) -> None:
    """Two clusters with the same addresses would be two networks, each with half of the nodes."""
    first, second, third = cluster(make, more={"LOOK_SECONDS": "5"})
    until(lambda: servers(third) == 3, "three servers")
    second.ctl("nb", "ls-add", "kept")

    first.stop()
    until(lambda: second.is_connected("nb") and third.is_connected("nb"), "a new leader")
    shutil.rmtree(first.directory)
    # One of the others takes the port that the first had, as each has on a node of its own.
    for each in (second, third):
        each.server("nb").stop()
    for each in (second, third):
        each.start("nb")
    until(lambda: second.is_connected("nb") and third.is_connected("nb"), "a leader again")
    first.start("nb")
    until(lambda: first.is_connected("nb"), f"the return of the first: {first.server('nb').tail()}")

    assert "joining the cluster" in first.server("nb").log.read_text()
    assert "(kept)" in first.ctl("nb", "ls-list")
    # Who it was before would count for the majority for ever, and never vote.
    until(lambda: servers(third) == 3, f"three servers again: {third.cluster_status('nb')}")


def test_a_database_that_was_alone_becomes_a_cluster_with_its_rows(make: Make) -> None:
    """Going from one replica to three must not build the network anew."""
    alone = make("a")
    alone.start("nb")
    alone.until_ready("nb")
    alone.ctl("nb", "ls-add", "kept")
    alone.stop()

    _, _, third = cluster(make)

    assert "(kept)" in third.ctl("nb", "ls-list")


def test_a_cluster_of_which_one_is_wanted_is_refused_with_the_way_out(make: Make) -> None:
    """A member that left its cluster by itself would serve a network that the others don't know."""
    first, *_ = cluster(make)
    first.stop()

    alone = make("a")
    alone.start("nb")
    until(lambda: not alone.server("nb").alive, "the refusal")

    assert "belongs to a raft cluster; set ovnCentral.replicas back" in alone.server("nb").tail()


def test_a_node_that_is_not_in_the_list_is_told_so(make: Make) -> None:
    """Nobody would connect to a member that no list has."""
    stray = make(address="127.0.0.9", addresses=ADDRESSES)

    stray.start("nb")
    until(lambda: not stray.server("nb").alive, "the refusal")

    assert (
        "127.0.0.9, which is not in ovnCentral.addresses (127.0.0.1 127.0.0.2 127.0.0.3)" in stray.server("nb").tail()
    )
