"""What a first start leaves, and when a controller says that it is ready."""

from sandbox import until
from tests.controller.field import Field, Place
from tests.controller.replica import PATIENCE, Replica


def test_a_first_start_makes_the_default_vpc_the_default_subnet_and_the_join_subnet(place: Place) -> None:
    """A cluster works without anybody writing a manifest, under the names that tools look for."""
    vpc = place.ready("Vpc", "ovn-cluster")
    default = place.ready("Subnet", "ovn-default")
    join = place.ready("Subnet", "join")

    assert vpc["status"]["default"] is True
    assert vpc["status"]["standby"] is True
    assert vpc["status"]["router"] == "ovn-cluster"
    assert vpc["status"]["defaultLogicalSwitch"] == "ovn-default"
    assert vpc["status"]["subnets"] == ["join", "ovn-default"]
    assert default["spec"]["cidrBlock"] == "10.16.0.0/16"
    assert default["spec"]["gateway"] == "10.16.0.1"
    assert default["spec"]["excludeIps"] == ["10.16.0.1"]
    assert default["spec"]["gatewayType"] == "distributed"
    assert default["spec"]["natOutgoing"] is True
    assert join["spec"]["cidrBlock"] == "100.64.0.0/16"
    assert {"ovn-default", "join"} <= place.field.rows().names("Logical_Switch")


def test_a_start_leaves_the_default_objects_as_their_users_made_them(place: Place) -> None:
    """A user's change of ovn-default is theirs; a controller that puts its own settings back fights its users."""
    api = place.api
    api.patch("Subnet", "ovn-default", {"spec": {"natOutgoing": False, "excludeIps": ["10.16.0.1..10.16.0.9"]}})
    api.patch("Vpc", "ovn-cluster", {"metadata": {"labels": {"mine": "true"}}})
    try:
        place.field.controller.stop()
        place.field.controller.begin()
        place.field.settled()

        found = api.the("Subnet", "ovn-default")
        assert found["spec"]["natOutgoing"] is False
        assert found["spec"]["excludeIps"] == ["10.16.0.1..10.16.0.9"]
        assert api.the("Vpc", "ovn-cluster")["metadata"]["labels"] == {"mine": "true"}
    finally:
        api.patch("Subnet", "ovn-default", {"spec": {"natOutgoing": True, "excludeIps": ["10.16.0.1"]}})


def test_a_default_object_that_was_deleted_while_nobody_looked_is_there_again(place: Place) -> None:
    """The default Subnet serves every namespace that is bound to none: without it no Pod gets an address."""
    api = place.api
    place.field.controller.stop()
    api.patch("Subnet", "ovn-default", {"metadata": {"finalizers": []}})
    before = api.the("Subnet", "ovn-default")["metadata"]["uid"]
    api.delete("Subnet", "ovn-default")

    place.field.controller.begin()

    assert place.ready("Subnet", "ovn-default")["metadata"]["uid"] != before


def test_nodes_have_an_address_of_the_join_network(place: Place) -> None:
    """The node agent builds ovn0 from these annotations, and routes to Pods point to these addresses."""
    place.field.settled()
    for node in ("worker-1", "worker-2"):
        said = place.api.the("Node", node)["metadata"]["annotations"]
        ip = place.api.the("IP", f"node-{node}")
        port = place.field.port(f"node-{node}")

        assert port is not None
        assert said["ovn.kubernetes.io/allocated"] == "true"
        assert said["ovn.kubernetes.io/ip_address"] == ip["spec"]["v4IpAddress"]
        assert said["ovn.kubernetes.io/cidr"] == "100.64.0.0/16"
        assert said["ovn.kubernetes.io/gateway"] == "100.64.0.1"
        assert said["ovn.kubernetes.io/logical_switch"] == "join"
        assert said["ovn.kubernetes.io/port_name"] == f"node-{node}"
        assert port["addresses"] == f"{said['ovn.kubernetes.io/mac_address']} {ip['spec']['v4IpAddress']}"
        assert ip["metadata"]["ownerReferences"][0]["name"] == node


