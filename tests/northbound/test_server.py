"""Plans against a real ovsdb-server with OVN's schema."""

import json
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, process_time

import pytest

from ovnloom.intent import EMPTY, Intent, Member, Parent, Ref, Row
from ovnloom.northbound import text
from ovnloom.northbound.snapshot import load
from ovnloom.northbound.task import Task
from sandbox import Ovn, client
from sandbox.release import chosen
from tests.northbound.conftest import PATIENCE, Controller
from tests.northbound.rows import acl, group, pod, policy, port, subnet, switch

Make = Callable[..., Controller]


def fill(controller: Controller) -> None:
    """Two switches, a policy, and two Pods."""
    controller.want(subnet("blue"), switch("blue", mcast_snoop="true"))
    controller.want(subnet("red"), switch("red"))
    controller.want(policy("p"), group("p.ns", 2000, 2001))
    controller.want(pod("a"), port("a.ns", "blue", "p.ns"))
    controller.want(pod("b"), port("b.ns", "blue", ip="10.0.0.3"))
    assert controller.is_as_wanted


def test_rows_come_change_move_and_go(own_ovn: Ovn, controllers: Make) -> None:
    """The whole life of a port, and the database's answer seen in the mirror each time."""
    controller = controllers(own_ovn.nb).lock()
    fill(controller)
    (before,) = controller.mirror.all(Ref("Logical_Switch_Port", "a.ns"))

    assert controller.want(pod("a"), port("a.ns", "red", "p.ns", ip="10.0.0.9")).is_ok

    assert controller.mirror.all(Ref("Logical_Switch_Port", "a.ns")) == (before,)
    assert "a.ns" in own_ovn.nbctl("lsp-list", "red")
    assert controller.is_as_wanted

    for owner in (policy("p"), pod("a"), pod("b"), subnet("blue"), subnet("red")):
        assert controller.want(owner, EMPTY).is_ok
    assert controller.is_as_wanted
    assert own_ovn.nbctl("ls-list") == ""
    assert controller.mirror.owned_rows == 0


def test_a_kube_ovn_row_is_adopted_and_others_stay(own_ovn: Ovn, controllers: Make) -> None:
    """A cluster moves over; Neutron's rows beside it are not ours."""
    ids = "external_ids:vendor=kube-ovn"
    own_ovn.nbctl("ls-add", "blue", "--", "set", "logical_switch", "blue", ids)
    own_ovn.nbctl("ls-add", "neutron-1", "--", "set", "logical_switch", "neutron-1", "external_ids:mtu=1442")
    own_ovn.nbctl("lsp-add", "neutron-1", "theirs", "--", "lsp-set-addresses", "theirs", "unknown")
    own_ovn.nbctl("lsp-add", "blue", "a.ns")
    own_ovn.nbctl("acl-add", "neutron-1", "to-lport", "1000", "ip", "drop")
    foreign = own_ovn.nbctl("list", "logical_switch", "neutron-1"), own_ovn.nbctl("list", "acl")
    uuid = own_ovn.nbctl("get", "logical_switch_port", "a.ns", "_uuid")
    controller = controllers(own_ovn.nb)

    controller.want(subnet("blue"), switch("blue"))
    controller.want(pod("a"), port("a.ns", "blue"))
    refused = controller.want(pod("t"), port("theirs", "blue"))

    assert refused.is_ok
    assert own_ovn.nbctl("get", "logical_switch_port", "a.ns", "_uuid") == uuid
    assert "Pod/ns/a" in own_ovn.nbctl("get", "logical_switch_port", "a.ns", "external_ids")
    assert [p.reason for p in controller.everything().problems[pod("t")]] == ["NameTaken"]
    controller.want(subnet("blue"), EMPTY)
    controller.want(pod("a"), EMPTY)
    assert (own_ovn.nbctl("list", "logical_switch", "neutron-1"), own_ovn.nbctl("list", "acl")) == foreign


