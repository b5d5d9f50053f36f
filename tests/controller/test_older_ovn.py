"""A controller that works on the OVN of the machine, on Debian 12 one from before ACLs had tiers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Ovn, client, release, until
from tests.controller.field import Place
from tests.controller.replica import Replica
from tests.controller.rows import Rows


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Ovn]:
    """The machine's own OVN, with empty databases."""
    with Ovn(tmp_path / "older", release=release.SYSTEM) as ovn:
        columns = client.output("ovsdb-client", "--format=csv", "list-columns", ovn.nb, "OVN_Northbound", "ACL")
        if "tier" in columns:
            pytest.skip("the OVN that is installed here has tiers of ACLs")
        yield ovn


def test_a_controller_works_on_an_ovn_without_tiers(place: Place, older: Ovn) -> None:
    """A user's OVN is often years old: a column that it lacks is left out, and the rest of the row is written."""
    field = place.field
    field.controller.stop()
    replica = Replica(field.sandbox, "controller-older", {"OVNLOOM_OVN_NB": older.nb}).begin()
    try:
        subnet = place.subnet(private=True)
        place.ready("Subnet", subnet)
        pod = place.pod("one", place.namespace(), {"ovn.kubernetes.io/logical_switch": subnet})
        space = place.made[-1][2]
        ip = place.allocated(pod, space)["ip_address"]

        until(
            lambda: Rows(older.nb, "Logical_Switch_Port").one("Logical_Switch_Port", name=f"{pod}.{space}"), "its port"
        )
        assert {row["action"] for row in Rows(older.nb, "ACL").of("ACL")} >= {"drop"}
        older.sync()
        assert ip in older.sbctl("--bare", "--columns=mac", "list", "Port_Binding")
        assert "refused" not in replica.log
    finally:
        place.clear()
        replica.stop()