def test_a_node_that_goes_gives_its_join_address_back(place: Place) -> None:
    """Clusters scale their nodes; an address that stays with each one that ever was is lost."""
    node = place.name("node")
    place.made.append(("Node", node, ""))
    place.api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
    until(lambda: place.field.port(f"node-{node}"), "the node's port", PATIENCE)

    place.api.delete("Node", node)

    place.gone("IP", f"node-{node}")
    place.no_port(f"node-{node}")


def test_a_controller_is_not_ready_before_it_has_seen_the_whole_world(field: Field) -> None:
    """A Service that sends probes or traffic to a replica that knows half the cluster is worse than none."""
    late = Replica(field.sandbox, "controller-late", {"OVNLOOM_NAMESPACE": "default"})
    field.sandbox.stop_apiserver()
    try:
        late.start()
        status, text = until(lambda: (found := late.page("/readyz"))[0] and found, "its pages", PATIENCE)

        assert status == 503
        assert "[-]world failed: not listed yet: namespaces" in text
        assert late.page("/healthz") == (200, "[+]process ok\nok\n")
    finally:
        late.kill()
        field.sandbox.start_apiserver()


def test_a_standby_is_ready_with_the_whole_world_and_says_who_leads(place: Place) -> None:
    """A rolling update waits for readiness; a standby that never gets ready would block it for ever."""
    place.field.controller.leading()
    standby = Replica(place.field.sandbox, "controller-b").begin()
    try:
        assert "[+]standby ok: the leader is controller" in standby.page("/readyz")[1]
        assert standby.metric("ovnloom_leader") == 0
    finally:
        standby.stop()


def test_a_controller_is_not_ready_while_the_northbound_database_is_away(place: Place) -> None:
    """What nobody can write must not look well."""
    place.field.sandbox.stop_nb()
    try:
        status, text = until(
            lambda: (found := place.field.controller.page("/readyz"))[0] == 503 and found, "it to notice", PATIENCE
        )

        assert status == 503
        assert "[-]northbound failed: the connection is connecting" in text
        assert place.field.controller.page("/healthz")[0] == 200
    finally:
        place.field.sandbox.start_nb()

    place.field.controller.ready()


def test_the_metrics_have_the_names_that_dashboards_know(place: Place) -> None:
    """A user's dashboards and alerts move over with the cluster."""
    page = place.field.controller.page("/metrics")[1]

    for name in (
        "ovnloom_queue_length",
        "ovnloom_queue_age_seconds",
        "ovnloom_batch_owners_bucket",
        "ovnloom_stage_seconds_bucket",
        "ovnloom_plan_operations_total",
        "ovnloom_drift_repaired_total",
        "ovnloom_held_owners",
        "ovnloom_budget_stops_total",
        "ovnloom_idl_state",
        "ovnloom_leader",
        "ovnloom_world_complete",
        "ovnloom_owned_rows",
        "kube_ovn_subnet_available_ip_count",
        "kube_ovn_subnet_used_ip_count",
    ):
        assert f"{name}{{" in page or f"{name} " in page, name
    subnet = {"subnet_name": "join", "protocol": "IPv4", "subnet_cidr": "100.64.0.0/16"}
    controller = place.field.controller
    until(lambda: controller.metric("kube_ovn_subnet_used_ip_count", **subnet) >= 2, "the nodes' addresses", PATIENCE)


def test_settings_that_contradict_each_other_stop_the_start_and_say_which(field: Field) -> None:
    """Overlapping default networks would cut off nodes or Services; the cluster must not come up that way."""
    wrong = Replica(field.sandbox, "controller-wrong", {"OVNLOOM_DEFAULT_CIDR": "10.96.0.0/16"}).start()
    until(lambda: not wrong.is_alive, "it to end", PATIENCE)

    assert "default_cidr and service_cidr overlap: 10.96.0.0/16 and 10.96.0.0/12" in wrong.log
