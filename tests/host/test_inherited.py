"""A host that moves over from an agent which wrote iptables rules."""

from __future__ import annotations

import subprocess

from ovnloom.host import inherited


def iptables(words: str) -> str:
    """What the nft variant of iptables prints."""
    return subprocess.run(["iptables-nft", *words.split()], check=True, capture_output=True, text=True).stdout


async def test_rules_of_the_earlier_agent_have_no_effect_and_others_stay(alone: str) -> None:
    """They masquerade by sets of Subnets as these were on the day of the move."""
    for words in (
        "-t nat -N OVN-POSTROUTING",
        "-t nat -A POSTROUTING -j OVN-POSTROUTING",
        "-t nat -A OVN-POSTROUTING -s 10.16.0.0/16 -j MASQUERADE",
        "-t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE",
        "-N OVN-MINE",
        "-A OVN-MINE -j ACCEPT",
    ):
        iptables(words)

    assert await inherited.empty_chains() == ("ip nat OVN-POSTROUTING",)

    said = iptables("-t nat -S")
    assert "10.16.0.0/16" not in said
    assert "-A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE" in said
    assert "-A OVN-MINE -j ACCEPT" in iptables("-S")


async def test_a_host_without_any_is_left_alone(alone: str) -> None:
    """Most hosts are new."""
    assert await inherited.empty_chains() == ()
