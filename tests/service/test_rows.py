"""Load balancers in the database: what a change costs, and what becomes of rows that were there before."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ovnloom.api.meta import Key
from ovnloom.intent import Owner
from ovnloom.northbound.change import Change
from ovnloom.northbound.edits import Insert, RemoveElement
from ovnloom.northbound.operations import Written
from ovnloom.northbound.shape import Shape
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.kit import HERE
from tests.compile.manifests import decode, load_file
from tests.pipeline.loop import Loop

Body = dict[str, Any]
QUIET = load_file(HERE / "cluster.yaml")
SERVICES = 200
WEB = Owner("Service", Key("s0", "default"))


def service(at: int, **spec: Any) -> Body:
    ports = [{"name": "", "port": 80, "protocol": "TCP"}, {"name": "tls", "port": 443, "protocol": "TCP"}]
    meta = {"name": f"s{at}", "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z"}
    said = {"clusterIPs": [f"10.96.{at // 256}.{at % 256}"], "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": said}


def slice_(at: int, part: int = 0, endpoints: int = 10, unready: int = -1, port: str = "") -> Body:
    labels = {"kubernetes.io/service-name": f"s{at}"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"s{at}-{part}", "namespace": "default", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": port, "port": 8080}],
        "endpoints": [
            {"addresses": [f"10.17.{part}.{number}"], "conditions": {"ready": number != unready}, "nodeName": "n1"}
            for number in range(endpoints)
        ],
    }


def put(pipeline: Pipeline, *bodies: Body) -> None:
    for found in decode(*bodies):
        pipeline.put(type(found), found.key, found)


@pytest.fixture
def loop() -> Loop:
    """The quiet cluster, at rest."""
    found = Loop(Pipeline(Settings()))
    for each in QUIET:
        found.pipeline.put(type(each), each.key, each)
    found.settle()
    return found


def test_one_endpoint_is_one_pair_of_one_row(loop: Loop) -> None:
    """A rolling update of a large cluster is thousands of these; none may look at another Service, or port."""
    put(loop.pipeline, *map(service, range(SERVICES)), *map(slice_, range(SERVICES)))
    put(loop.pipeline, slice_(0, part=1, port="tls"))
    loop.settle()

    put(loop.pipeline, slice_(0, unready=3))
    turn = loop.pipeline.turn()
    plan = loop.pipeline.plan()

    assert set(turn.intents) == {WEB}
    assert plan.owners == {WEB}
    assert [(edit.table, edit.name) for edit in plan.operations] == [("Load_Balancer", "default/s0/tcp")] * 2
    operations = Written(plan).operations
    assert [(each["op"], [mutation[:2] for mutation in each["mutations"]]) for each in operations] == [
        ("mutate", [["vips", "delete"]]),
        ("mutate", [["vips", "insert"]]),
    ]
    assert "10.96.0.0:443" not in json.dumps(operations)


def test_an_endpoint_that_gets_no_traffic_anyway_changes_nothing(loop: Loop) -> None:
    """A Pod that starts is in its slice long before it is ready."""
    put(loop.pipeline, service(0), slice_(0, unready=3))
    loop.settle()

    put(loop.pipeline, {**slice_(0, unready=3), "endpoints": [*slice_(0, unready=3)["endpoints"]][:3]})
    put(loop.pipeline, slice_(0, endpoints=4, unready=3))
    loop.settle()
    put(loop.pipeline, slice_(0, endpoints=3))

    assert not loop.pipeline.turn().intents


def test_a_service_of_5000_pods_has_them_all(loop: Loop) -> None:
    """Its fifty slices are read once each; a change of one leaves the others alone."""
    parts = [slice_(0, part, endpoints=100) for part in range(50)]
    put(loop.pipeline, service(0), *parts)
    loop.settle()

    (row,) = loop.pipeline.wanted.rows(WEB)
    vips = row.columns["vips"]
    assert isinstance(vips, dict)
    assert len(vips["10.96.0.0:80"].split(",")) == 5000

    put(loop.pipeline, slice_(0, 49, endpoints=99))
    loop.settle()

    (row,) = loop.pipeline.wanted.rows(WEB)
    assert isinstance(row.columns["vips"], dict)
    assert len(row.columns["vips"]["10.96.0.0:80"].split(",")) == 4999


def test_an_ovn_without_variables_sends_everybody_everywhere_and_says_so(loop: Loop) -> None:
    """22.03: traffic that crosses nodes is better than none, and the user must know why it does."""
    put(loop.pipeline, service(0, internalTrafficPolicy="Local"), slice_(0))
    loop.settle()
    assert [row.name for row in loop.pipeline.wanted.rows(WEB)] == ["default/s0/tcp", "default/s0/tcp/node/IPv4"]
    old = replace(
        Shape(), version="6.1.0", tables={name: t for name, t in Shape().tables.items() if "Template" not in name}
    )

    loop.pipeline.observe([Change("reset", shape=old)])
    loop.pipeline.run()

    intent = loop.pipeline.intent(WEB)
    assert [row.name for row in intent.rows] == ["default/s0/tcp"]
    assert "10.17.0.9:8080" in str(intent.rows[0].columns["vips"])
    assert [(problem.reason, problem.condition) for problem in intent.problems] == [("NotSupportedByOvn", "Error")]

    loop.pipeline.observe([Change("reset", shape=Shape())])
    loop.pipeline.run()

    assert "NotSupportedByOvn" not in {problem.reason for problem in loop.pipeline.intent(WEB).problems}


def test_kube_ovns_balancers_are_emptied_in_the_plan_that_brings_ours(loop: Loop) -> None:
    """A cluster that moves over keeps its Services: one transaction, and at no time is an address served by nobody."""
    fresh = Loop(Pipeline(Settings()))
    uuid, changes = fresh.database.insert(
        "Load_Balancer",
        name="cluster-tcp-loadbalancer",
        protocol="tcp",
        vips={"10.96.0.0:80": "10.17.0.1:8080"},
        external_ids={"vendor": "kube-ovn"},
    )
    fresh.pipeline.observe(changes)
    switch, changes = fresh.database.insert(
        "Logical_Switch", name="ovn-default", load_balancer={uuid}, external_ids={"vendor": "kube-ovn"}
    )
    fresh.pipeline.observe(changes)
    for each in (*QUIET, *decode(service(0), slice_(0))):
        fresh.pipeline.put(type(each), each.key, each)
    fresh.pipeline.run()

    plan = fresh.pipeline.plan()

    assert any(type(edit) is Insert and edit.name == "default/s0/tcp" for edit in plan.operations)
    gone = [edit for edit in plan.operations if type(edit) is RemoveElement]
    assert ("cluster-tcp-loadbalancer", "vips") in [(edit.name, edit.column) for edit in gone]
    fresh.settle()
    assert fresh.database.rows["Load_Balancer"][uuid].get("vips", {}) == {}
    assert fresh.database.rows["Logical_Switch"][switch]["load_balancer_group"]
    assert fresh.everything().operations == ()


def test_a_group_goes_with_its_vpc_even_when_nobody_saw_the_vpc_go(loop: Loop) -> None:
    """The table has no external_ids: without the owner in its name, each deleted Vpc would leave a row for ever."""
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "acme"}}
    put(loop.pipeline, vpc)
    loop.settle()
    _, changes = loop.database.insert("Load_Balancer_Group", name="somebody/elses")
    loop.pipeline.observe(changes)
    names = {row["name"] for row in loop.database.rows["Load_Balancer_Group"].values()}
    assert names == {"ovnloom:Vpc/ovn-cluster", "ovnloom:Vpc/acme", "somebody/elses"}

    later = Loop(Pipeline(Settings(), loop.pipeline.mirror))
    later.database = loop.database
    for each in QUIET:
        later.pipeline.put(type(each), each.key, each)
    later.pipeline.queue_everything()
    later.settle()

    names = {row["name"] for row in later.database.rows["Load_Balancer_Group"].values()}
    assert names == {"ovnloom:Vpc/ovn-cluster", "somebody/elses"}
