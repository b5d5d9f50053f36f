"""The mirror and its indexes, fed with changes."""

from ovnloom.intent import Owner, Ref
from ovnloom.northbound.change import Change
from ovnloom.northbound.mirror import Mirror
from tests.northbound.rows import group, pod, policy, port, subnet, switch
from tests.northbound.simulation import Room


def room() -> Room:
    found = Room()
    found.want(subnet("blue"), switch("blue"))
    found.want(policy("p"), group("p.ns", 1))
    found.want(pod("a"), port("a.ns", "blue", "p.ns"))
    return found


def only(found: Room, table: str) -> str:
    (uuid,) = found.database.rows[table]
    return uuid


def test_a_row_that_changes_touches_its_owner_alone() -> None:
    """Who isn't touched isn't planned."""
    found = room()

    touched = found.mirror.apply(found.database.edit("ACL", only(found, "ACL"), action="allow"))

    assert touched.owners == {policy("p")}
    assert not touched.elements


def test_an_element_that_goes_touches_no_owner_of_its_set() -> None:
    """A group of 9,000 ports isn't compared because one of them went."""
    found = room()

    touched = found.mirror.apply(found.database.edit("Port_Group", only(found, "Port_Group"), ports=set()))

    assert touched.owners == set()
    assert touched.elements == {
        (Ref("Port_Group", "p.ns"), "ports"): {Ref("Logical_Switch_Port", "a.ns")},
    }


def test_an_element_is_named_even_when_its_row_went_with_it() -> None:
    """The group must get the port back when the port is back, and knows it only by its name then."""
    found = room()

    touched = found.mirror.apply(found.database.delete("Logical_Switch_Port", only(found, "Logical_Switch_Port")))

    assert touched.owners == {pod("a")}
    assert touched.elements[Ref("Port_Group", "p.ns"), "ports"] == {Ref("Logical_Switch_Port", "a.ns")}


def test_a_row_that_appears_is_told_for_those_who_wait() -> None:
    """A Pod waits for its switch."""
    found = room()

    _, changes = found.database.insert("Logical_Switch", name="red")

    assert found.mirror.apply(changes).appeared == {Ref("Logical_Switch", "red")}


def test_a_child_is_known_by_its_parent_whatever_comes_first() -> None:
    """In a dump the ACL may stand before the group that it belongs to."""
    acl = Change("insert", "ACL", "u1", {"direction": "to-lport", "priority": 1, "match": "ip", "action": "drop"})
    parent = Change("insert", "Port_Group", "u2", {"name": "g", "acls": {"u1"}})
    for changes in ([acl, parent], [parent, acl]):
        mirror = Mirror()
        copied = [change._replace(columns={**change.columns}) for change in changes]
        mirror.apply(copied)
        assert mirror.name("ACL", "u1") == "Port_Group:g to-lport 1 0 ip"


def test_children_have_another_identity_when_their_parent_is_renamed() -> None:
    """Somebody renames a group; the ACLs in it are no longer those that we want in ours."""
    found = room()

    found.mirror.apply(found.database.edit("Port_Group", only(found, "Port_Group"), name="q.ns"))

    name = found.mirror.name("ACL", only(found, "ACL"))
    assert name is not None
    assert name.startswith("Port_Group:q.ns ")
    assert found.mirror.find(Ref("ACL", name)) == only(found, "ACL")


def test_of_two_rows_with_one_name_ours_comes_first() -> None:
    """OVN allows two switches with the same name; an administrator's must not hide ours."""
    found = room()
    ours = only(found, "Logical_Switch")
    for _ in range(3):
        _, changes = found.database.insert("Logical_Switch", name="blue")
        found.mirror.apply(changes)

    assert found.mirror.find(Ref("Logical_Switch", "blue")) == ours
    assert len(found.mirror.all(Ref("Logical_Switch", "blue"))) == 4
    assert found.everything().is_empty


def test_a_reset_touches_everybody_and_leaves_nothing() -> None:
    """After a reconnection what follows is the whole database."""
    found = room()

    touched = found.mirror.apply([Change("reset")])

    assert touched.was_reset
    assert touched.owners == {subnet("blue"), policy("p"), pod("a")}
    assert found.mirror.owned_rows == 0
    assert not list(found.mirror.places())


def test_nothing_is_kept_of_rows_that_are_gone() -> None:
    """A mirror that leaks would grow with every Pod that ever was."""
    found = room()
    for table in ("Logical_Switch", "Port_Group"):
        found.mirror.apply(found.database.delete(table, only(found, table)))

    assert not list(found.mirror.places())
    assert not list(found.mirror.owners())
    for index in (found.mirror._names, found.mirror._owned, found.mirror._links):
        assert not any(part for part in vars(index).values() if not isinstance(part, dict) or any(part.values()))
    assert not found.mirror._given


def test_an_owner_that_no_text_can_be_read_as_is_nobody() -> None:
    """Somebody may write anything into external_ids."""
    mirror = Mirror()
    ids = {"ovnloom.io/owner": "what/is/this/now"}

    mirror.apply([Change("insert", "Logical_Switch", "u", {"name": "x", "external_ids": ids})])

    assert mirror.owner("Logical_Switch", "u") is None
    assert list(mirror.owners()) == []
    assert Owner.parse("what/is/this/now") is None
