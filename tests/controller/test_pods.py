"""Pods get an address and a port, and give them back."""

from sandbox import until
from tests.controller.api import Refusal
from tests.controller.field import PREFIX, Place, pod, stays
from tests.controller.replica import PATIENCE


def test_a_pod_gets_an_address_a_port_and_annotations(place: Place) -> None:
    """These annotations are what the node agent wires the Pod by; the port is what OVN forwards by."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("Subnet", subnet)

    place.pod("one", space)

    said = place.allocated("one", space)
    port = place.field.port(f"one.{space}")
    ip = place.api.the("IP", f"one.{space}")
    assert port is not None
    assert said["ip_address"] == place.address(2)
    assert said["cidr"] == place.cidr()
    assert said["gateway"] == place.address(1)
    assert said["logical_switch"] == subnet
    assert said["logical_router"] == "ovn-cluster"
    assert said["pod_nic_type"] == "veth-pair"
    assert said["routed"] == "true"
    assert port["addresses"] == f"{said['mac_address']} {said['ip_address']}"
    assert port.ids["pod"] == f"{space}/one"
    assert port.ids["ls"] == subnet
    assert port.ids["vendor"] == "kube-ovn"
    assert port.owner == f"Pod/{space}/one"
    assert ip["metadata"]["finalizers"] == ["kubeovn.io/kube-ovn-controller"]
    assert ip["metadata"]["labels"] == {
        PREFIX + "subnet": subnet,
        subnet: "",
        PREFIX + "node-name": "worker-1",
        PREFIX + "ip_reserved": "false",
    }
    assert ip["spec"]["podName"] == "one"
    assert ip["spec"]["namespace"] == space
    assert ip["spec"]["v4IpAddress"] == said["ip_address"]
    assert ip["spec"]["macAddress"] == said["mac_address"]
    group = place.field.rows("Port_Group").one("Port_Group", name="node.worker.1")
    assert group is not None
    assert port.uuid in str(group["ports"])


def test_a_pod_that_is_gone_gives_its_address_back(place: Place) -> None:
    """A leak of one address a Pod ends every cluster."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.pod("one", space)
    place.allocated("one", space)

    place.api.delete("Pod", "one", space)

    place.gone("IP", f"one.{space}")
    place.no_port(f"one.{space}")
    until(lambda: place.api.the("Subnet", subnet)["status"].get("v4usingIPs") == 0, "the count", PATIENCE)


def test_a_pod_that_has_finished_gives_its_address_back(place: Place) -> None:
    """Jobs leave Pods behind for days; their addresses are needed by the next ones."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.pod("job", space, restartPolicy="Never")
    place.allocated("job", space)

    place.api.patch("Pod", "job", {"status": {"phase": "Succeeded"}}, space, "status")

    place.gone("IP", f"job.{space}")
    place.no_port(f"job.{space}")


def test_a_pod_whose_grace_period_is_over_gives_its_address_back_though_its_node_is_silent(place: Place) -> None:
    """The Pods of a dead node stay Terminating for ever, and would hold their addresses as long."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.pod("lost", space)
    place.allocated("lost", space)

    place.field.sandbox.kubectl("delete", "pod", "lost", "-n", space, "--grace-period=1", "--wait=false")

    place.gone("IP", f"lost.{space}")
    assert place.api.get("Pod", "lost", space) is not None


def test_pods_of_the_host_network_are_left_alone(place: Place) -> None:
    """They have the node's address; a port for one would be a lie."""
    space = place.namespace()
    place.subnet(namespaces=[space])

    place.pod("host", space, hostNetwork=True)
    place.pod("other", space)

    place.allocated("other", space)
    assert place.api.get("IP", f"host.{space}") is None
    assert not [key for key in place.api.the("Pod", "host", space)["metadata"].get("annotations", {}) if "ovn" in key]


