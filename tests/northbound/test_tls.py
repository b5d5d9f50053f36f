"""A northbound database that listens with TLS, as it does in a cluster."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ovnloom.northbound.connection import use_certificates
from sandbox import client, ports
from sandbox.certificates import Authority
from sandbox.release import chosen
from tests.northbound.conftest import Controller
from tests.northbound.rows import subnet, switch


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The `ssl:` remote of a server that asks its clients for a certificate."""
    authority = Authority.create("test")
    authority.write(tmp_path, "ca")
    authority.issue(tmp_path, "server", "nb", hosts=["127.0.0.1"])
    authority.issue(tmp_path, "client", "ovnloom")
    client.output("ovsdb-tool", "create", tmp_path / "nb.db", chosen().schemas / "ovn-nb.ovsschema")
    number = ports.free()
    command = [
        "ovsdb-server",
        "-vconsole:warn",
        "-vsyslog:off",
        f"--remote=pssl:{number}:127.0.0.1",
        f"--private-key={tmp_path / 'server.key'}",
        f"--certificate={tmp_path / 'server.crt'}",
        f"--ca-cert={tmp_path / 'ca.crt'}",
        f"--unixctl={tmp_path / 'ctl'}",
        str(tmp_path / "nb.db"),
    ]
    with subprocess.Popen(command, env=client.surroundings({})) as server:
        yield f"ssl:127.0.0.1:{number}"
        server.kill()


def test_a_server_is_reached_by_tls(address: str, tmp_path: Path, controllers: Callable[..., Controller]) -> None:
    """Both sides show a certificate of the same authority."""
    use_certificates(str(tmp_path / "client.key"), str(tmp_path / "client.crt"), str(tmp_path / "ca.crt"))
    controller = controllers(address)

    assert controller.want(subnet("blue"), switch("blue")).is_ok
    assert controller.is_as_wanted
