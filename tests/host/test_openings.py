"""Hosts whose firewall lets nothing pass that it doesn't know."""

from __future__ import annotations

import subprocess

import pytest

from ovnloom.host import nft_kernel, openings

DROPPING = (
    "add table ip filter",
    "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }",
    "add rule ip filter FORWARD iifname eth0 accept",
)


def said_by(*command: str) -> str:
    """What a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def rules(chain: str) -> list[str]:
    """The rules of a chain, as nft shows them."""
    return [line.strip() for line in said_by("nft", "list", "chain", *chain.split()).splitlines()[3:-2]]


async def test_rules_come_first_and_once(alone: str) -> None:
    """Behind a drop they would have no effect, and each restart would add two more."""
    await nft_kernel.write(DROPPING)

    await openings.make("ovn0")
    await openings.make("ovn0")

    found = rules("ip filter FORWARD")
    assert len(found) == 3
    assert all("ovn0" in rule and rule.endswith('accept comment "ovnloom"') for rule in found[:2])


async def test_iptables_shows_them_as_its_own(alone: str) -> None:
    """An administrator looks with the tool that he knows; rules that it can't show hide the rest as well."""
    await nft_kernel.write(DROPPING)

    await openings.make("ovn0")

    assert "-A FORWARD -i ovn0 -m comment --comment ovnloom -j ACCEPT" in said_by("iptables-nft", "-S", "FORWARD")


@pytest.mark.parametrize(
    ("chain", "rule", "is_closed"),
    [
        ("hook input priority 0; policy drop;", "", True),
        ("hook forward priority 5;", "counter reject with icmpx admin-prohibited", True),
        ("hook forward priority 5;", "iifname eth0 drop", False),
        ("hook output priority 0; policy drop;", "", False),
        ("hook forward priority 0; policy accept;", "", False),
    ],
    ids=["input", "reject at the end", "drop of something", "output", "open"],
)
async def test_only_what_is_closed_is_opened(alone: str, chain: str, rule: str, is_closed: bool) -> None:
    """Rules of ours in tables of others are a liberty; none is taken that isn't needed."""
    await nft_kernel.write(("add table inet fw", f"add chain inet fw any {{ type filter {chain} }}"))
    if rule:
        await nft_kernel.write((f"add rule inet fw any {rule}",))

    await openings.make("ovn0")

    assert any("ovnloom" in each for each in rules("inet fw any")) == is_closed


async def test_nothing_of_ours_is_left_when_the_node_is_given_back(alone: str) -> None:
    """An uninstalled network must not leave holes in a firewall."""
    await nft_kernel.write(DROPPING)
    await openings.make("ovn0")

    await openings.unmake()

    assert rules("ip filter FORWARD") == ['iifname "eth0" accept']
