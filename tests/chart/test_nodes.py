"""What the chart puts on every node, as values: without a cluster."""

import json
from typing import Any

import pytest

from ovnloom.generate import camel, chart_settings
from ovnloom.settings import NodeSettings
from sandbox.errors import CommandError
from tests.chart.conftest import CHART, Manifest, Render, one

AGENT, SWITCH = ("DaemonSet", "kube-ovn-cni"), ("DaemonSet", "ovs-ovn")
HOST = ("--values", CHART / "ci" / "host-values.yaml")
USERSPACE = ("--values", CHART / "ci" / "userspace-values.yaml")
CLUSTER = ("--values", CHART / "ci" / "cluster-values.yaml")


def pod(manifests: list[Manifest], what: tuple[str, str]) -> dict[str, Any]:
    spec: dict[str, Any] = one(manifests, *what)["spec"]["template"]["spec"]
    return spec


def container(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in spec["containers"] + spec["initContainers"] if each["name"] == name)


def environment(found: dict[str, Any]) -> dict[str, str]:
    """What is no plain value is the name of the Pod's field."""
    return {each["name"]: each.get("value") or each["valueFrom"]["fieldRef"]["fieldPath"] for each in found["env"]}


def has(manifests: list[Manifest], what: tuple[str, str]) -> bool:
    return what in {(each["kind"], each["metadata"]["name"]) for each in manifests}


@pytest.mark.parametrize("what", [AGENT, SWITCH], ids=["agent", "switch"])
def test_nothing_keeps_a_node_from_getting_its_network(render: Render, what: tuple[str, str]) -> None:
    """These Pods run before there is a network, on a node that is not ready for that reason, and go last."""
    spec = pod(render(), what)

    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "Default")
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["priorityClassName"] == "system-node-critical"


@pytest.mark.parametrize(
    "what", [("Deployment", "ovnloom-controller"), ("StatefulSet", "ovnloom-ovn-central")], ids=["controller", "ovn"]
)
def test_the_rest_also_starts_where_no_node_has_a_network(render: Render, what: tuple[str, str]) -> None:
    """The agents wait for addresses, which the controller gives, which waits for OVN: none may wait for the agents."""
    spec = pod(render(), what)
    tolerated = {each["key"] for each in spec["tolerations"] if each["operator"] == "Exists"}

    assert spec["hostNetwork"]
    assert {"node.kubernetes.io/not-ready", "node.kubernetes.io/network-unavailable"} <= tolerated


def test_every_setting_reaches_the_agent(render: Render) -> None:
    """The name in the values becomes the name in the environment."""
    examples: dict[str, Any] = {"string": "text", "integer": 3, "number": 0.5, "boolean": True}
    about = chart_settings(NodeSettings)
    given = {name: said.get("enum", [examples[said["type"]]])[0] for name, said in about.items()}
    given["nodeListen"] = "127.0.0.1:4444"
    words = [f"agent.settings.{name}={json.dumps(value)}" for name, value in given.items()]

    spec = pod(render(*(part for word in words for part in ("--set-json", word))), AGENT)

    told = environment(container(spec, "agent"))
    expected = {f"OVNLOOM_{name.upper()}": given[camel(name)] for name in NodeSettings.model_fields}
    assert {name: told[name] for name in expected} == {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in expected.items()
    }
    assert container(spec, "agent")["ports"][0]["containerPort"] == 4444


