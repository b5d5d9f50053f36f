"""The CRDs as a real API server serves them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovnloom.api.models import KINDS, Kind, Subnet
from ovnloom.api.models.crd import crd
from ovnloom.generate import ROOT, crds, stale
from sandbox import Sandbox

COLUMNS = {
    "subnet": "NAME PROVIDER VPC VLAN PROTOCOL CIDR PRIVATE NAT DEFAULT GATEWAYTYPE V4USED V4AVAILABLE V6USED "
    "V6AVAILABLE EXCLUDEIPS U2OINTERCONNECTIONIP",
    "vpc": "NAME ENABLEEXTERNAL ENABLEBFD STANDBY SUBNETS EXTRAEXTERNALSUBNETS NAMESPACES DEFAULTSUBNET AGE",
    "ip": "NAME V4IP V6IP MAC NODE SUBNET",
    "sg": "NAME AGE",
    "vip": "NAME NAMESPACE V4IP V6IP MAC SUBNET TYPE",
    "slr": "NAME VIP PORT(S) SERVICE AGE",
    "vpc-dns": "NAME ACTIVE VPC SUBNET COREFILE",
    "vlan": "NAME ID PROVIDER CONFLICT",
    "pn": "NAME DEFAULTINTERFACE READY",
    "ippool": "NAME SUBNET ENABLEADDRESSSET IPS V4USED V4AVAILABLE V6USED V6AVAILABLE",
}
SPECS: dict[str, dict[str, Any]] = {
    "subnet": {"cidrBlock": "10.95.0.0/16", "excludeIps": ["10.95.0.1", "10.95.0.9"]},
    "vpc": {"namespaces": ["ns1"]},
    "vlan": {"id": 10, "provider": "p"},
    "pn": {"defaultInterface": "eth1"},
    "ip": {"subnet": "s"},
    "ippool": {"subnet": "s", "ips": ["10.95.0.1"]},
    "sg": {"allowSameGroupTraffic": True},
    "vip": {"subnet": "s"},
    "slr": {"vip": "10.95.0.1", "namespace": "ns1"},
    "vpc-dns": {"vpc": "v", "subnet": "s"},
}


def manifest(kind: type[Kind], name: str, spec: dict[str, Any], group: str = "kubeovn.io") -> str:
    body = {"apiVersion": f"{group}/v1", "kind": kind.__name__, "metadata": {"name": name}, "spec": spec}
    return json.dumps(body)


def test_the_files_say_what_the_models_say() -> None:
    """A CRD edited by hand would be overwritten some day; a stale one refuses or drops what the code knows."""
    written = {path: (ROOT / path).read_text() for path, _ in crds()}

    assert written == dict(crds())


def test_a_missing_or_edited_file_is_stale(tmp_path: Path) -> None:
    """`make check` fails for it, and `make generate` writes exactly it."""
    for path, text in stale(tmp_path).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    edited = Path("crds/vpcs.kubeovn.io.yaml")
    (tmp_path / edited).write_text("by hand")

    assert list(stale(tmp_path)) == [edited]


def test_the_cluster_serves_every_kind(cluster: Sandbox) -> None:
    """An API server silently leaves out a definition that it finds wrong, and says so in a condition alone."""
    for kind in KINDS:
        name = f"{kind.names.plural}.kubeovn.io"
        conditions = json.loads(cluster.kubectl("get", "crd", name, "-o", "json"))["status"]["conditions"]

        assert {item["type"]: item["status"] for item in conditions} == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_kubectl_prints_the_columns_of_kube_ovn(cluster: Sandbox, kind: type[Kind]) -> None:
    """Scripts cut these tables by column; the short name is what people type."""
    short = kind.names.short[0]
    cluster.kubectl("create", "-f", "-", stdin=manifest(kind, "columns", SPECS[short]))
    try:
        printed = cluster.kubectl("get", short, "columns").splitlines()
    finally:
        cluster.kubectl("delete", short, "columns")

    assert printed[0].split() == COLUMNS[short].split()
    assert printed[1].split()[0] == "columns"


def test_counters_are_numbers_of_any_size(cluster: Sandbox) -> None:
    """An IPv6 /64 has more addresses than an int64 holds, and tools read a number, no string."""
    cluster.kubectl("create", "-f", "-", stdin=manifest(Subnet, "huge", {"cidrBlock": "fd00:96::/64"}))
    try:
        patch = '{"status": {"v6availableIPs": 18446744073709551613, "v6usingIPs": 1}}'
        cluster.kubectl("patch", "subnet", "huge", "--subresource=status", "--type=merge", "-p", patch)
        status = json.loads(cluster.kubectl("get", "subnet", "huge", "-o", "json"))["status"]
        table = cluster.kubectl("get", "subnet", "huge")
    finally:
        cluster.kubectl("delete", "subnet", "huge")

    assert status == {"v6availableIPs": pytest.approx(2**64), "v6usingIPs": 1}
    assert "1" in table.splitlines()[1].split()


def test_a_subnet_with_very_many_ranges_is_taken(cluster: Sandbox) -> None:
    """What the schema allows, the rules must be able to look at within the API server's budget."""
    ranges = [
        f"10.{60 + place // 250 // 250}.{place // 250 % 250}.1..10.60.255.{place % 250}" for place in range(15_000)
    ]
    ranges = [one if _ordered(one) else one.partition("..")[0] for one in ranges]
    spec = {"cidrBlock": "10.60.0.0/16", "excludeIps": ranges}

    cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=manifest(Subnet, "ranges", spec))


def _ordered(one: str) -> bool:
    first, last = (tuple(map(int, end.split("."))) for end in one.split(".."))
    return first <= last


def test_an_object_from_before_the_rules_can_still_be_worked_on(cluster: Sandbox) -> None:
    """Such objects exist in clusters that move over: their status, labels and finalizers must not be locked."""
    group = "older.example.com"
    rules = crd(Subnet)
    rules["metadata"]["name"] = f"subnets.{group}"
    rules["spec"]["group"] = group
    without = _without_rules(copy.deepcopy(rules))
    resource = f"subnets.{group}"
    broken = {"cidrBlock": "10.1.0.0/33", "gateway": "gw", "excludeIps": ["9..1"], "gatewayType": "odd"}
    cluster.kubectl("create", "-f", "-", stdin=yaml.safe_dump(without))
    try:
        cluster.kubectl("wait", "--for=condition=Established", "crd", resource)
        cluster.kubectl("create", "-f", "-", stdin=manifest(Subnet, "broken", broken, group))
        cluster.kubectl("replace", "-f", "-", stdin=yaml.safe_dump(rules))
        cluster.kubectl("wait", "--for=condition=Established", "crd", resource)

        cluster.kubectl("label", resource, "broken", "touched=yes")
        finalizer = '{"metadata": {"finalizers": ["kubeovn.io/kube-ovn-controller"]}}'
        cluster.kubectl("patch", resource, "broken", "--type=merge", "-p", finalizer)
        status = '{"status": {"v4usingIPs": 1}}'
        cluster.kubectl("patch", resource, "broken", "--subresource=status", "--type=merge", "-p", status)
        cluster.kubectl("patch", resource, "broken", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
        cluster.kubectl("delete", resource, "broken")
    finally:
        cluster.kubectl("delete", "crd", resource)


def _without_rules(schema: Any) -> Any:
    if isinstance(schema, dict):
        dropped = ("x-kubernetes-validations", "enum", "maxLength", "maxItems")
        return {name: _without_rules(found) for name, found in schema.items() if name not in dropped}
    if isinstance(schema, list):
        return [_without_rules(item) for item in schema]
    return schema
