"""Kubeconfigs and service accounts, as they are found in the wild."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from ovnloom.api.meta import Key
from ovnloom.errors import Refused
from ovnloom.kube import access
from ovnloom.kube.client import Client
from sandbox import Sandbox
from tests.kube.conftest import NAMESPACES


def write(path: Path, user: Mapping[str, object], cluster: Mapping[str, object], *, current: str = "here") -> str:
    """A kubeconfig with one context."""
    content = {
        "current-context": current,
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(content))
    return str(path)


async def test_files_are_found_beside_the_kubeconfig_that_names_them(tmp_path: Path) -> None:
    """kubectl does; a controller that is started from another folder must find the same."""
    (tmp_path / "token").write_text("secret\n")
    path = write(tmp_path / "config", {"tokenFile": "token"}, {"server": "http://one.example:80/"})

    found = await access.load(path)

    assert await found.credentials.header() == "Bearer secret"
    assert found.server == "http://one.example:80"


async def test_of_several_files_the_first_that_says_a_thing_wins(tmp_path: Path) -> None:
    """So `KUBECONFIG=a:b` means what it means to kubectl."""
    first = write(tmp_path / "a", {"token": "first"}, {"server": "http://first.example"})
    second = write(tmp_path / "b", {"token": "second"}, {"server": "http://second.example"}, current="there")

    found = await access.load(f"{first}:{second}")

    assert (found.server, await found.credentials.header()) == ("http://first.example", "Bearer first")


async def test_a_token_that_the_kubelet_replaced_is_used_within_a_minute(tmp_path: Path) -> None:
    """Tokens of service accounts live for an hour."""
    file = tmp_path / "token"
    file.write_text("old")
    token = access.TokenFile(file)
    assert await token.header() == "Bearer old"

    file.write_text("new")
    token.forget()
    renewed = await token.header()
    file.unlink()
    token.forget()

    assert renewed == "Bearer new"
    assert await token.header() == "Bearer new"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty or not a mapping"),
        ("{", "is not YAML"),
        ("clusters: []", "has no current-context"),
        ("current-context: nowhere", r"no entry 'nowhere' in contexts \(there: none\)"),
    ],
)
async def test_a_broken_kubeconfig_says_what_is_wrong(tmp_path: Path, content: str, words: str) -> None:
    """It is the first thing that a new user gets wrong."""
    path = tmp_path / "config"
    path.write_text(content)

    with pytest.raises(Refused, match=words):
        await access.load(str(path))


async def test_a_certificate_that_cannot_be_read_names_its_kubeconfig(tmp_path: Path) -> None:
    """`[SSL] PEM lib` alone sends people to the wrong place."""
    path = write(tmp_path / "config", {}, {"server": "https://one.example", "certificate-authority-data": "bm9wZQ=="})

    with pytest.raises(Refused, match=str(tmp_path)):
        await access.load(path)


async def test_a_credential_plugin_lets_us_in(cluster: Sandbox, tmp_path: Path) -> None:
    """Managed clouds give out kubeconfigs that run a program for the token."""
    cluster.kubectl("create", "serviceaccount", "plugged", "-n", "default")
    cluster.kubectl("create", "clusterrolebinding", "plugged", "--clusterrole=view", "--serviceaccount=default:plugged")
    token = cluster.kubectl("create", "token", "plugged", "-n", "default").strip()
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print({json.dumps(json.dumps(answer))})"],
        "interactiveMode": "Never",
    }
    own = yaml.safe_load(await asyncio.to_thread(cluster.kubeconfig.read_text))
    path = write(tmp_path / "config", {"exec": plugin}, own["clusters"][0]["cluster"])

    async with await Client.open(path) as client:
        assert (await client.get(NAMESPACES, Key("default")))["metadata"]["name"] == "default"


async def test_a_service_account_lets_us_in(cluster: Sandbox, tmp_path: Path) -> None:
    """The way of every controller in a Pod: a token, a CA file and two variables."""
    cluster.kubectl("create", "serviceaccount", "inside", "-n", "default")
    cluster.kubectl("create", "clusterrolebinding", "inside", "--clusterrole=view", "--serviceaccount=default:inside")
    (tmp_path / "token").write_text(cluster.kubectl("create", "token", "inside", "-n", "default"))
    own = yaml.safe_load(await asyncio.to_thread(cluster.kubeconfig.read_text))["clusters"][0]["cluster"]
    (tmp_path / "ca.crt").write_bytes(access.decoded(own["certificate-authority-data"]))
    host, _, port = own["server"].removeprefix("https://").rpartition(":")

    found = access.from_service_account({"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}, tmp_path)

    async with Client(found) as client:
        assert (await client.get(NAMESPACES, Key("default")))["metadata"]["name"] == "default"