@pytest.mark.parametrize("bad", [{"priority": 99999}, {"direction": "up"}, {"name": "x" * 64}, {"action": "explode"}])
def test_a_refused_owner_suffers_alone(own_ovn: Ovn, controllers: Make, bad: dict[str, str | int]) -> None:
    """A burst of many owners is one transaction; one bad value must not hold up the others."""
    controller = controllers(own_ovn.nb)
    controller.wanted.replace(subnet("blue"), switch("blue"))
    good = acl("bad.ns", 1)
    bad_acl = good._replace(columns={**good.columns, **bad})
    controller.wanted.replace(policy("bad"), Intent(rows=(*group("bad.ns").rows, bad_acl)))
    for number in range(20):
        controller.wanted.replace(pod(f"n{number}"), port(f"n{number}.ns", "blue", ip=f"10.0.0.{number}"))

    outcome = controller.run(controller.wanted.owners())

    assert set(outcome.refused) == {policy("bad")}
    assert "constraint violation" in outcome.refused[policy("bad")]
    assert len(outcome.written) == 21
    assert not outcome.again
    assert own_ovn.nbctl("lsp-list", "blue").count("\n") == 20


def test_an_owner_that_needs_a_refused_row_waits(own_ovn: Ovn, controllers: Make) -> None:
    """Its part can't be written before the other's; it isn't at fault itself."""
    controller = controllers(own_ovn.nb)
    bad = Row("Logical_Switch", "blue", {"name": "blue", "other_config": {"a": 1}})  # type: ignore[dict-item]
    controller.wanted.replace(subnet("blue"), Intent(rows=(bad,)))
    controller.wanted.replace(subnet("red"), switch("red"))
    controller.wanted.replace(pod("a"), port("a.ns", "blue"))
    controller.wanted.replace(pod("b"), port("b.ns", "red"))

    outcome = controller.run(controller.wanted.owners())

    assert set(outcome.refused) == {subnet("blue")}
    assert outcome.again == {pod("a")}
    assert outcome.written == {subnet("red"), pod("b")}


def test_who_breaks_a_rule_that_is_checked_at_the_end_is_found(own_ovn: Ovn, controllers: Make) -> None:
    """A name that is there twice is noticed when the transaction is over, so no operation is at fault."""
    controller = controllers(own_ovn.nb)
    controller.wanted.replace(subnet("blue"), switch("blue"))
    for number in range(9):
        controller.wanted.replace(pod(f"n{number}"), port(f"n{number}.ns", "blue"))
    twin = Row("Port_Group", "other", {"name": "same"})
    first = Row("Port_Group", "same", {"name": "same"})
    controller.wanted.replace(policy("twin"), Intent(rows=(first, twin)))

    outcome = controller.run(controller.wanted.owners())

    assert set(outcome.refused) == {policy("twin")}
    assert "identical values" in outcome.refused[policy("twin")]
    assert len(outcome.written) == 10


def test_a_row_that_changed_meanwhile_is_planned_again(own_ovn: Ovn, controllers: Make) -> None:
    """The plan was made from a row that says something else now."""
    controller = controllers(own_ovn.nb)
    fill(controller)
    own_ovn.nbctl("set", "logical_switch", "blue", "other_config:mcast_snoop=false")

    late = controller.want(subnet("blue"), switch("blue", mcast_querier="true"))

    assert late.again == {subnet("blue")}
    assert not late.unavailable
    assert controller.run([subnet("blue")]).is_ok
    assert controller.is_as_wanted


def test_drift_is_seen_and_undone(own_ovn: Ovn, controllers: Make) -> None:
    """Somebody with ovn-nbctl at hand edits our rows."""
    controller = controllers(own_ovn.nb)
    fill(controller)
    own_ovn.nbctl("lsp-set-addresses", "a.ns", "unknown")
    own_ovn.nbctl("lsp-del", "b.ns")
    own_ovn.nbctl("acl-del", "p.ns")
    own_ovn.nbctl("pg-set-ports", "p.ns", "a.ns")

    controller.until(lambda: not controller.mirror.all(Ref("Logical_Switch_Port", "b.ns")), "the port is gone")

    controller.until(lambda: not controller.everything().is_empty, "drift is seen")
    assert controller.run(controller.wanted.owners()).is_ok
    assert controller.is_as_wanted


