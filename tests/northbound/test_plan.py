"""The plan against a database in a dict."""

from collections.abc import Callable

from ovnloom.intent import EMPTY, Intent, Member, Parent, Problem, Ref, Row
from ovnloom.northbound import text
from ovnloom.northbound.change import Change
from ovnloom.northbound.edits import AddElement, Delete, Insert, RemoveElement, Update
from ovnloom.northbound.plan import plan
from tests.northbound.rows import acl, group, pod, policy, port, subnet, switch
from tests.northbound.simulation import Room

OURS = {"vendor": "kube-ovn"}


def test_rows_that_are_missing_come_and_then_nothing_is_left_to_do() -> None:
    """An unchanged world must give an empty plan, or the database is never at rest."""
    room = Room()
    room.want(subnet("blue"), switch("blue", mcast_snoop="true"))
    room.want(policy("p"), group("p.ns", 2000, 2001))

    first = room.want(pod("a"), port("a.ns", "blue", "p.ns"))

    assert [type(edit) for edit in first.operations] == [Insert, AddElement]
    assert room.everything().operations == ()
    assert text.rows(room.wanted) == text.mirror_rows(room.mirror)


def test_every_row_says_whose_it_is() -> None:
    """The owner and the vendor are how we, and kube-ovn's tools, find the rows again."""
    room = Room()
    room.want(subnet("blue"), switch("blue"))

    (row,) = room.database.rows["Logical_Switch"].values()
    assert row["external_ids"] == {"ovnloom.io/owner": "Subnet/blue", "vendor": "kube-ovn"}


def test_a_changed_column_is_an_update_that_says_what_differs() -> None:
    """Reasons are what a user reads in `ovnloom plan`."""
    room = Room()
    room.want(subnet("blue"), switch("blue"))
    room.want(pod("a"), port("a.ns", "blue"))

    changed = room.want(pod("a"), port("a.ns", "blue", ip="10.0.0.9"))

    (edit,) = changed.operations
    assert isinstance(edit, Update)
    assert edit.reason == "addresses differs: {00:00:00:00:00:01 10.0.0.2} → {00:00:00:00:00:01 10.0.0.9}"


def test_a_row_that_no_intent_names_goes() -> None:
    """Nothing is deleted by code: what is ours and not wanted goes in the plan."""
    room = Room()
    room.want(policy("p"), group("p.ns", 2000, 2001))

    shrunk = room.want(policy("p"), group("p.ns", 2001))

    (edit,) = shrunk.operations
    assert isinstance(edit, Delete)
    assert (edit.reason, edit.parents) == ("no intent names it", ((Ref("Port_Group", "p.ns"), "acls"),))
    assert len(room.database.rows["ACL"]) == 1


def test_children_go_with_their_parent_without_operations_of_their_own() -> None:
    """A Subnet with 9,000 ports goes by one operation; the plan still counts what goes along."""
    room = Room()
    room.want(policy("p"), group("p.ns", 2000, 2001))

    gone = room.want(policy("p"), EMPTY)

    (edit,) = gone.operations
    assert isinstance(edit, Delete)
    assert edit.table == "Port_Group"
    assert gone.deleted_rows == 3
    assert not room.database.rows["ACL"]


def test_a_port_whose_switch_changes_moves_without_being_deleted() -> None:
    """A port that is deleted and made again loses its tunnel key and cuts the Pod off for a moment."""
    room = Room()
    room.want(subnet("blue"), switch("blue"))
    room.want(subnet("red"), switch("red"))
    room.want(pod("a"), port("a.ns", "blue"))
    (before,) = room.database.rows["Logical_Switch_Port"]

    moved = room.want(pod("a"), port("a.ns", "red"))

    assert [type(edit) for edit in moved.operations] == [Update, RemoveElement, AddElement]
    (after,) = room.database.rows["Logical_Switch_Port"]
    assert before == after
    assert room.mirror.ref(*room.mirror.links(after)[0][:2]) == Ref("Logical_Switch", "red")
    assert room.everything().is_empty


def test_a_port_moves_out_of_a_switch_that_goes_in_the_same_plan() -> None:
    """Deletes come last, so what moved is no longer in what goes."""
    room = Room()
    room.want(subnet("blue"), switch("blue"))
    room.want(subnet("red"), switch("red"))
    room.want(pod("a"), port("a.ns", "blue"))
    room.wanted.replace(subnet("blue"), EMPTY)
    room.wanted.replace(pod("a"), port("a.ns", "red"))
    (before,) = room.database.rows["Logical_Switch_Port"]

    room.run([subnet("blue"), pod("a")])

    assert list(room.database.rows["Logical_Switch_Port"]) == [before]
    assert room.everything().is_empty


