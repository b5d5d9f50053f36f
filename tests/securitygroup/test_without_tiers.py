"""SecurityGroups on an OVN from before ACLs had tiers: what can't be said there closes, and never opens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Ovn, client, release
from tests.northbound.conftest import Controller
from tests.securitygroup.test_verdicts import ASKED, RICH
from tests.verdict.tracing import trace, write


def test_nothing_opens_that_tiers_would_keep_closed(tmp_path: Path, controllers: Callable[..., Controller]) -> None:
    """Groups of tier 1 would be asked first, and allow what nobody passed on to them."""
    found = RICH.compiled()
    with Ovn(tmp_path / "older", release=release.SYSTEM) as ovn:
        columns = client.output("ovsdb-client", "--format=csv", "list-columns", ovn.nb, "OVN_Northbound", "ACL")
        if "tier" in columns:
            pytest.skip("the OVN that is installed here has tiers of ACLs")
        write(ovn, controllers(ovn.nb).lock(), found.pipeline.wanted)

        denied = [question for question in found.questions(*ASKED) if not found.network.verdict(question).allowed]
        opened = [question for question in denied if trace(ovn, found.network, question).port]

    assert denied
    assert opened == []
