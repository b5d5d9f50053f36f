"""What `ovnloom plan` answers offline: golden files of whole answers, and what each option means."""

import json
from pathlib import Path

import pytest
import yaml

from ovnloom.cli.answer import SCHEMA
from tests.cli.conftest import Call, Said

PLANS = Path(__file__).parent / "plans"
SAMPLES = Path(__file__).parents[2] / "docs/samples"

SUBNET = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: blue}
spec: {cidrBlock: 10.1.0.0/24, namespaces: [team]}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: team}
spec: {}
"""


@pytest.mark.parametrize("case", sorted(path.name for path in PLANS.iterdir()))
def test_the_text_of_a_plan_is_stable(case: str, ovnloom: Call, is_rewriting: bool) -> None:
    """People read it in reviews and pipelines compare it, so an unchanged question has an unchanged answer."""
    golden = PLANS / case / "plan.txt"
    options = (PLANS / case / "options").read_text().split() if (PLANS / case / "options").exists() else []

    said = ovnloom("plan", "-f", PLANS / case / "manifests.yaml", "--against", "empty", *options)

    if is_rewriting:
        golden.write_text(said.out)
    assert said.err == ""
    assert said.out == golden.read_text()
    assert said.code == (0 if said.out.endswith("Plan: no changes.\n") else 2)


def test_a_plan_of_the_samples_gives_every_pod_an_address(ovnloom: Call) -> None:
    """The samples have workloads, whose Pods no file has: a plan without them would say next to nothing."""
    said = ovnloom("plan", "-f", SAMPLES, "--against", "empty", "-o", "json")

    answer = json.loads(said.out)
    pods = {name for found in answer["placeholders"] for name in found["pods"]}
    given = {found["object"].rpartition("/")[2]: found for found in answer["addresses"]}
    assert pods
    assert pods <= given.keys()
    assert all(given[name]["change"] == "gets" and given[name]["ips"] for name in pods)


def test_json_and_yaml_say_the_same(ovnloom: Call) -> None:
    """Programs read either; docs/plan.md promises one schema."""
    as_json = ovnloom("plan", "-f", "-", "-o", "json", stdin=f"{SUBNET}---{POD}")
    as_yaml = ovnloom("plan", "-f", "-", "-o", "yaml", stdin=f"{SUBNET}---{POD}")

    answer = json.loads(as_json.out)
    assert answer == yaml.safe_load(as_yaml.out)
    assert as_json.code == as_yaml.code == 2
    assert answer["schema"] == SCHEMA
    assert answer["against"]["kind"] == "empty"
    assert answer["changes"] is True
    assert answer["summary"] == {"insert": 5, "change": 0, "delete": 0}
    assert answer["addresses"][0]["ips"] == ["10.1.0.2"]
    owners = {found["owner"] for found in answer["operations"]}
    assert owners == {"Subnet/blue", "Pod/team/web"}
    assert all(found["reason"] for found in answer["operations"])


def test_every_field_of_the_answer_is_described(ovnloom: Call) -> None:
    """A field that nobody can look up is a field that nobody may rely on."""
    page = (Path(__file__).parents[2] / "docs/plan.md").read_text()

    answer = json.loads(ovnloom("plan", "-f", "-", "-o", "json", stdin=SUBNET).out)

    assert [name for name in answer if f"`{name}`" not in page] == []


def test_nothing_to_do_is_told_by_the_exit_code(ovnloom: Call) -> None:
    """A pipeline asks for the code alone: 0 nothing changes, 2 something does."""
    nothing = ovnloom("plan", "-f", "-", stdin="{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")

    assert nothing.code == 0
    assert nothing.out.endswith("Plan: no changes.\n")
    assert "ignored, no row depends on them: ConfigMap/a" in nothing.out
    assert ovnloom("plan", "-f", "-", stdin=SUBNET).code == 2


def test_a_broken_object_is_no_mistake_of_the_question(ovnloom: Call) -> None:
    """The controller would hold it and say why in a condition; so does the plan, with the same words."""
    said = ovnloom("plan", "-f", "-", "-o", "json", stdin=SUBNET.replace("/24", "/33"))

    answer = json.loads(said.out)
    assert said.code == 0
    assert answer["held"] == ["Subnet/blue"]
    (problem,) = answer["problems"]
    assert problem["condition"] == "Validated"
    assert problem["message"] == "spec.cidrBlock '10.1.0.0/33' is not a network; use a prefix of at most 32"
    assert problem["new"] is True


def test_files_come_from_directories_lists_and_stdin(tmp_path: Path, ovnloom: Call) -> None:
    """As with kubectl: who has manifests has them in all these forms."""
    deep = tmp_path / "deep"
    deep.mkdir()
    (tmp_path / "subnet.yml").write_text(SUBNET)
    (tmp_path / "notes.txt").write_text("not: [for us")
    items = [yaml.safe_load(POD), {**yaml.safe_load(POD), "metadata": {"name": "db", "namespace": "team"}}]
    (deep / "pods.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    shallow = json.loads(ovnloom("plan", "-f", tmp_path, "-o", "json").out)
    recursive = json.loads(ovnloom("plan", "-R", "-f", tmp_path, "-o", "json").out)
    several = json.loads(ovnloom("plan", "-f", tmp_path, "-f", "-", "-o", "json", stdin=POD).out)

    assert shallow["addresses"] == []
    assert [found["object"] for found in recursive["addresses"]] == ["Pod/team/db", "Pod/team/web"]
    assert [found["object"] for found in several["addresses"]] == ["Pod/team/web"]


def test_objects_without_a_namespace_are_where_the_flag_says(ovnloom: Call) -> None:
    """The same file for several namespaces, as with kubectl -n."""
    pod = POD.replace(", namespace: team", "")

    there = json.loads(ovnloom("plan", "-n", "team", "-f", "-", "-o", "json", stdin=f"{SUBNET}---{pod}").out)
    default = json.loads(ovnloom("plan", "-f", "-", "-o", "json", stdin=f"{SUBNET}---{pod}").out)

    assert (there["addresses"][0]["object"], there["addresses"][0]["subnet"]) == ("Pod/team/web", "blue")
    assert (default["addresses"][0]["object"], default["addresses"][0]["subnet"]) == ("Pod/default/web", "ovn-default")


def test_the_settings_of_the_environment_count(ovnloom: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan with other settings than the controller's would be a plan for another cluster."""
    monkeypatch.setenv("OVNLOOM_DEFAULT_CIDR", "10.66.0.0/16")

    said = ovnloom("plan", "-f", "-", "-o", "json", stdin=POD.replace(", namespace: team", ""))

    assert json.loads(said.out)["addresses"][0]["ips"] == ["10.66.0.2"]