def test_a_row_waits_for_its_parent_and_the_rest_goes_on() -> None:
    """Objects are created in any order; what can be built is built."""
    room = Room()
    room.want(policy("p"), group("p.ns"))

    early = room.want(pod("a"), port("a.ns", "blue", "p.ns"))

    assert early.is_empty
    assert early.waiting == {
        Ref("Logical_Switch", "blue"): frozenset({pod("a")}),
        Ref("Logical_Switch_Port", "a.ns"): frozenset({pod("a")}),
    }
    room.want(subnet("blue"), switch("blue"))
    late = room.run([pod("a")])
    assert [type(edit) for edit in late.operations] == [Insert, AddElement]


def test_an_element_waits_for_its_target_and_the_port_comes() -> None:
    """A Pod is not held up by a port group that is not there yet."""
    room = Room()
    room.want(subnet("blue"), switch("blue"))

    first = room.want(pod("a"), port("a.ns", "blue", "p.ns"))

    assert [type(edit) for edit in first.operations] == [Insert]
    assert first.waiting == {Ref("Port_Group", "p.ns"): frozenset({pod("a")})}
    room.want(policy("p"), group("p.ns"))
    assert room.everything().is_empty


def test_parents_and_references_may_come_in_one_plan_whatever_the_order_of_owners() -> None:
    """A burst is one transaction, and a Pod sorts before its Subnet."""
    room = Room()
    dhcp = Row("DHCP_Options", "blue - IPv4", {"cidr": "10.0.0.0/24", "external_ids": {"ls": "blue"}})
    attached = port("a.ns", "blue", "p.ns")
    (row,) = attached.rows
    row = row._replace(columns={**row.columns, "dhcpv4_options": dhcp.ref})
    room.wanted.replace(pod("a"), Intent(rows=(row,), members=attached.members))
    room.wanted.replace(subnet("blue"), Intent(rows=(dhcp, *switch("blue").rows)))
    room.wanted.replace(policy("p"), group("p.ns"))

    room.run([pod("a"), policy("p"), subnet("blue")])

    assert room.everything().is_empty
    assert text.rows(room.wanted) == text.mirror_rows(room.mirror)


def test_a_foreign_row_with_our_name_is_left_alone_and_told() -> None:
    """Neutron or an administrator may have a switch by that name; it isn't ours to change."""
    room = Room()
    _, changes = room.database.insert("Logical_Switch", name="blue", external_ids={"neutron:network_name": "x"})
    room.mirror.apply(changes)

    found = room.want(subnet("blue"), switch("blue"))

    assert found.is_empty
    (problem,) = found.problems[subnet("blue")]
    assert problem.reason == "NameTaken"
    assert "somebody else's" in problem.message


def test_ports_are_never_put_into_a_foreign_switch_of_the_right_name() -> None:
    """Our Pods would otherwise appear in somebody else's network."""
    room = Room()
    _, changes = room.database.insert("Logical_Switch", name="blue")
    room.mirror.apply(changes)
    room.want(subnet("blue"), switch("blue"))

    found = room.want(pod("a"), port("a.ns", "blue"))

    assert found.is_empty
    assert found.waiting == {Ref("Logical_Switch", "blue"): frozenset({pod("a")})}


def test_a_row_that_kube_ovn_wrote_is_adopted() -> None:
    """A live cluster moves over without one port being made again."""
    room = Room()
    old, changes = room.database.insert("Logical_Switch", name="blue", external_ids=OURS)
    room.mirror.apply(changes)

    adopted = room.want(subnet("blue"), switch("blue"))

    (edit,) = adopted.operations
    assert isinstance(edit, Update)
    assert edit.reason == "adopted, it had no owner"
    assert list(room.database.rows["Logical_Switch"]) == [old]


def test_an_unmarked_child_is_adopted_in_a_row_of_ours() -> None:
    """Kube-ovn doesn't mark all its rows; a port of the wanted name in our switch can only be the one we want."""
    room = Room()
    old, changes = room.database.insert("Logical_Switch", name="blue", external_ids=OURS)
    room.mirror.apply(changes)
    lsp, changes = room.database.insert("Logical_Switch_Port", ("Logical_Switch", old, "ports"), name="a.ns")
    room.mirror.apply(changes)
    room.want(subnet("blue"), switch("blue"))

    room.want(pod("a"), port("a.ns", "blue"))

    assert list(room.database.rows["Logical_Switch_Port"]) == [lsp]
    assert room.everything().is_empty


