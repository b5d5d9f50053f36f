"""Services with a real API server: its controllers make the EndpointSlices, ours the load balancers."""

from collections.abc import Callable
from typing import Any

from sandbox import until
from tests.controller.api import Body
from tests.controller.field import Place
from tests.controller.replica import PATIENCE
from tests.controller.rows import Row

READY = [{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}]
VPC = "ovn.kubernetes.io/vpc"
Said = dict[str, str]


def service(place: Place, space: str, name: str = "web", annotations: Said | None = None, **spec: Any) -> Body:
    """A Service of Pods with its label; the answer has its ClusterIP."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    meta = {"name": name, "namespace": space, "annotations": annotations or {}}
    said = {"selector": {"app": name}, "ports": ports, **spec}
    return place.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": said})


def runs(place: Place, pod: str, space: str, *, is_ready: bool = True) -> str:
    """The Pod has its address and says whether it is ready, as its kubelet would; the answer is the address."""
    address = place.allocated(pod, space)["ip_address"]
    conditions = READY if is_ready else [{**each, "status": "False"} for each in READY]
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": conditions}
    place.api.patch("Pod", pod, {"status": status}, space, "status")
    return address


def balancer(place: Place, space: str, name: str = "web") -> Row | None:
    return place.field.rows("Load_Balancer").one("Load_Balancer", name=f"{space}/{name}/tcp")


def has(place: Place, space: str, wanted: dict[str, str]) -> Callable[[], bool]:
    def ask() -> bool:
        found = balancer(place, space)
        return found is not None and found["vips"] == wanted

    return ask


def labelled(place: Place, pod: str, space: str, app: str = "web") -> None:
    body = {"containers": [{"name": "main", "image": "registry.example/none"}], "nodeName": "worker-1"}
    meta = {"name": pod, "namespace": space, "labels": {"app": app}}
    place.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body})


def test_a_pod_that_turns_ready_gets_traffic_and_loses_it(place: Place) -> None:
    """The whole way from a kubelet's word to the row that OVN balances by, and back."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    vip = f"{service(place, space)['spec']['clusterIP']}:80"
    labelled(place, "one", space)
    until(has(place, space, {vip: ""}), "a load balancer that rejects", PATIENCE)

    address = runs(place, "one", space)
    until(has(place, space, {vip: f"{address}:8080"}), "the Pod among the backends", PATIENCE)

    runs(place, "one", space, is_ready=False)
    until(has(place, space, {vip: ""}), "the Pod to be out of the backends", PATIENCE)

    row = balancer(place, space)
    assert row is not None
    assert row.owner == f"Service/{space}/web"
    assert row["options"]["reject"] == "true"


def test_a_service_that_is_deleted_leaves_no_row(place: Place) -> None:
    """Its address goes to another Service soon."""
    space = place.namespace()
    service(place, space)
    until(lambda: balancer(place, space), "a load balancer", PATIENCE)

    place.api.delete("Service", "web", space)

    until(lambda: balancer(place, space) is None, "the load balancer to go", PATIENCE)


def test_a_service_in_a_vpc_that_does_not_exist_says_so(place: Place) -> None:
    """It would be served in the wrong network otherwise, or silently nowhere."""
    space = place.namespace()
    service(place, space, annotations={VPC: "nowhere"})

    assert "create it" in place.tells("web", "VpcMissing")
    assert balancer(place, space) is None


def test_the_younger_of_two_with_one_external_address_says_so(place: Place) -> None:
    """One of them would get the other's traffic, and nobody would know which."""
    space = place.namespace()
    shared = place.address(1000)
    service(place, space, externalIPs=[shared])
    until(lambda: balancer(place, space), "a load balancer", PATIENCE)

    # Ages have whole seconds; of two as old, the first by name is older.
    service(place, space, "webtoo", externalIPs=[shared])

    assert f"{shared} port 80/TCP is served for Service {space}/web" in place.tells("webtoo", "AddressTaken")
    younger = balancer(place, space, "webtoo")
    assert younger is not None
    assert f"{shared}:80" not in younger["vips"]


def test_the_vpc_names_its_load_balancers(place: Place) -> None:
    """Tools of Kube-OVN read these names from the status and look the rows up."""
    vpc = place.vpc()
    status = place.ready("Vpc", vpc)["status"]

    fields = [f"{protocol}{kind}LoadBalancer" for protocol in ("tcp", "udp", "sctp") for kind in ("", "Session")]
    names = place.field.rows("Load_Balancer").names("Load_Balancer")

    assert {status[field] for field in fields} <= names
    assert status["udpSessionLoadBalancer"] == f"vpc-{vpc}-udp-sess-load"
