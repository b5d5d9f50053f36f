"""What packaging/docker gives to hosts, held against the settings and against systemd."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ovnloom.settings import DockerSettings
from tests.conftest import ROOT

FOLDER = ROOT / "packaging" / "docker"
KNOWN = {f"OVNLOOM_{name.upper()}" for name in DockerSettings.model_fields}


def test_every_variable_that_is_named_is_a_setting() -> None:
    """A variable that nobody reads looks as if it worked."""
    plugin = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    named = {each["name"] for each in plugin["env"]}
    named |= set(re.findall(r"^#?(OVNLOOM_\w+)=", (FOLDER / "docker.env").read_text(encoding="utf-8"), re.MULTILINE))

    assert named <= KNOWN
    defaults = {f"OVNLOOM_{name.upper()}": field.default for name, field in DockerSettings.model_fields.items()}
    assert all(each["value"] == str(defaults[each["name"]]) for each in plugin["env"])


def test_the_managed_plugin_serves_the_socket_that_dockerd_asks_on() -> None:
    """Docker joins the name in config.json to its own folder; the plugin has one path for both ways of starting it."""
    plugin = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))

    assert Path(DockerSettings.model_fields["docker_socket"].default).name == plugin["interface"]["socket"]
    assert plugin["interface"]["types"] == ["docker.networkdriver/1.0", "docker.ipamdriver/1.0"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd to ask")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """A misspelt word in a unit is ignored, and noticed when it would have been needed."""
    unit = tmp_path / "ovnloom-docker.service"
    text = (FOLDER / unit.name).read_text(encoding="utf-8")
    unit.write_text(text.replace("/usr/bin/ovnloom", "/bin/true"), encoding="utf-8")

    found = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)

    assert unit.name not in found.stderr, found.stderr