def test_a_kept_column_keeps_what_an_adopted_row_had() -> None:
    """A router port's MAC address is drawn once: Pods have it in their ARP caches."""
    room = Room()
    router, changes = room.database.insert("Logical_Router", name="r", external_ids=OURS)
    room.mirror.apply(changes)
    _, changes = room.database.insert(
        "Logical_Router_Port", ("Logical_Router", router, "ports"), name="r-blue", mac="00:00:00:aa:aa:aa"
    )
    room.mirror.apply(changes)
    columns = {"name": "r-blue", "mac": "00:00:00:bb:bb:bb", "networks": frozenset({"10.0.0.1/24"})}
    row = Row("Logical_Router_Port", "r-blue", columns, Parent("Logical_Router", "r", "ports"), kept=("mac",))
    room.want(subnet("r"), Intent(rows=(Row("Logical_Router", "r", {"name": "r"}),)))

    room.want(subnet("blue"), Intent(rows=(row,)))

    (there,) = room.database.rows["Logical_Router_Port"].values()
    assert there["mac"] == "00:00:00:aa:aa:aa"
    assert there["external_ids"]["ovnloom.io/kept.mac"] == "00:00:00:aa:aa:aa"
    assert room.everything().is_empty


def test_a_kept_key_of_a_map_keeps_what_an_adopted_row_had() -> None:
    """DHCP's server_mac is one option among others that do change."""
    room = Room()
    options = {"server_mac": "00:00:00:aa:aa:aa", "lease_time": "60"}
    _, changes = room.database.insert(
        "DHCP_Options", cidr="10.0.0.0/24", options=options, external_ids={"ls": "blue", **OURS}
    )
    room.mirror.apply(changes)
    wanted = {"server_mac": "00:00:00:bb:bb:bb", "lease_time": "3600"}
    columns = {"cidr": "10.0.0.0/24", "options": wanted, "external_ids": {"ls": "blue"}}

    room.want(subnet("blue"), Intent(rows=(Row("DHCP_Options", "blue - IPv4", columns, kept=("options:server_mac",)),)))

    (there,) = room.database.rows["DHCP_Options"].values()
    assert there["options"] == {"server_mac": "00:00:00:aa:aa:aa", "lease_time": "3600"}
    assert room.everything().is_empty


def test_two_owners_of_one_row_are_told_apart_and_the_second_gets_it_when_the_first_goes() -> None:
    """Names collide (`a-b` and `a.b`); the row must not flap between two owners."""
    room = Room()
    room.want(policy("b"), group("same", 1000))
    first = room.want(policy("a"), group("same", 2000))

    assert {owner for owner, problems in first.problems.items() if problems} == {policy("b")}
    assert room.everything().is_empty

    room.want(policy("a"), EMPTY)

    assert room.everything().is_empty
    assert room.everything().problems == {}
    assert [row["priority"] for row in room.database.rows["ACL"].values()] == [1000]


def test_a_row_that_moves_to_another_owner_changes_its_owner_only() -> None:
    """Otherwise the row would be deleted for the one and made anew for the other."""
    room = Room()
    room.want(policy("a"), group("same"))
    room.wanted.replace(policy("a"), EMPTY)
    room.wanted.replace(policy("b"), group("same"))

    handed = room.run([policy("a"), policy("b")])

    (edit,) = handed.operations
    assert isinstance(edit, Update)
    assert edit.reason == "it was NetworkPolicy/ns/a's"
    assert set(edit.changes) == {"external_ids"}


def test_a_held_owner_keeps_its_rows_and_its_elements() -> None:
    """A mistake in an object must not open or cut what works."""
    room = Room()
    room.want(policy("p"), group("p.ns", 2000))
    room.want(subnet("blue"), switch("blue"))
    room.want(pod("a"), port("a.ns", "blue", "p.ns"))
    before = text.mirror_rows(room.mirror)

    room.want(policy("p"), Intent.held(Problem("Wrong", "x")))
    room.want(pod("a"), Intent.held(Problem("Wrong", "x")))

    assert room.everything().is_empty
    assert text.mirror_rows(room.mirror) == before


def test_after_a_restart_a_held_owner_keeps_what_nobody_knows_that_it_wanted() -> None:
    """Its last intent was lost with the process; the database is all that is left of it."""
    room = Room()
    room.want(policy("p"), group("p.ns", 2000))
    room.want(subnet("blue"), switch("blue"))
    room.want(pod("a"), port("a.ns", "blue", "p.ns"))
    again = Room()
    again.database, again.mirror = room.database, room.mirror
    again.wanted.replace(pod("a"), Intent.held(Problem("Wrong", "x")))
    again.wanted.replace(policy("p"), group("p.ns", 2000))
    again.wanted.replace(subnet("blue"), switch("blue"))
    assert again.everything().is_empty

    freed = again.want(pod("a"), port("a.ns", "blue"))

    assert [type(edit) for edit in freed.operations] == [RemoveElement]


def test_what_an_owner_no_longer_wants_leaves_others_sets() -> None:
    """The group's owner need not be planned for it: one Pod's change costs one mutate."""
    room = Room()
    room.want(policy("p"), group("p.ns"))
    room.want(subnet("blue"), switch("blue"))
    room.want(pod("a"), port("a.ns", "blue", "p.ns"))

    left = room.want(pod("a"), port("a.ns", "blue"))

    (edit,) = left.operations
    assert isinstance(edit, RemoveElement)
    assert edit.owner == pod("a")
    assert room.wanted.leaving(pod("a")) == {}.keys()


