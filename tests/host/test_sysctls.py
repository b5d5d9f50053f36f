"""Kernel settings that have to have at least some value."""

from pathlib import Path

import pytest

from ovnloom.host import sysctls


def write(name: str, value: int) -> None:
    """Somebody has set it, in the test's namespace."""
    Path("/proc/sys", name.replace(".", "/")).write_text(str(value))


def test_a_setting_is_raised_and_never_lowered(alone: str) -> None:
    """An administrator who tuned a host upwards knows why."""
    write("net.ipv4.ip_forward", 0)
    write("net.ipv4.tcp_fin_timeout", 90)
    least = {"net.ipv4.ip_forward": 1, "net.ipv4.tcp_fin_timeout": 30, "net.nothing.of.this": 1}
    assert sysctls.below(least) == ("net.ipv4.ip_forward",)

    assert sysctls.raise_to(least) == ()

    assert sysctls.below(least) == ()
    assert Path("/proc/sys/net/ipv4/tcp_fin_timeout").read_text().strip() == "90"


def test_what_can_not_be_written_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container /proc/sys may be read-only; then somebody else has to do it, and has to know."""
    least = {"net.ipv4.ip_forward": 1}
    monkeypatch.setattr(sysctls, "ROOT", Path("/sys/kernel"))
    name = "uevent_seqnum"  # a number that not even root may write

    assert sysctls.raise_to({name: 2**62}) == (name,)
    assert sysctls.words(["net.ipv4.ip_forward"], least) == "sysctl net.ipv4.ip_forward=1"
