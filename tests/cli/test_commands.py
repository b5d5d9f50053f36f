"""The command line around the plan: help, version, the controller's flags, and how fast it answers."""

import os
import subprocess
import sys

import pytest

from ovnloom import __version__
from ovnloom.cli import flags
from ovnloom.cli.wrong import Wrong
from ovnloom.settings import Settings
from tests.cli.conftest import Call


def test_help_costs_less_than_a_second() -> None:
    """Who looks up a flag doesn't wait for all that a controller needs. CPU time, for the machine may be busy."""
    before = os.times()

    subprocess.run([sys.executable, "-m", "ovnloom", "plan", "--help"], check=True, capture_output=True)

    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 1.0


def test_help_loads_nothing_that_a_command_needs() -> None:
    """What makes it fast, on any machine: heavy modules come with the command that uses them."""
    code = (
        "import sys; from ovnloom.cli import main; main.called(['plan', '--help']); "
        "heavy = ('aiohttp', 'kopf', 'ovs', 'pydantic_settings', 'kubernetes', 'yaml'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert said.stdout.splitlines()[-1] == "[]"


def test_the_version_is_printed(ovnloom: Call) -> None:
    """Bug reports begin with it."""
    said = ovnloom("version")

    assert (said.code, said.out) == (0, f"{__version__}\n")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("plan", "--help"), ("controller", "--help")])
def test_help_is_no_failure(arguments: tuple[str, ...], ovnloom: Call) -> None:
    """Scripts that ask for help, and people who type the name alone, get it with exit code 0."""
    said = ovnloom(*arguments)

    assert said.code == 0
    assert "Usage: " in said.out


@pytest.mark.parametrize("arguments", [("nope",), ("--nope",), ("controller", "--nope"), ("controller", "stray")])
def test_what_is_not_understood_is_told_with_code_1(arguments: tuple[str, ...], ovnloom: Call) -> None:
    """Code 2 means that a plan has changes."""
    said = ovnloom(*arguments)

    assert said.code == 1
    assert said.err.startswith("error: ")
    assert "Try --help." in said.err


def test_every_setting_is_a_flag_of_the_controller(ovnloom: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """One place describes a setting, and neither its flag nor its help can be forgotten."""
    monkeypatch.setenv("COLUMNS", "200")

    said = ovnloom("controller", "--help")

    assert [name for name in Settings.model_fields if f"{flags.flag(name)} " not in said.out] == []


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearer word counts, as everywhere."""
    monkeypatch.setenv("OVNLOOM_KUBE_WRITES", "7")
    monkeypatch.setenv("OVNLOOM_ENABLE_LB", "false")

    found = flags.settings({"kube_writes": "9"})

    assert (found.kube_writes, found.enable_lb) == (9, False)


def test_a_bad_value_of_a_flag_or_a_variable_is_named_as_it_was_given(
    ovnloom: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wrote a variable looks for a variable."""
    flag = ovnloom("controller", "--kube-writes", "many", "--max-delete-share", "3")
    monkeypatch.setenv("OVNLOOM_LOG_LEVEL", "LOUD")
    variable = ovnloom("controller")

    assert flag.code == variable.code == 1
    assert "error: --kube-writes is 'many'; " in flag.err
    assert "error: --max-delete-share is '3'; " in flag.err
    assert "error: OVNLOOM_LOG_LEVEL is 'LOUD'; " in variable.err


def test_a_controller_that_can_not_start_says_why_and_ends_with_1() -> None:
    """The flags reach the controller, and its answer is the exit code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OVNLOOM_")}
    command = [sys.executable, "-m", "ovnloom", "controller", "--kubeconfig", "/nowhere", "--log-form", "text"]

    said = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    assert said.returncode == 1
    assert "kubeconfig /nowhere can't be read" in said.stderr


def test_settings_complain_without_a_command_line() -> None:
    """The plan reads the same settings by the same function."""
    with pytest.raises(Wrong, match="--ovn-timeout is '0'; input should be greater than 0"):
        flags.settings({"ovn_timeout": "0"})