def test_after_a_restart_of_the_server_the_mirror_is_right_and_writes_go_on(own_ovn: Ovn, controllers: Make) -> None:
    """Losing OVN loses nothing."""
    controller = controllers(own_ovn.nb).lock()
    fill(controller)
    own_ovn.stop_nb()
    controller.until(lambda: controller.connection.state == "connecting", "lost")

    lost = controller.want(pod("c"), port("c.ns", "blue"))
    own_ovn.start_nb()
    touched = controller.until(lambda: controller.connection.has_lock, "locked again")

    assert lost.again == {pod("c")}
    assert "not connected" in lost.unavailable
    assert touched.was_reset
    assert controller.run([pod("c")]).is_ok
    assert controller.is_as_wanted


def test_a_wiped_database_gets_all_rows_back(own_ovn: Ovn, controllers: Make) -> None:
    """The rows follow from the state of the cluster alone."""
    controller = controllers(own_ovn.nb).lock()
    fill(controller)
    before = text.mirror_rows(controller.mirror)
    own_ovn.wipe_nb()
    controller.until(lambda: controller.mirror.owned_rows == 0 and controller.connection.has_lock, "empty")

    assert controller.run(controller.wanted.owners()).is_ok

    assert text.mirror_rows(controller.mirror) == before
    assert controller.is_as_wanted


def test_who_lost_the_lock_writes_nothing_until_it_has_it_again(own_ovn: Ovn, controllers: Make) -> None:
    """Two replicas must not undo each other's work."""
    old = controllers(own_ovn.nb).lock()
    fill(old)
    rows = own_ovn.nbctl("list", "logical_switch")
    new = controllers(own_ovn.nb).lock()
    old.until(lambda: old.connection.state == "synced", "the old leader hears that its lock is gone")

    late = old.want(subnet("x"), switch("x"))

    assert "is somebody else's" in late.unavailable
    assert late.again == {subnet("x")}
    assert own_ovn.nbctl("list", "logical_switch") == rows
    new.connection.release_lock()
    old.lock()
    assert old.run([subnet("x")]).is_ok


def test_a_leader_that_slept_writes_nothing_when_it_wakes(own_ovn: Ovn, controllers: Make) -> None:
    """Frozen with a plan in its hands, it hasn't heard that it was replaced: the server has to know better."""
    old = controllers(own_ovn.nb).lock()
    fill(old)
    rows = own_ovn.nbctl("list", "logical_switch")
    asleep, awake = threading.Event(), threading.Event()

    def sleep(_: object) -> None:
        asleep.set()
        awake.wait(PATIENCE)

    old.connection._submit(Task(sleep))
    assert asleep.wait(PATIENCE)
    controllers(own_ovn.nb).lock()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(old.want, subnet("x"), switch("x"))
        while not old.connection._tasks:
            pass
        assert old.connection.has_lock  # so it believes
        awake.set()
        late = writing.result(PATIENCE)

    assert "not owner" in late.unavailable
    assert late.again == {subnet("x")}
    assert own_ovn.nbctl("list", "logical_switch") == rows


def test_a_server_that_hangs_costs_the_timeout_and_leaves_no_surprise(own_ovn: Ovn, controllers: Make) -> None:
    """A transaction without an answer may have been executed; it is seen before anything else is written."""
    controller = controllers(own_ovn.nb, timeout=0.5)
    fill(controller)
    server = own_ovn.servers[0].identity
    assert server is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        late = controller.want(pod("c"), port("c.ns", "blue"))
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert "didn't answer" in late.unavailable
    controller.until(lambda: controller.connection.state == "synced", "synced again")
    assert controller.run(controller.wanted.owners()).is_ok
    assert controller.is_as_wanted
    assert own_ovn.nbctl("lsp-list", "blue").count("c.ns") == 1