def test_a_deletion_waits_for_who_uses_the_object(ovnloom: Call) -> None:
    """The Subnet alone can't go while the Pod lives, and the plan says for whom it waits; together they can."""
    both = json.loads(ovnloom("plan", "--delete", "-f", "-", "-o", "json", stdin=f"{SUBNET}---{POD}").out)

    assert both["mode"] == "delete"
    assert both["problems"] == []
    assert [(found["object"], found["change"]) for found in both["addresses"]] == [("Pod/team/web", "frees")]
    gone = {(found["table"], found["name"]) for found in both["operations"] if found["operation"] == "delete"}
    assert ("Logical_Switch", "blue") in gone


def test_an_object_that_is_there_twice_counts_once(ovnloom: Call) -> None:
    """The API server would have the last one; so has the plan, and says so."""
    said = ovnloom("plan", "-f", "-", "-o", "json", stdin=f"{SUBNET}---{SUBNET.replace('10.1.0', '10.2.0')}---{POD}")

    answer = json.loads(said.out)
    assert answer["addresses"][0]["ips"] == ["10.2.0.2"]
    assert answer["notes"][0] == "Subnet/blue is there twice: stdin document 1 is not used, stdin document 2 is"


CLOSED = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: team}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""


def isolation(said: Said) -> list[tuple[str, ...]]:
    """What an answer in JSON says about the isolation of Pods."""
    fields = ("object", "network", "direction", "effect", "change")
    return [tuple(found[name] for name in fields) for found in json.loads(said.out)["isolation"]]


def test_of_pods_that_go_nothing_is_said(ovnloom: Call) -> None:
    """A Pod that goes with its policy isn't opened to anybody; a sentence about it would only cause alarm."""
    gone = ovnloom("plan", "--delete", "-f", "-", "-o", "json", stdin=f"{SUBNET}---{POD}---{CLOSED}")

    assert isolation(gone) == []


STORAGE = """
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: storage, namespace: team}
spec: {config: '{"type": "kube-ovn", "provider": "storage.team.ovn"}'}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: storage}
spec: {cidrBlock: 10.7.0.0/24, provider: storage.team.ovn}
"""


def test_each_interface_of_a_pod_is_told_apart(ovnloom: Call) -> None:
    """A policy for one network leaves the Pod's other interfaces open."""
    pod = POD.replace("team}", "team, annotations: {k8s.v1.cni.cncf.io/networks: storage}}")
    annotation = "annotations: {ovn.kubernetes.io/network_policy_for: team/storage}"
    one = CLOSED.replace("closed, namespace: team}", f"one, namespace: team, {annotation}}}").replace("Ing", "Eg")

    text = ovnloom("plan", "-f", "-", stdin=f"{SUBNET}---{STORAGE}---{pod}---{CLOSED}---{one}").out
    said = ovnloom("plan", "-f", "-", "-o", "json", stdin=f"{SUBNET}---{STORAGE}---{pod}---{CLOSED}---{one}")

    assert isolation(said) == [
        ("Pod/team/web", "ovn", "ingress", "isolates", "comes"),
        ("Pod/team/web", "storage.team.ovn", "egress", "isolates", "comes"),
        ("Pod/team/web", "storage.team.ovn", "ingress", "isolates", "comes"),
    ]
    assert (
        "egress on network storage.team.ovn: 1 Pod new and isolated from the start, by NetworkPolicy/team/one" in text
    )
