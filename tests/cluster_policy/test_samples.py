"""The samples of the project that the cluster-wide policies come from, read and served."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovnloom.api.cluster_policy import ClusterPolicy
from ovnloom.api.meta import NO_META
from ovnloom.world.cluster_policy import KINDS
from ovnloom.world.tables import BY_KIND
from sandbox import Sandbox

HERE = Path(__file__).parent
CRDS = HERE / "crds"
NAMES = {kind.__name__ for kind in KINDS}
Body = dict[str, Any]


def samples() -> Iterator[Body]:
    """The policies of all files."""
    for path in sorted((HERE / "samples").glob("*.yaml")):
        for body in yaml.safe_load_all(path.read_text()):
            if body and body["kind"] in NAMES:
                yield body


def decode(body: Body) -> ClusterPolicy:
    found: ClusterPolicy = BY_KIND[body["apiVersion"], body["kind"]].decode(body)
    return found


@pytest.mark.parametrize("body", list(samples()), ids=lambda body: f"{body['kind']}-{body['metadata']['name']}")
def test_every_sample_is_understood_as_a_whole(body: Body) -> None:
    """What its own project shows is what users write first."""
    policy = decode(body)

    assert policy.malformed == ()
    for rules, written in ((policy.ingress, "ingress"), (policy.egress, "egress")):
        listed = body["spec"].get(written, [])
        assert [rule.name for rule in rules] == [rule.get("name", "") for rule in listed]
        assert [rule.action.replace("Allow", "Accept") for rule in rules] == [
            rule["action"].replace("Allow", "Accept") for rule in listed
        ]
        assert all(rule.peers for rule in rules)
        assert [len(rule.ports) for rule in rules] == [
            len(rule.get("ports", rule.get("protocols", []))) for rule in listed
        ]


@pytest.fixture
def served(cluster: Sandbox) -> Iterator[Sandbox]:
    """An API server that knows the kinds, with their own schemas."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    try:
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))
        yield cluster
    finally:
        cluster.kubectl("delete", "--wait=true", "-f", str(CRDS))


def test_what_a_real_api_server_serves_is_what_was_written(served: Sandbox) -> None:
    """Defaults and pruning of the schema must not change what a policy means to us, and our tables must find it."""
    for body in samples():
        table = BY_KIND[body["apiVersion"], body["kind"]]
        resource = f"{table.plural}.{table.version}.{table.group}"
        served.kubectl("create", "-f", "-", stdin=json.dumps(body))
        name = body["metadata"]["name"]
        found = json.loads(served.kubectl("get", resource, name, "-o", "json"))
        served.kubectl("delete", resource, name)

        assert found["apiVersion"] == table.api_version
        assert _without_meta(decode(found)) == _without_meta(decode(body))


def _without_meta(policy: ClusterPolicy) -> Any:
    return {name: getattr(policy, name) for name in type(policy).__dataclass_fields__ if name != "meta"} | {
        "meta": NO_META,
        "conditions": (),
        "status": {},
    }
