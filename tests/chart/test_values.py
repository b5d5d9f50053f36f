"""What the chart takes, what it refuses, and what comes of it, without a cluster."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovnloom import __version__
from ovnloom.generate import camel, chart_settings
from ovnloom.settings import NodeSettings, Settings
from sandbox.errors import CommandError
from tests.chart.conftest import CHART, OLDEST, Manifest, Render, one

CASES = sorted((CHART / "ci").glob("*-values.yaml"))
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
EXAMPLES: dict[str, Any] = {"string": "text", "integer": 3, "number": 0.5, "boolean": True}


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_lint_finds_nothing(helm: Callable[..., str], values: Path) -> None:
    """helm's own rules, warnings included."""
    assert "0 chart(s) failed" in helm("lint", "--strict", "--kube-version", OLDEST, "--values", values, CHART)


def test_the_schema_knows_every_setting_as_settings_py_does() -> None:
    """A setting that the chart refuses can't be used; one that it alone knows does nothing."""
    for program, settings in (("controller", Settings), ("agent", NodeSettings)):
        known = SCHEMA["properties"][program]["properties"]["settings"]["properties"]
        assert known == chart_settings(settings)


def test_every_setting_reaches_the_controller(render: Render) -> None:
    """The name in the values becomes the name in the environment, and numbers keep their form."""
    about = chart_settings(Settings)
    given = {name: said.get("enum", [EXAMPLES[said["type"]]])[0] for name, said in about.items()}
    given |= {"listen": "127.0.0.1:4444", "maxDeleteRows": 1_000_000}
    arguments = [word for name, value in given.items() for word in ("--set-json", setting(name, value))]

    environment = environment_of(render(*arguments))

    expected = {f"OVNLOOM_{name.upper()}": given[camel(name)] for name in Settings.model_fields}
    assert {name: environment[name] for name in expected} == {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in expected.items()
    }


def setting(name: str, value: object) -> str:
    return f"controller.settings.{name}={json.dumps(value)}"


def environment_of(manifests: list[Manifest]) -> dict[str, Any]:
    """The controller's environment; what is no plain value is the name of the Pod's field."""
    container = one(manifests, "Deployment", "ovnloom-controller")["spec"]["template"]["spec"]["containers"][0]
    return {item["name"]: item.get("value") or item["valueFrom"]["fieldRef"]["fieldPath"] for item in container["env"]}


def test_the_environment_of_an_untouched_controller_is_read_by_its_settings(
    render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the chart itself sets are words that the controller understands."""
    environment = environment_of(render())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    settings = Settings()

    assert settings.namespace == "kube-system"
    assert settings.identity == "metadata.name"
    assert settings.ovn_nb == "tcp:[$(OVN_NB_SERVICE_HOST)]:6641"
    names = {f"OVNLOOM_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in environment if name.startswith("OVNLOOM_")} <= names


def test_the_clients_know_each_member_of_a_cluster_and_their_certificates(render: Render) -> None:
    """Behind the one address of a Service they would meet the leader by chance only."""
    environment = environment_of(render("--values", CHART / "ci" / "cluster-values.yaml"))

    assert environment["OVNLOOM_OVN_NB"] == "ssl:[172.30.0.11]:6641,ssl:[172.30.0.12]:6641,ssl:[172.30.0.13]:6641"
    assert environment["OVNLOOM_OVN_CA_CERTIFICATE"] == "/etc/ovnloom/tls/ca.crt"


REFUSED = (
    ("controler.replicas=3", "controler"),
    ("controller.settings.defaultCIDR=10.0.0.0/8", "defaultCIDR"),
    ("controller.settings.default_cidr=10.0.0.0/8", "default_cidr"),
    ("controller.settings.networkType=gre", "must be one of"),
    ("controller.settings.maxDeleteShare=2", "maximum"),
    ("controller.settings.enableLb=yes", "boolean"),
    ("controller.replicas=0", "minimum"),
    ("controller.image.digest=sha256:abc", "pattern"),
    ("ovnCentral.image.tag=", "minLength"),
    ("ovnCentral.replicas=2", "must be one of"),
    ("ovnCentral.addresses[0]=node-1", "ipv"),
    ("ovnCentral.listenAddress=localhost", "pattern"),
    ("ovnCentral.persistence.type=nfs", "must be one of"),
    ("ovnCentral.replicas=3", "ovnCentral.replicas is 3 and ovnCentral.addresses has 0 entries"),
    ("ovnCentral.enabled=false", "controller.settings.ovnNb has to say where the northbound database is"),
    ("agent.settings.defaultCidr=10.0.0.0/8", "defaultCidr"),
    ("agent.settings.podMtu=70000", "maximum"),
    ("agent.settings.nodeListen=here", "end it with a port, as :10665 does"),
    ("agent.cni.binDir=bin", "pattern"),
    ("agent.updateStrategy.rollingUpdate.maxUnavailable=0", "minimum"),
    ("ovs.mode=none", "must be one of"),
    ("ovs.datapath=dpdk", "must be one of"),
    ("ovs.image.tag=", "minLength"),
    ("serviceAccount.create=false", "serviceAccount.name has to name the account"),
    ("controller.settings.listen=here", "end it with a port, as :10660 does"),
)


@pytest.mark.parametrize(("value", "words"), REFUSED, ids=[value for value, _ in REFUSED])
def test_a_value_that_is_wrong_is_refused_with_its_name(render: Render, value: str, words: str) -> None:
    """A typo that is taken silently is found on the day that the value is needed."""
    with pytest.raises(CommandError) as refused:
        render("--set", value)

    assert words in str(refused.value), refused.value


def test_every_value_is_described_and_strict() -> None:
    """The schema is the reference of the values: `values.yaml` shows defaults, it says what they mean."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    loose = [
        path for path, said in walk(SCHEMA) if "properties" in said and said.get("additionalProperties") is not False
    ]
    silent = [path for path, said in walk(SCHEMA) if not said.get("description")]

    assert (loose, silent) == ([], [])
    assert set(values) | {"global"} == set(SCHEMA["properties"])


