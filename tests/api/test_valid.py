"""What is valid in kube-ovn is valid here: real manifests of every field, put before a real API server."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovnloom.api.models import KINDS
from ovnloom.api.models.check import complaints
from ovnloom.api.models.crd import crd
from sandbox import Sandbox

FILES = sorted((Path(__file__).parent / "valid").glob("*.yaml"))


def manifests() -> list[dict[str, Any]]:
    return [manifest for file in FILES for manifest in yaml.safe_load_all(file.read_text())]


def name_of(manifest: dict[str, Any]) -> str:
    return str(manifest["metadata"]["name"])


def paths(schema: dict[str, Any], at: str = "") -> set[str]:
    """The fields of a schema that hold no further fields."""
    if "properties" in schema:
        return set().union(*(paths(found, f"{at}.{name}") for name, found in schema["properties"].items()))
    if schema.get("type") == "array" and "properties" in schema["items"]:
        return paths(schema["items"], at)
    return {at}


def used(value: Any, at: str = "") -> set[str]:
    """The fields of a manifest, down to every depth."""
    if isinstance(value, dict):
        return {at}.union(*(used(found, f"{at}.{name}") for name, found in value.items()))
    if isinstance(value, list):
        return {at}.union(*(used(found, at) for found in value))
    return {at}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_manifest_of_kube_ovn_is_taken_and_kept_whole(cluster: Sandbox, file: Path) -> None:
    """Users keep their files. Strict validation refuses unknown fields, so each field of the file is in the schema."""
    wanted = list(yaml.safe_load_all(file.read_text()))

    taken = cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-o", "yaml", "-f", str(file))

    for before, after in zip(wanted, yaml.safe_load_all(taken), strict=True):
        assert after.get("spec") == before.get("spec")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_manifests_together_use_every_field(kind: type) -> None:
    """A field that no manifest uses is a field whose schema was never tried."""
    schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    known = {path for part in ("spec", "status") if part in schema for path in paths(schema[part], f".{part}")}
    seen = set().union(*(used(manifest) for manifest in manifests() if manifest["kind"] == kind.__name__))

    assert known - seen == set()


@pytest.mark.parametrize("manifest", manifests(), ids=name_of)
def test_a_valid_manifest_gets_no_complaint_offline(manifest: dict[str, Any]) -> None:
    """`ovnloom plan -f` must not refuse what the API server takes."""
    assert complaints(manifest) == ()


def test_fields_that_nobody_knows_are_dropped_and_not_refused(cluster: Sandbox) -> None:
    """A manifest for a newer kube-ovn still creates its Subnet, as it does there."""
    body = {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"name": "newer"},
        "spec": {"cidrBlock": "10.80.0.0/16", "fieldOfTomorrow": {"a": 1}},
    }

    taken = cluster.kubectl(
        "create", "--dry-run=server", "--validate=ignore", "-o", "json", "-f", "-", stdin=json.dumps(body)
    )

    assert json.loads(taken)["spec"] == {"cidrBlock": "10.80.0.0/16"}
