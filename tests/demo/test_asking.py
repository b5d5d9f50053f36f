"""What the demo makes of two answers to one question."""

import pytest

from demo.asking import Asked, check
from demo.page import fold
from demo.questions import Question
from demo.samples import Port
from demo.trace import Traced
from demo.verdicts import Answer
from sandbox import SandboxError

SOURCE = Port("web", "shop", ("10.10.0.10",), "0a:00:00:00:00:01", "shop", "ovn-cluster")
TARGET = Port("safe", "vault", ("10.30.0.2",), "0a:00:00:00:00:02", "vault", "ovn-cluster")


def asked(*, arrives: bool, packet: bool, verdict: bool) -> Asked:
    """A question, what its packet did and what the rows say."""
    outputs = (TARGET.name,) if packet else ()
    return Asked(
        Question(("shop", "web"), ("vault", "safe"), arrives, "It proves something."),
        (SOURCE.end, TARGET.end, "80/tcp"),
        "10.10.0.10 to 10.30.0.2:80",
        Traced(SOURCE, TARGET, outputs, "", ""),
        Answer(verdict, "allow-related by Subnet/vault"),
    )


@pytest.mark.parametrize("yes", [True, False])
def test_a_verdict_that_says_what_the_packet_did_is_well(yes: bool) -> None:
    """A packet that is meant to be dropped is no failure."""
    check([asked(arrives=yes, packet=yes, verdict=yes)])


@pytest.mark.parametrize("yes", [True, False])
def test_a_verdict_that_contradicts_the_packet_ends_the_demo_with_an_error(yes: bool) -> None:
    """A wrong verdict is worse than none, so nobody should have to find it by reading."""
    with pytest.raises(SandboxError, match="1 of 2 verdicts contradict the packet"):
        check([asked(arrives=True, packet=True, verdict=True), asked(arrives=yes, packet=yes, verdict=not yes)])


@pytest.mark.parametrize("yes", [True, False])
def test_a_packet_that_goes_another_way_ends_the_demo_with_an_error_though_the_verdict_agrees(yes: bool) -> None:
    """Rows can be wrong in a way that both answers follow."""
    with pytest.raises(SandboxError, match="1 of 1 packets went another way"):
        check([asked(arrives=yes, packet=not yes, verdict=not yes)])


def test_a_folded_line_goes_on_below_its_text() -> None:
    """What is beside a name is found there, and two steps of a verdict don't look like three."""
    assert fold("    ovn-trace  one two three", 22) == "    ovn-trace  one two\n               three"
    assert fold("    shop: dropped by a policy", 22) == "    shop: dropped by a\n      policy"