def test_a_pod_that_is_bound_later_is_routed_then(place: Place) -> None:
    """The address may be chosen before the scheduler has chosen the node; the way out follows."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.create(pod("later", space, nodeName="", schedulerName="nobody"))
    said = place.allocated("later", space)
    assert "routed" not in said

    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "later", "namespace": space},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "worker-2"},
    }
    place.field.sandbox.kubectl(
        "create",
        "--raw",
        f"/api/v1/namespaces/{space}/pods/later/binding",
        "-f",
        "-",
        stdin=str(binding).replace("'", '"'),
    )

    until(lambda: place.allocated("later", space).get("routed") == "true", "it to be routed", PATIENCE)
    until(lambda: place.api.the("IP", f"later.{space}")["spec"]["nodeName"] == "worker-2", "the node's name", PATIENCE)


def test_a_static_address_and_mac_are_given_as_asked(place: Place) -> None:
    """Appliances and licences hang on them."""
    space = place.namespace()
    place.subnet(namespaces=[space], excludeIps=[f"{place.address(2)}..{place.address(60)}"])

    asked = {PREFIX + "ip_address": place.address(50), PREFIX + "mac_address": "02:00:00:AA:BB:01"}
    place.pod("fixed", space, asked)

    said = place.allocated("fixed", space)
    assert said["ip_address"] == place.address(50)
    assert said["mac_address"] == "02:00:00:aa:bb:01"


def test_a_list_of_addresses_is_given_in_its_order(place: Place) -> None:
    """A Deployment with a list has only those addresses, and a Pod too many waits for one of them."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    pool = {PREFIX + "ip_pool": f"{place.address(21)},{place.address(20)},{place.address(22)}"}
    for word in "abcd":
        place.pod(word, space, pool)

    given = {place.allocated(word, space)["ip_address"] for word in "abc"}
    place.tells("d", "NoAvailableAddress")
    place.api.delete("Pod", "b", space)

    assert given == {place.address(number) for number in (20, 21, 22)}
    assert place.allocated("d", space)["ip_address"] in given


def test_a_pod_gets_the_next_address_of_its_pool(place: Place) -> None:
    """An IPPool is a part of the Subnet that others don't get."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    pool = place.custom("IPPool", "pool", subnet=subnet, ips=[f"{place.address(2)}..{place.address(5)}"])
    place.ready("IPPool", pool)

    place.pod("inside", space, {PREFIX + "ip_pool": pool})
    place.pod("outside", space)

    assert place.allocated("inside", space)["ip_address"] == place.address(2)
    assert place.allocated("outside", space)["ip_address"] == place.address(6)
    until(lambda: place.api.the("IPPool", pool)["status"].get("v4UsingIPs") == 1, "the pool's count", PATIENCE)
    status = place.api.the("IPPool", pool)["status"]
    assert status["v4AvailableIPs"] == 3
    assert status["v4UsingIPRange"] == place.address(2)


def test_a_pod_of_a_dual_stack_subnet_has_both_addresses(place: Place) -> None:
    """One string with both halves, IPv4 first, is what every reader of these annotations expects."""
    space = place.namespace()
    place.subnet(namespaces=[space], cidrBlock=f"{place.cidr()},fd00:{place.number:x}::/112")

    place.pod("dual", space)
    place.pod("four", space, {PREFIX + "ip_family": "ipv4"})

    said = place.allocated("dual", space)
    v4, v6 = said["ip_address"].split(",")
    port = place.field.port(f"dual.{space}")
    assert port is not None
    assert (v4, v6) == (place.address(2), f"fd00:{place.number:x}::2")
    assert port["addresses"] == f"{said['mac_address']} {v4} {v6}"
    assert place.allocated("four", space)["ip_address"] == place.address(3)


def stateful_set(name: str, space: str, replicas: int) -> dict[str, object]:
    """Its Pods are bound to worker-1 without waiting for the scheduler, and never stop at grace."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {
            "nodeName": "worker-1",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "registry.example/none"}],
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": template,
        },
    }