def test_elements_on_foreign_rows_come_and_go_and_others_stay() -> None:
    """NB_Global's options belong to everybody: ours are merged in, never more."""
    room = Room()
    nb, changes = room.database.insert("NB_Global", options={"mac_prefix": "0a:00"})
    room.mirror.apply(changes)
    option = Member(Ref("NB_Global", "."), "options", ("use_ct_inv_match", "false"))

    room.want(subnet("s"), Intent(members=(option,)))
    assert room.database.rows["NB_Global"][nb]["options"] == {"mac_prefix": "0a:00", "use_ct_inv_match": "false"}
    undone = room.see(room.database.edit("NB_Global", nb, options={"use_ct_inv_match": "true", "new": "x"}))
    assert [(type(edit), edit.element) for edit in undone.operations] == [  # type: ignore[union-attr]
        (RemoveElement, ("use_ct_inv_match", "true")),
        (AddElement, ("use_ct_inv_match", "false")),
    ]
    room.write(undone)
    room.want(subnet("s"), EMPTY)

    assert room.database.rows["NB_Global"][nb]["options"] == {"new": "x"}


def test_what_somebody_else_changes_on_our_rows_is_undone() -> None:
    """Drift is a diff like any other."""
    room = Room()
    room.want(policy("p"), group("p.ns", 2000))
    room.want(subnet("blue"), switch("blue"))
    room.want(pod("a"), port("a.ns", "blue", "p.ns"))
    before = text.mirror_rows(room.mirror)
    (lsp,) = room.database.rows["Logical_Switch_Port"]
    (pg,) = room.database.rows["Port_Group"]
    (rule,) = room.database.rows["ACL"]
    (ls,) = room.database.rows["Logical_Switch"]

    edits: list[Callable[[], list[Change]]] = [
        lambda: room.database.edit("Logical_Switch_Port", lsp, addresses={"unknown"}),
        lambda: room.database.edit("Port_Group", pg, ports=set()),
        lambda: room.database.edit("ACL", rule, action="allow"),
        lambda: room.database.edit("Logical_Switch", ls, other_config={"vlan-passthru": "true"}),
        lambda: room.database.delete("ACL", rule),
        lambda: room.database.delete("Logical_Switch_Port", lsp),
    ]
    for edit in edits:
        found = room.see(edit())
        assert not found.is_empty
        room.write(found)
        assert text.plan(room.everything()) == ""
        assert text.mirror_rows(room.mirror) == before


def test_a_switch_with_somebody_elses_port_is_not_deleted() -> None:
    """The foreign port would go with it."""
    room = Room()
    room.want(subnet("blue"), switch("blue"))
    (ls,) = room.database.rows["Logical_Switch"]
    _, changes = room.database.insert("Logical_Switch_Port", ("Logical_Switch", ls, "ports"), name="theirs")
    room.mirror.apply(changes)

    kept = room.want(subnet("blue"), EMPTY)

    assert kept.is_empty
    assert [problem.reason for problem in kept.problems[subnet("blue")]] == ["HoldsForeignPorts"]


def test_a_second_row_with_the_same_content_goes() -> None:
    """A controller that was killed between two writes may have left one."""
    room = Room()
    room.want(policy("p"), group("p.ns", 2000))
    (pg,) = room.database.rows["Port_Group"]
    (columns,) = room.database.rows["ACL"].values()
    _, changes = room.database.insert("ACL", ("Port_Group", pg, "acls"), **columns)
    room.mirror.apply(changes)

    room.run([policy("p")])

    assert len(room.database.rows["ACL"]) == 1
    assert room.everything().is_empty


def test_an_acl_that_changes_in_place_is_updated() -> None:
    """Its identity is what it matches; its action and its log may change."""
    room = Room()
    room.want(policy("p"), group("p.ns", 2000))

    changed = room.want(policy("p"), group("p.ns", 2000, action="allow-related"))

    (edit,) = changed.operations
    assert isinstance(edit, Update)
    assert edit.changes["action"] == ("drop", "allow-related")


def test_the_same_plan_comes_from_the_same_state() -> None:
    """Golden files and reviews need one order."""
    room = Room()
    room.wanted.replace(policy("p"), Intent(rows=(acl("q.ns", 1, "drop"), *group("p.ns", 3, 1, 2).rows)))
    room.wanted.replace(subnet("blue"), switch("blue"))

    owners = [policy("p"), subnet("blue")]

    assert text.plan(plan(owners, room.wanted, room.mirror)) == text.plan(plan(owners[::-1], room.wanted, room.mirror))