@pytest.fixture
def older_schema(tmp_path: Path) -> Path:
    """A northbound schema of OVN 22.03: no route tables, no tiers nor `pass` of ACLs, no ACL labels."""
    schema = json.loads((chosen().schemas / "ovn-nb.ovsschema").read_text())
    schema["tables"]["ACL"]["columns"].pop("tier", None)
    _, actions = schema["tables"]["ACL"]["columns"]["action"]["type"]["key"]["enum"]
    schema["tables"]["ACL"]["columns"]["action"]["type"]["key"]["enum"] = ["set", sorted({*actions} - {"pass"})]
    del schema["tables"]["ACL"]["columns"]["label"]
    del schema["tables"]["Logical_Router_Static_Route"]["columns"]["route_table"]
    path = tmp_path / "older.ovsschema"
    path.write_text(json.dumps(schema))
    return path


def test_an_older_ovn_gets_what_it_knows_and_the_rest_is_told(
    tmp_path: Path, older_schema: Path, controllers: Make
) -> None:
    """OVN 22.03 has neither route tables nor tiers; one tier for all is as good as none."""
    with Ovn(tmp_path / "ovn", nb_schema=older_schema) as ovn:
        controller = controllers(ovn.nb)
        columns = {"ip_prefix": "0.0.0.0/0", "nexthop": "10.0.0.1", "policy": "dst-ip", "route_table": "t"}
        route = Row(
            "Logical_Router_Static_Route",
            "r t dst-ip 0.0.0.0/0 10.0.0.1",
            columns,
            Parent("Logical_Router", "r", "static_routes"),
        )
        router = Row("Logical_Router", "r", {"name": "r"})
        plain = acl("p.ns", 1, tier=0)
        tiered = acl("p.ns", 2, tier=2)

        assert controller.want(subnet("r"), Intent(rows=(router, route))).is_ok
        assert controller.want(policy("p"), Intent(rows=(*group("p.ns").rows, plain, tiered))).is_ok

        found = controller.everything()
        assert found.is_empty
        assert {owner: len(problems) for owner, problems in found.problems.items()} == {subnet("r"): 1}
        assert "Logical_Router_Static_Route.route_table = 't'" in found.problems[subnet("r")][0].message
        assert sorted(ovn.nbctl("--bare", "--columns=priority", "list", "acl").split()) == ["1", "2"]


def test_what_should_pass_to_the_next_tier_is_dropped_where_there_are_no_tiers(
    tmp_path: Path, older_schema: Path, controllers: Make
) -> None:
    """Left out, it would let a later rule of the same policy decide, which may allow."""
    with Ovn(tmp_path / "ovn", nb_schema=older_schema) as ovn:
        controller = controllers(ovn.nb)
        passing, last = acl("p.ns", 1, tier=1, action="pass"), acl("p.ns", 2005, tier=3)

        assert controller.want(policy("p"), Intent(rows=(*group("p.ns").rows, passing, last))).is_ok

        found = controller.everything()
        assert found.is_empty
        assert ["tiers" in problem.message for problem in found.problems[policy("p")]] == [True, True]
        assert "drop" in ovn.nbctl("--bare", "--columns=action", "find", "acl", "priority=1")


def test_an_upgraded_schema_is_used_without_a_restart(tmp_path: Path, older_schema: Path, controllers: Make) -> None:
    """ovn-ctl converts the database in place while everybody is connected."""
    with Ovn(tmp_path / "ovn", nb_schema=older_schema) as ovn:
        controller = controllers(ovn.nb)
        controller.want(policy("p"), Intent(rows=(*group("p.ns").rows, acl("p.ns", 1, label=7))))
        assert controller.everything().problems

        client.output("ovsdb-client", "convert", ovn.nb, chosen().schemas / "ovn-nb.ovsschema")
        controller.until(lambda: "label" in controller.mirror.columns("ACL"), "the new column is known")
        controller.until(lambda: controller.connection.state == "synced", "synced")

        assert controller.run([policy("p")]).is_ok
        assert not controller.everything().problems
        # ovn-nbctl would ask the server's _Server database, which still has the old schema.
        assert "7" in client.output("ovsdb-client", "--no-headings", "dump", ovn.nb, "ACL", "label")


