"""Objects that today's CRDs refuse, and that were stored under older ones: kube-ovn's have hardly any rules."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from sandbox import until
from tests.conftest import CRDS
from tests.controller.api import Body, Refusal, condition
from tests.controller.field import PREFIX, Field, Place
from tests.controller.replica import PATIENCE

RULES = frozenset(
    {"x-kubernetes-validations", "maxLength", "pattern", "enum", "minimum", "maximum", "maxItems", "minItems"}
)


def without_rules(schema: Any) -> Any:
    """The schema, taking anything that has the right types."""
    if isinstance(schema, dict):
        return {name: without_rules(part) for name, part in schema.items() if name not in RULES or is_field(part)}
    return [without_rules(part) for part in schema] if isinstance(schema, list) else schema


def is_field(part: Any) -> bool:
    """A field that has the name of a rule."""
    return isinstance(part, dict) and "type" in part


def install(field: Field, crds: list[Body]) -> None:
    field.sandbox.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "-f",
        "-",
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": crds}),
    )


def takes(field: Field, spec: Body) -> bool:
    """Whether the API server takes such a Subnet now; it isn't stored."""
    body = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": "probe"}, "spec": spec}
    try:
        field.api.dry_run(body)
    except Refusal:
        return False
    return True


@pytest.fixture
def lenient(field: Field) -> Iterator[Callable[[], None]]:
    """CRDs without rules, as an older release had them, until somebody calls what it gives."""
    strict = [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))]
    probe = {"cidrBlock": "nonsense"}
    field.controller.begin()
    install(field, [without_rules(crd) for crd in strict])
    until(lambda: takes(field, probe), "the rules to go", PATIENCE)

    def upgrade() -> None:
        install(field, strict)
        until(lambda: not takes(field, probe), "the rules to be back", PATIENCE)

    yield upgrade
    upgrade()


WRONG: list[Body] = [
    {"cidrBlock": "10.1.0.0/33"},
    {"cidrBlock": ""},
    {"cidrBlock": "10.0.0.0/8,11.0.0.0/8"},
    {"cidrBlock": "fd00::/64,fd01::/64"},
    {"cidrBlock": "127.0.0.0/16"},
    {"cidrBlock": "CIDR", "gateway": "1.2.3.4"},
    {"cidrBlock": "CIDR", "gateway": "router"},
    {"cidrBlock": "CIDR", "gateway": "NETWORK"},
    {"cidrBlock": "CIDR", "excludeIps": ["10.9.9.9..10.9.9.1"]},
    {"cidrBlock": "CIDR", "excludeIps": ["all of them"]},
    {"cidrBlock": "CIDR", "allowSubnets": ["friends"], "private": True},
    {"cidrBlock": "CIDR", "gatewayType": "magic"},
    {"cidrBlock": "CIDR", "mtu": -5},
    {"cidrBlock": "CIDR", "vips": ["1.1.1.1"]},
    {"cidrBlock": "CIDR", "acls": [{"direction": "up", "priority": 99999, "match": "", "action": "hope"}]},
    {
        "cidrBlock": "CIDR",
        "acls": [{"direction": "to-lport", "priority": 1, "match": "x" * 1_000_000, "action": "drop"}],
    },
    {"cidrBlock": "9" * 1_000_000},
    {"cidrBlock": "CIDR", "namespaceSelectors": [{"matchExpressions": [{"key": "a", "operator": "Sometimes"}]}]},
]


def test_older_subnets_that_make_no_sense_are_told_so_and_go_under_todays_rules(
    place: Place, lenient: Callable[[], None]
) -> None:
    """They were there before us; the controller must live with each, and their users must get rid of them."""
    space = place.namespace()
    place.field.settled()
    mine = place.name("")
    before = place.field.rows().lines(without=mine)
    names = []
    for index, spec in enumerate(WRONG):
        text = json.dumps(spec).replace('"CIDR"', f'"{place.cidr()}"').replace("NETWORK", place.address(0))
        names.append(place.subnet(f"wrong-{index}", vpc=place.name(f"none-{index}"), **json.loads(text)))

    for name, spec in zip(names, WRONG, strict=True):
        said = place.fails("Subnet", name)
        assert said, spec
        assert len(said) <= 1024, spec
    place.pod("right", space)
    place.allocated("right", space)
    place.field.settled()
    assert place.field.rows().lines(without=mine) == before

    lenient()
    for name in names:
        place.api.delete("Subnet", name)
    for name in names:
        place.gone("Subnet", name)


def test_older_vpcs_that_make_no_sense_are_told_so(place: Place, lenient: Callable[[], None]) -> None:
    """A held Vpc keeps its last good rows, and has none when it never was good."""
    wrong: list[Body] = [
        {"staticRoutes": [{"cidr": "everywhere", "nextHopIP": "10.0.0.1"}]},
        {"staticRoutes": [{"cidr": "10.0.0.0/8", "nextHopIP": "fd00::1"}]},
        {"staticRoutes": [{"cidr": "10.0.0.0/8", "nextHopIP": "10.0.0.1", "policy": "policyUp"}]},
        {"policyRoutes": [{"priority": 99999, "match": "ip4", "action": "drop"}]},
        {"policyRoutes": [{"priority": -1, "match": "ip4", "action": "drop"}]},
        {"policyRoutes": [{"priority": 1, "match": "ip4", "action": "teleport"}]},
        {"policyRoutes": [{"priority": 1, "match": "ip4", "action": "reroute", "nextHopIP": "there"}]},
        {"vpcPeerings": [{"remoteVpc": "", "localConnectIP": "x"}]},
    ]
    for index, spec in enumerate(wrong):
        name = place.vpc(f"wrong-{index}", **spec)

        assert place.fails("Vpc", name, type_="Validated"), spec
        assert name not in place.field.rows("Logical_Router").names("Logical_Router")


def test_older_pools_and_ips_that_make_no_sense_are_told_so(place: Place, lenient: Callable[[], None]) -> None:
    """As for Subnets; and a pool that never gave anything keeps nobody waiting silently."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("Subnet", subnet)
    for index, ips in enumerate((["10.x"], [f"{place.address(9)}..{place.address(5)}"], ["10.0.0.0/99"])):
        name = place.custom("IPPool", f"pool-{index}", subnet=subnet, ips=ips)
        assert "spec.ips" in place.fails("IPPool", name, type_="Validated")
    body = {"apiVersion": "kubeovn.io/v1", "kind": "IP", "metadata": {"name": f"one.{space}"}}
    spec = {"podName": "one", "namespace": space, "subnet": subnet, "v4IpAddress": "ten", "macAddress": "none"}
    place.create({**body, "spec": spec})

    assert "ten" in place.tells(f"one.{space}", "ReserveAddressFailed")
    place.pod("two", space, {PREFIX + "ip_pool": place.name("pool-0")})
    place.tells("two", "AcquireAddressFailed")
    place.pod("three", space)
    place.allocated("three", space)
    assert condition(place.api.the("Subnet", subnet), "Ready")["status"] == "True"