def test_a_pod_of_a_statefulset_keeps_its_address_over_its_deletion_and_gives_it_back_on_scale_down(
    place: Place,
) -> None:
    """Databases know each other by address; an ordinal that is scaled away is no longer anybody's."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.create(stateful_set("db", space, 2))
    before = [place.allocated(f"db-{ordinal}", space) for ordinal in range(2)]
    uid = place.api.the("Pod", "db-0", space)["metadata"]["uid"]

    place.pod("other", space)
    place.api.delete("Pod", "db-0", space)
    until(
        lambda: (place.api.get("Pod", "db-0", space) or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid,
        "db-0",
        PATIENCE,
    )

    again = place.allocated("db-0", space)
    assert again["ip_address"] == before[0]["ip_address"]
    assert again["mac_address"] == before[0]["mac_address"]

    place.api.patch("StatefulSet", "db", {"spec": {"replicas": 1}}, space)
    until(lambda: place.api.get("Pod", "db-1", space) is None or place.api.delete("Pod", "db-1", space), "it", PATIENCE)
    place.gone("IP", f"db-1.{space}")
    place.no_port(f"db-1.{space}")
    assert place.api.get("IP", f"db-0.{space}") is not None

    place.api.delete("StatefulSet", "db", space)
    until(lambda: place.api.get("Pod", "db-0", space) is None or place.api.delete("Pod", "db-0", space), "it", PATIENCE)
    place.gone("IP", f"db-0.{space}")


def test_what_somebody_took_from_a_pods_annotations_is_written_again(place: Place) -> None:
    """The node agent reads them at each restart of the Pod's sandbox."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.pod("one", space)
    before = place.allocated("one", space)

    place.api.patch("Pod", "one", {"metadata": {"annotations": {PREFIX + "ip_address": "1.2.3.4"}}}, space)

    until(lambda: place.allocated("one", space) == before, "the annotations as before", PATIENCE)


def test_a_living_pod_keeps_its_address_whatever_its_annotations_say_later(place: Place) -> None:
    """Its interface has that address; nobody can change it under a running process."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.pod("one", space)
    before = place.allocated("one", space)

    place.api.patch("Pod", "one", {"metadata": {"annotations": {PREFIX + "ip_pool": place.address(77)}}}, space)
    place.pod("two", space)

    place.allocated("two", space)
    stays(lambda: place.api.the("IP", f"one.{space}")["spec"]["v4IpAddress"] == before["ip_address"], "its address")


NAD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "network-attachment-definitions.k8s.cni.cncf.io"},
    "spec": {
        "group": "k8s.cni.cncf.io",
        "scope": "Namespaced",
        "names": {
            "plural": "network-attachment-definitions",
            "singular": "network-attachment-definition",
            "kind": "NetworkAttachmentDefinition",
            "shortNames": ["net-attach-def"],
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"config": {"type": "string"}}},
                        },
                    }
                },
            }
        ],
    },
}


def test_a_pod_has_a_port_for_each_network_that_it_asks_for(place: Place) -> None:
    """Multus users give a Pod a second interface; it comes as soon as its definition exists, in whatever order."""
    name = NAD["metadata"]["name"]  # type: ignore[index]
    if place.api.get("CustomResourceDefinition", name) is None:
        place.api.create(NAD)
    space = place.namespace()
    place.subnet("first", namespaces=[space])
    second = place.subnet("second", cidrBlock=place.cidr(1), provider=f"net1.{space}.ovn")
    place.pod("two", space, {"k8s.v1.cni.cncf.io/networks": "net1"})
    config = f'{{"cniVersion":"0.3.1","type":"kube-ovn","provider":"net1.{space}.ovn"}}'

    def define() -> bool:
        """The definition is there, once its kind is."""
        try:
            place.create(
                {
                    "apiVersion": "k8s.cni.cncf.io/v1",
                    "kind": "NetworkAttachmentDefinition",
                    "metadata": {"name": "net1", "namespace": space},
                    "spec": {"config": config},
                }
            )
        except Refusal:
            return False
        return True

    until(define, "the kind to be served", PATIENCE)

    said = place.allocated("two", space, f"net1.{space}.ovn")
    port = place.field.port(f"two.{space}.net1.{space}.ovn")
    assert port is not None
    assert said["ip_address"] == place.address(258)
    assert said["logical_switch"] == second
    assert port["addresses"] == f"{said['mac_address']} {said['ip_address']}"
    assert place.allocated("two", space)["ip_address"] == place.address(2)

    place.api.delete("Pod", "two", space)
    place.gone("IP", f"two.{space}.net1.{space}.ovn")
    place.no_port(f"two.{space}.net1.{space}.ovn")
