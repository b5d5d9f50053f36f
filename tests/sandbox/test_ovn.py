"""OVN alone, as the northbound tests use it."""

import os
from pathlib import Path

from sandbox import Ovn, client, places


def test_a_switch_reaches_the_southbound_database(ovn: Ovn) -> None:
    """The three servers are one OVN: what is written above comes out below."""
    ovn.nbctl("ls-add", "translated")
    ovn.sync()

    assert "translated" in ovn.sbctl("--columns=external_ids", "list", "Datapath_Binding")


def test_a_killed_northbound_database_keeps_its_rows(own_ovn: Ovn) -> None:
    """A restart of the database is a fault that tests of the controller make."""
    own_ovn.nbctl("ls-add", "kept")

    own_ovn.stop_nb()
    own_ovn.start_nb()

    assert "(kept)" in own_ovn.nbctl("ls-list")


def test_a_wiped_northbound_database_is_empty_and_takes_new_rows(own_ovn: Ovn) -> None:
    """After the loss of its disk a database is what ovn-ctl makes: empty but for its NB_Global row."""
    own_ovn.nbctl("ls-add", "lost")

    own_ovn.wipe_nb()

    assert own_ovn.nbctl("ls-list") == ""
    own_ovn.nbctl("ls-add", "new")
    own_ovn.sync()
    below = own_ovn.sbctl("--columns=external_ids", "list", "Datapath_Binding")
    assert "new" in below
    assert "lost" not in below


def test_a_tcp_address_survives_a_restart(own_ovn: Ovn) -> None:
    """A client that reconnects has only the address that it was given once."""
    address = own_ovn.nb_tcp()
    own_ovn.nbctl("ls-add", "far")

    own_ovn.stop_nb()
    own_ovn.start_nb()

    assert "(far)" in client.output("ovn-nbctl", f"--db={address}", "--timeout=10", "ls-list")


def test_a_path_that_is_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    """Temporary folders of tests are deep, and a unix socket's path has room for 107 bytes only."""
    deep = tmp_path / ("d" * 100)

    with Ovn(deep) as ovn:
        address = ovn.nb.removeprefix("unix:")
        assert len(os.fsencode(address)) <= places.LONGEST_SOCKET
        ovn.nbctl("ls-add", "deep")

    assert not Path(address).parent.exists()


def test_another_schema_makes_another_northbound_database(tmp_path: Path, older_schema: Path) -> None:
    """The controller has to work with databases that lack columns it knows."""
    with Ovn(tmp_path / "ovn", nb_schema=older_schema) as ovn:
        columns = client.output("ovsdb-client", "--format=csv", "list-columns", ovn.nb, "OVN_Northbound", "ACL")

    assert "priority" in columns
    assert "label" not in columns