def walk(schema: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """The schema and those of the values in it, by their paths."""
    found = [(path, schema)]
    for name, said in schema.get("properties", {}).items():
        found += walk(said, f"{path}.{name}")
    return found


def test_the_chart_has_the_version_of_the_code() -> None:
    """The tag of the image follows from it."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["appVersion"] == chart["version"] == __version__


@pytest.mark.parametrize(
    ("options", "annotations"), [((), {"helm.sh/resource-policy": "keep"}), (("--set", "crds.keep=false"), None)]
)
def test_the_crds_are_those_of_the_code(
    render: Render, options: tuple[str, ...], annotations: dict[str, str] | None
) -> None:
    """helm reads and writes numbers and long rules anew; not one of them may change on that way."""
    rendered = {
        each["metadata"]["name"]: each for each in render(*options) if each["kind"] == "CustomResourceDefinition"
    }
    for manifest in rendered.values():
        assert manifest["metadata"].pop("annotations", None) == annotations
        del manifest["metadata"]["labels"]

    files = [yaml.safe_load(path.read_text()) for path in (CHART.parents[1] / "crds").glob("*.yaml")]
    assert rendered == {each["metadata"]["name"]: each for each in files}


def test_without_crds_there_are_none(render: Render) -> None:
    """On a cluster whose CRDs somebody else looks after."""
    assert not [each for each in render("--set", "crds.install=false") if each["kind"] == "CustomResourceDefinition"]


def test_prometheus_finds_the_service(render: Render) -> None:
    """A ServiceMonitor that selects nothing is silent about it."""
    manifests = render("--set", "serviceMonitor.enabled=true", "--set", "serviceMonitor.labels.release=prometheus")
    monitor = one(manifests, "ServiceMonitor", "ovnloom-controller")
    service = one(manifests, "Service", "ovnloom-controller")

    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {each["port"] for each in monitor["spec"]["endpoints"]} == {
        each["name"] for each in service["spec"]["ports"]
    }
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert not [each for each in render() if each["kind"] == "ServiceMonitor"]


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_no_container_may_more_than_it_needs(render: Render, values: Path) -> None:
    """Whoever gets into one of them is a user without rights on a file system that can't be written."""
    for manifest in render("--values", values):
        pod = (
            manifest["spec"] if manifest["kind"] == "Pod" else manifest.get("spec", {}).get("template", {}).get("spec")
        )
        if pod is None or "containers" not in pod:
            continue
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"] + pod.get("initContainers", []):
            may = {**pod["securityContext"], **container["securityContext"]}
            assert may["readOnlyRootFilesystem"]
            assert container["resources"]["requests"]
            if may.get("privileged"):
                assert (values.stem, container["name"]) == ("userspace-values", "vswitchd")
                continue
            assert not may["allowPrivilegeEscalation"]
            assert may["capabilities"]["drop"] == ["ALL"]
            added = set(may["capabilities"].get("add", ()))
            assert added == CAPABILITIES.get((manifest["metadata"]["name"], container["name"]), set())
            if manifest["kind"] != "DaemonSet" and container["name"] != "own-databases":
                assert may["runAsNonRoot"]
                assert may["runAsUser"] > 0


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_a_server_on_a_file_system_that_cannot_be_written_has_a_place_for_its_files(
    render: Render, values: Path
) -> None:
    """ovsdb-server and Python end at once where they can't make a temporary file."""
    for manifest in render("--values", values):
        spec = manifest.get("spec", {}).get("template", {}).get("spec", {})
        if manifest["kind"] not in {"Deployment", "StatefulSet", "DaemonSet"} or "containers" not in spec:
            continue
        for container in spec["containers"]:
            if container["name"] != "cleaned":  # does nothing but be there
                assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}, container["name"]


def test_a_user_without_a_name_in_the_image_has_one(render: Render) -> None:
    """Libraries ask for it, and end where there is none."""
    environment = environment_of(render())

    assert environment["USER"] == "ovnloom"


ENTERING = {"NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_PTRACE"}
"""What it takes to change the interfaces of Pods, from outside."""
CAPABILITIES = {
    # Gives a hostPath to the others, who aren't root.
    ("ovnloom-ovn-central", "own-databases"): {"CHOWN", "DAC_READ_SEARCH"},
    ("kube-ovn-cni", "agent"): ENTERING | {"NET_BIND_SERVICE", "SYS_NICE"},
    ("ovnloom-clean", "agent"): ENTERING,
    ("ovs-ovn", "vswitchd"): {"IPC_LOCK", "NET_ADMIN", "NET_BROADCAST", "NET_RAW", "SYS_NICE"},
}
"""All that any container may beyond nothing."""


def test_a_namespace_that_denies_everything_lets_the_controller_work(render: Render) -> None:
    """Each port that a container serves is open, and no way out is closed."""
    manifests = render("--values", CHART / "ci" / "cluster-values.yaml")
    for kind, name in (("Deployment", "ovnloom-controller"), ("StatefulSet", "ovnloom-ovn-central")):
        pod = one(manifests, kind, name)["spec"]["template"]
        policy = one(manifests, "NetworkPolicy", name)["spec"]
        served = {port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports", ())}

        assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        assert served == {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
        assert policy["egress"] == [{}]