def test_the_agent_knows_its_node_its_router_and_the_database(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's name needn't be the Node's; the rest is what the controller and ovn-central were told."""
    routed = ("--set", "controller.settings.clusterRouter=acme")
    told = environment(container(pod(render(*routed), AGENT), "agent"))
    for name, value in told.items():
        monkeypatch.setenv(name, value)

    settings = NodeSettings()

    assert settings.node_name == "spec.nodeName"
    assert settings.ovn_sb == "tcp:[$(OVN_SB_SERVICE_HOST)]:6642"
    assert settings.cluster_router == "acme"


def test_each_path_that_the_agent_uses_is_one_of_the_host(render: Render) -> None:
    """What it wrote elsewhere would be gone with its container, and nobody would find it."""
    mounts = {each["mountPath"]: each for each in container(pod(render(), AGENT), "agent")["volumeMounts"]}
    volumes = {each["name"]: each for each in pod(render(), AGENT)["volumes"]}
    about = NodeSettings()

    for path in (about.cni_socket, about.cni_conf, about.node_lock, about.ovs_remote.removeprefix("unix:")):
        folder = path.rpartition("/")[0]
        assert volumes[mounts[folder]["name"]]["hostPath"]["path"] == folder
    assert mounts["/run/netns"]["mountPropagation"] == "HostToContainer"


def test_other_folders_of_a_distribution_are_mounted_where_the_agent_expects_them(render: Render) -> None:
    """Some runtimes look for plugins elsewhere."""
    spec = pod(render(*HOST), AGENT)
    paths = {each["name"]: each["hostPath"]["path"] for each in spec["volumes"] if "hostPath" in each}

    assert (paths["cni-bin"], paths["cni-conf"]) == ("/usr/libexec/cni", "/etc/cni/other.d")
    assert {"name": "cni-conf", "mountPath": "/etc/cni/net.d"} in container(spec, "agent")["volumeMounts"]


def test_where_ovn_is_installed_on_the_nodes_the_chart_brings_none(render: Render) -> None:
    """Two switches on one node would fight for its devices."""
    manifests = render(*HOST)

    assert has(manifests, AGENT)
    assert not has(manifests, SWITCH)


def test_without_an_agent_the_nodes_are_left_alone(render: Render) -> None:
    """They belong to somebody else's agent, while a cluster moves over step by step."""
    manifests = render("--set", "agent.enabled=false")

    assert not [each for each in manifests if each["kind"] in {"DaemonSet", "Job"}]


@pytest.mark.parametrize(
    ("options", "remote"),
    [
        ((), "tcp:[$(OVN_SB_SERVICE_HOST)]:6642"),
        (("--set", "ovnCentral.addresses={192.0.2.7}"), "tcp:[192.0.2.7]:6642"),
        (CLUSTER, "ssl:[172.30.0.11]:6642,ssl:[172.30.0.12]:6642,ssl:[172.30.0.13]:6642"),
        (("--set", "agent.settings.ovnSb=tcp:192.0.2.9:6642"), "tcp:192.0.2.9:6642"),
    ],
    ids=["service", "address", "cluster", "given"],
)
def test_the_switch_knows_where_the_southbound_database_is(
    render: Render, options: tuple[str, ...], remote: str
) -> None:
    """Cluster DNS is of no use to who makes the network that it needs."""
    manifests = render(*options)
    switch, agent = pod(manifests, SWITCH), pod(manifests, AGENT)

    assert environment_of_ovsdb(switch)["OVN_REMOTE"] == remote
    assert environment(container(agent, "agent"))["OVNLOOM_OVN_SB"] == remote
    assert switch["enableServiceLinks"]
    assert agent["enableServiceLinks"]


def environment_of_ovsdb(spec: dict[str, Any]) -> dict[str, str]:
    found = next(each for each in spec["containers"] if each["name"] == "ovsdb")
    return {each["name"]: each.get("value", "") for each in found["env"]}


@pytest.mark.parametrize(("options", "kind"), [((), "geneve"), (USERSPACE, "vxlan")], ids=["default", "vxlan"])
def test_nodes_and_controller_agree_on_the_tunnel(render: Render, options: tuple[str, ...], kind: str) -> None:
    """Otherwise no packet leaves its node, and nothing says why."""
    assert environment_of_ovsdb(pod(render(*options), SWITCH))["ENCAP_TYPE"] == kind


def test_only_a_datapath_in_userspace_takes_a_privileged_container(render: Render) -> None:
    """Its devices are made with /dev/net/tun."""
    ours, theirs = (
        {each["name"]: each["securityContext"].get("privileged", False) for each in spec["containers"]}
        for spec in (pod(render(), SWITCH), pod(render(*USERSPACE), SWITCH))
    )

    assert ours == {"ovsdb": False, "vswitchd": False, "controller": False}
    assert theirs == {**ours, "vswitchd": True}


def test_a_cluster_without_kube_proxy_reaches_its_api_server(render: Render) -> None:
    """The address of the Service `kubernetes` leads nowhere before a network is there."""
    manifests = render(*HOST)
    spec = pod(manifests, AGENT)
    controller = one(manifests, "Deployment", "ovnloom-controller")["spec"]["template"]["spec"]["containers"][0]

    for found in (container(spec, "agent"), controller):
        told = environment(found)
        assert (told["KUBERNETES_SERVICE_HOST"], told["KUBERNETES_SERVICE_PORT"]) == ("192.0.2.1", "6443")
    assert "KUBERNETES_SERVICE_HOST" not in environment(container(pod(render(), AGENT), "agent"))


def test_an_uninstall_first_ends_the_agents_then_cleans_then_waits(render: Render) -> None:
    """What is removed while an agent runs comes back."""
    hooks = [
        (int(notes["helm.sh/hook-weight"]), each["kind"], each["metadata"]["name"])
        for each in render()
        if (notes := each["metadata"].get("annotations", {})).get("helm.sh/hook") == "pre-delete"
    ]

    assert [each for each in sorted(hooks) if each[1] in {"Job", "DaemonSet"}] == [
        (2, "Job", "ovnloom-clean-retire"),
        (3, "DaemonSet", "ovnloom-clean"),
        (4, "Job", "ovnloom-clean-wait"),
    ]
    assert {kind for weight, kind, _ in hooks if weight == 1} == {"ServiceAccount", "Role", "RoleBinding"}


def test_an_uninstall_may_be_asked_to_leave_the_nodes_as_they_are(render: Render) -> None:
    """For who installs anew, or hands the nodes over: Pods that run keep their network."""
    assert not [each for each in render(*USERSPACE) if each["kind"] == "Job"]


@pytest.mark.parametrize(("values", "init"), [((), ["agent", "ovs"]), (HOST, ["agent"])], ids=["container", "host"])
def test_a_switch_of_the_host_is_not_cleaned_away(render: Render, values: tuple[str, ...], init: list[str]) -> None:
    """It was there before ovnloom."""
    spec = pod(render(*values), ("DaemonSet", "ovnloom-clean"))

    assert [each["name"] for each in spec["initContainers"]] == init


def test_an_agent_without_a_southbound_database_is_refused_with_the_ways_out(render: Render) -> None:
    """The nodes would come up and never be part of the network."""
    with pytest.raises(CommandError) as refused:
        render("--set", "ovnCentral.enabled=false", "--set", "controller.settings.ovnNb=tcp:192.0.2.1:6641")

    assert "agent.settings.ovnSb has to say where the southbound database is" in str(refused.value)
    assert "agent.enabled=false" in str(refused.value)