def test_options_of_everybody_are_merged(own_ovn: Ovn, controllers: Make) -> None:
    """northd keeps its own keys in NB_Global."""
    controller = controllers(own_ovn.nb)
    own_ovn.nbctl("set", "nb_global", ".", "options:theirs=1")
    controller.until(
        lambda: controller.mirror.value("NB_Global", controller.mirror.all(Ref("NB_Global", "."))[0], "options").get(
            "theirs"
        ),
        "their option is seen",
    )
    option = Member(Ref("NB_Global", "."), "options", ("use_ct_inv_match", "false"))

    controller.want(subnet("s"), Intent(members=(option,)))
    assert own_ovn.nbctl("get", "nb_global", ".", "options:use_ct_inv_match").strip() == '"false"'
    controller.want(subnet("s"), EMPTY)

    options = own_ovn.nbctl("get", "nb_global", ".", "options")
    assert "use_ct_inv_match" not in options
    assert "theirs" in options


def test_a_snapshot_file_says_what_the_server_says(own_ovn: Ovn, controllers: Make, tmp_path: Path) -> None:
    """`ovnloom plan --against nb-snapshot` needs no server."""
    controller = controllers(own_ovn.nb)
    fill(controller)
    controller.want(pod("a"), port("a.ns", "red", "p.ns", ip="10.0.0.9"))
    controller.want(pod("b"), EMPTY)
    backup = tmp_path / "nb.backup"
    backup.write_text(client.output("ovsdb-client", "backup", own_ovn.nb))
    (live,) = own_ovn.directory.glob("*nb.db")

    assert text.mirror_rows(load(backup)) == text.mirror_rows(load(live)) == text.mirror_rows(controller.mirror)


def test_one_port_costs_the_same_in_a_switch_with_9000(
    own_ovn: Ovn, controllers: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set that is copied for each change would make every Pod dearer than the one before. The times are printed."""
    own_ovn.stop_northd()
    controller = controllers(own_ovn.nb, timeout=60).lock()
    controller.want(subnet("blue"), switch("blue"))
    controller.want(policy("p"), group("p.ns", 1))
    costs: list[float] = []
    for start in range(0, 9000, 1500):
        owners = [pod(str(number)) for number in range(start, start + 1500)]
        for owner in owners:
            controller.wanted.replace(owner, port(f"{owner.key.name}.ns", "blue", "p.ns"))
        assert controller.run(owners).is_ok
        begun = process_time()
        for number in range(20):
            assert controller.want(pod(f"x{start}-{number}"), port(f"x{start}-{number}.ns", "blue", "p.ns")).is_ok
        costs.append((process_time() - begun) / 20)
    begun = monotonic()
    second = controllers(own_ovn.nb, timeout=60)

    assert second.mirror.owned_rows == 9000 + 6 * 20 + 3
    assert controller.everything().is_empty
    with capsys.disabled():
        shown = ", ".join(f"{cost * 1000:.2f}" for cost in costs)
        print(f"\nCPU ms a port from 1,500 to 9,000: {shown}", end="; ")  # noqa: T201  # a measurement
        print(f"9,000 ports received in {monotonic() - begun:.2f} s")  # noqa: T201


def test_a_remote_that_is_down_is_passed_over(own_ovn: Ovn, controllers: Make) -> None:
    """A cluster's list of remotes names servers that may be away."""
    controller = controllers(f"tcp:127.0.0.1:1,{own_ovn.nb_tcp()}")

    assert controller.want(subnet("blue"), switch("blue")).is_ok


def test_a_controller_that_starts_before_its_server_waits_for_it(own_ovn: Ovn) -> None:
    """Nobody promises an order of starting."""
    own_ovn.stop_nb()
    controller = Controller(own_ovn.nb)
    controller.connection.start()
    try:
        assert "not connected" in controller.want(subnet("blue"), switch("blue")).unavailable
        own_ovn.start_nb()
        controller.until(lambda: controller.connection.state == "synced", "synced")
        assert controller.run([subnet("blue")]).is_ok
    finally:
        controller.connection.stop()
