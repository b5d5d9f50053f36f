"""A burst of Services and NetworkPolicies, some of them wrong, on a real API server and a real northbound database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ovnloom.cli import plan
from ovnloom.northbound import text
from ovnloom.settings import Settings
from sandbox import until
from tests.controller.api import Body
from tests.controller.field import Place
from tests.controller.replica import PATIENCE

SPACES = 10
PODS = 4
"""Of each namespace; the policies of all namespaces are about them."""
SERVICES, POLICIES = 100, 50
"""Of each namespace: 1,000 and 500."""
ENDPOINTS = 10
LONG = 3 * PATIENCE
WRONG = "wrong"
"""How the names of those begin that have a mistake that the API server doesn't see."""


def test_a_burst_of_services_and_policies_is_served_and_goes_without_a_trace(place: Place) -> None:
    """A cluster is restored in one go, with mistakes in it; and what its users delete needs nobody's approval."""
    field, api = place.field, place.api
    spaces = [place.namespace(f"space-{at}", team=f"t{at}") for at in range(SPACES)]
    net = place.subnet(namespaces=spaces)
    place.ready("Subnet", net)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(place.create, (pod(space, at) for space in spaces for at in range(PODS))))
    for space in spaces:
        for at in range(PODS):
            place.allocated(f"pod-{at}", space)
    field.settled()
    before = field.rows().lines(ours_only=True)
    stops = field.controller.metric("ovnloom_budget_stops_total")
    found = [*services(spaces), *policies(spaces)]
    # In turns, so that both kinds come at the same time; slices come before or after their Services.
    found.sort(key=lambda body: hash_of(body))

    api.create_all(found)

    groups = {
        f"{body['metadata']['name'].replace('-', '.')}.{body['metadata']['namespace'].replace('-', '.')}"
        for body in found
        if body["kind"] == "NetworkPolicy"
    }
    balancers = {
        f"{body['metadata']['namespace']}/{body['metadata']['name']}/tcp"
        for body in found
        if body["kind"] == "Service" and not body["metadata"]["name"].startswith(WRONG)
    }
    until(lambda: groups <= field.rows("Port_Group").names("Port_Group"), "all groups of policies", LONG)
    until(lambda: balancers <= field.rows("Load_Balancer").names("Load_Balancer"), "all load balancers", LONG)
    field.settled(LONG)
    assert_as_wanted(place)
    assert field.controller.metric("ovnloom_compile_failures_total") == 0
    rows = field.rows("Load_Balancer", "Port_Group", "ACL")
    for row in rows.of("Load_Balancer"):
        if row.name in balancers:
            assert [len(backends.split(",")) for backends in row["vips"].values()] == [ENDPOINTS], row.name
    for name in groups:
        row = rows.one("Port_Group", name=name)
        assert row is not None, name
        assert row["acls"], name
        assert row["ports"], name
    assert "'nonsense'" in place.tells(f"{WRONG}-enforcement", "UnknownEnforcement")
    assert "no-such-port" in place.tells(f"{WRONG}-port", "NamedPortUnknown")
    assert "no-such-vpc" in place.tells(f"{WRONG}-vpc", "VpcMissing")

    for kind in ("Service", "EndpointSlice", "NetworkPolicy"):
        for space in spaces:
            api.delete_all(kind, (body["metadata"]["name"] for body in found if is_in(body, kind, space)), space)

    until(lambda: not balancers & field.rows("Load_Balancer").names("Load_Balancer"), "load balancers to go", LONG)
    until(lambda: not groups & field.rows("Port_Group").names("Port_Group"), "groups of policies to go", LONG)
    field.settled(LONG)
    assert field.rows().lines(ours_only=True) == before
    assert field.controller.metric("ovnloom_budget_stops_total") == stops
    assert field.controller.metric("ovnloom_budget_waiting_rows") == 0
    assert field.controller.metric("ovnloom_compile_failures_total") == 0
    assert_as_wanted(place)


def assert_as_wanted(place: Place) -> None:
    """A pipeline over the objects that the API server has, started anew, has nothing to write."""
    sandbox = place.field.sandbox
    settings = Settings(ovn_nb=sandbox.nb, kubeconfig=str(sandbox.kubeconfig))
    found = plan.make((), "cluster", settings, recursive=False, namespace="default", is_deletion=False)
    assert text.plan(found.step.plan) == ""
    assert not found.step.choices


def hash_of(body: Body) -> int:
    """An order without order, the same in each run."""
    meta = body["metadata"]
    return (
        sum(ord(letter) * 31**at for at, letter in enumerate(f"{body['kind']}{meta['namespace'][-2:]}{meta['name']}"))
        % 1009
    )


def is_in(body: Body, kind: str, space: str) -> bool:
    return bool(body["kind"] == kind and body["metadata"]["namespace"] == space)


def pod(space: str, at: int) -> Body:
    container = {
        "name": "main",
        "image": "registry.example/none",
        "ports": [{"name": "http", "containerPort": 8080 + at % 2}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{at}", "namespace": space, "labels": {"app": f"app-{at}"}},
        "spec": {"nodeName": "worker-1", "containers": [container]},
    }


def services(spaces: list[str]) -> Iterator[Body]:
    for number, space in enumerate(spaces):
        for at in range(SERVICES):
            yield service(space, f"service-{at}")
            yield endpoints(space, f"service-{at}", number)
    yield service(spaces[0], f"{WRONG}-vpc", {"ovn.kubernetes.io/vpc": "no-such-vpc"})


def service(space: str, name: str, annotations: dict[str, str] | None = None) -> Body:
    """Without a selector, so nobody but the test writes its endpoints."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": space, "annotations": annotations or {}},
        "spec": {"ports": [{"name": "http", "port": 80}]},
    }


def endpoints(space: str, service: str, number: int) -> Body:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "namespace": space, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [f"10.99.{number}.{at + 1}"], "conditions": {"ready": True}} for at in range(ENDPOINTS)
        ],
    }


def policies(spaces: list[str]) -> Iterator[Body]:
    """Of several forms; that of the first of each is about a namespace that other policies are about as well."""
    there = {"namespaceSelector": {"matchLabels": {"team": "t1"}}, "podSelector": {"matchLabels": {"app": "app-2"}}}
    forms: list[dict[str, Any]] = [
        {"policyTypes": ["Ingress"]},
        {
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [there], "ports": [{"port": 80}, {"port": 9000, "endPort": 9100}]}],
        },
        {"policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": "http"}]}]},
        {
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.8/29"]}}]}],
        },
        {"policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{"to": [{"namespaceSelector": {}}]}]},
    ]
    for space in spaces:
        for at in range(POLICIES - 1):
            subject = {"matchLabels": {"app": f"app-{at % PODS}"}} if at else {}
            yield policy(space, f"policy-{at}", {"podSelector": subject, **forms[at % len(forms)]})
    wrong = {"ovn.kubernetes.io/network_policy_enforcement": "nonsense"}
    yield policy(spaces[0], f"{WRONG}-enforcement", {"podSelector": {}, **forms[0]}, wrong)
    port = {"policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": "no-such-port"}]}]}
    yield policy(spaces[1], f"{WRONG}-port", {"podSelector": {}, **port})
    for space in spaces[2:]:
        yield policy(space, "last", {"podSelector": {}, **forms[1]})


def policy(space: str, name: str, spec: dict[str, Any], annotations: dict[str, str] | None = None) -> Body:
    meta = {"name": name, "namespace": space, "annotations": annotations or {}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}
