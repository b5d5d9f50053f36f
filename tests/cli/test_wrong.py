"""Questions that can't be answered: exit code 1, nothing on stdout, and a sentence that says where and what."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Call

SUBNET = "{apiVersion: kubeovn.io/v1, kind: Subnet, metadata: {name: a}, spec: %s}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "stdin document 1: line 2, column 1: it is neither YAML nor JSON: "),
        ("{}\n---\na: b: c", "stdin document 2: line 3, column 5: it is neither YAML nor JSON: "),
        ("- 1", "stdin document 1: it is a list, not an object; write apiVersion, kind, metadata and spec"),
        ("just words", "stdin document 1: it is text, not an object; write apiVersion, kind, metadata and spec"),
        ("{kind: Pod, metadata: {name: a}}", "stdin document 1: apiVersion is missing; add it"),
        ("{apiVersion: v1, metadata: {name: a}}", "stdin document 1: kind is missing; add it"),
        ("{apiVersion: v1, kind: Pod}", "stdin document 1: metadata is missing; add it with a name"),
        ("{apiVersion: v1, kind: Pod, metadata: {}}", "stdin document 1: metadata.name is missing; add it"),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: 7}}",
            "stdin document 1: metadata.name is 7; write it in quotes",
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: a, annotations: {x: 1}}}",
            "stdin document 1: metadata.annotations[x] is 1, which is not text; write it in quotes",
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: [x]}}",
            "stdin document 1: metadata.labels is not an object; write name: value",
        ),
        (
            "{apiVersion: v1, kind: Subnet, metadata: {name: a}}",
            "stdin document 1: kind Subnet has apiVersion kubeovn.io/v1, not v1; change it",
        ),
        (
            "{apiVersion: kubeovn.io/v2, kind: Subnet, metadata: {name: a}}",
            "stdin document 1: kind Subnet has apiVersion kubeovn.io/v1, not kubeovn.io/v2; change it",
        ),
        (
            "{apiVersion: kubeovn.io/v1, kind: Subnets, metadata: {name: a}}",
            (
                "stdin document 1: kind Subnets does not exist in kubeovn.io; ovnloom serves Vpc, "
                "ProviderNetwork, Vlan, Subnet, IPPool, SecurityGroup, IP, Vip, SwitchLBRule, VpcDns"
            ),
        ),
        (SUBNET % "[1]", "stdin document 1: spec is '[1]'; write an object"),
        (SUBNET % "{private: perhaps}", "stdin document 1: spec.private is 'perhaps'; "),
        (SUBNET % "{namespaces: team}", "stdin document 1: spec.namespaces is 'team'; "),
        (
            f"{{apiVersion: v1, kind: List, items: [{SUBNET % '{}'}, {SUBNET % '{mtu: [1]}'}]}}",
            "stdin document 1 items[1]: spec.mtu is [1]; ",
        ),
        ("{apiVersion: v1, kind: List, items: 1}", "stdin document 1: items is a number; write a list of objects"),
        (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: many}}",
            "stdin document 1: spec.replicas is 'many'; write a whole number",
        ),
        (
            SUBNET.replace("%s", "&x {acls: [*x]}"),
            "stdin document 1: it has more than 2000000 values once its aliases (*name) are written out; use fewer",
        ),
        ("# nothing", "-: there is no object in it"),
    ],
)
def test_a_manifest_that_can_not_be_read_is_named_with_its_place(text: str, sentence: str, ovnloom: Call) -> None:
    """Of a hundred documents one is wrong: the file, the document and the field lead there."""
    said = ovnloom("plan", "--against", "empty", "-f", "-", stdin=text)

    assert said.code == 1
    assert said.out == ""
    assert f"error: {sentence}" in said.err


def test_every_mistake_is_told_at_once(tmp_path: Path, ovnloom: Call) -> None:
    """Who repairs one after another wants to know how many there are."""
    file = tmp_path / "some.yaml"
    file.write_text(f"{SUBNET % '{mtu: [1], private: 3}'}\n---\n{{kind: Pod}}\n")

    said = ovnloom("plan", "-f", file)

    assert said.err.count("error: ") == 3
    assert f"{file} document 1: spec.mtu" in said.err
    assert f"{file} document 2: apiVersion is missing" in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-f", "/nowhere.yaml"), "/nowhere.yaml: it can't be read: No such file or directory"),
        (("-f", "https://example.org/a.yaml"), "a plan reads no addresses; download it and pass the file"),
        ((), "there is no file; name one by -f FILE, a directory by -f DIRECTORY, or stdin by -f -"),
        (("-f", "-", "--against", "moon"), "--against is 'moon'; use cluster, nb-snapshot=FILE or empty"),
        (("-f", "-", "--against", "nb-snapshot="), "--against is 'nb-snapshot='; use cluster, nb-snapshot=FILE or"),
        (("-f", "-", "--against", "nb-snapshot=/nowhere"), "/nowhere: the snapshot can't be read: No such file"),
        (("-f", "-", "--kubeconfig", "/nowhere"), "kubeconfig /nowhere can't be read: No such file or directory"),
        (("-f", "-", "-o", "xml"), "'xml' is not one of 'text', 'json', 'yaml'"),
        (("--nope",), "No such option: --nope"),
        (("-f",), "Option '-f' requires an argument"),
    ],
)
def test_a_question_that_can_not_be_asked_says_what_to_do(
    arguments: tuple[str, ...], sentence: str, ovnloom: Call
) -> None:
    """The exit code is 1: 2, which programs like this use for wrong arguments, means changes here."""
    said = ovnloom("plan", *arguments, stdin=SUBNET % "{cidrBlock: 10.1.0.0/24}")

    assert said.code == 1
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert sentence in said.err


def test_an_empty_directory_is_no_answer(tmp_path: Path, ovnloom: Call) -> None:
    """ "No changes" for a mistyped directory would be the most expensive answer."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(SUBNET % "{}")

    said = ovnloom("plan", "-f", tmp_path)

    assert said.code == 1
    assert "no file in it ends in .yaml, .yml or .json; -R looks into its directories too" in said.err


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, ovnloom: Call) -> None:
    """Rights are a common reason in pipelines."""
    file = tmp_path / "secret.yaml"
    file.write_text("a: b")
    file.chmod(0)

    assert f"{file}: it can't be read: Permission denied" in ovnloom("plan", "-f", file).err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{}", "it is no snapshot of a northbound database"),
        ("OVSDB CLUSTER 12 abc\n{}", "it is the file of one server of a cluster, not a snapshot"),
        ("OVSDB JSON 5 abc\n{", "it is no snapshot of a northbound database"),
        (json.dumps({"caption": "Open_vSwitch table", "headings": [], "data": []}), "it has no Logical_Switch table"),
    ],
)
def test_a_file_that_is_no_snapshot_is_refused(content: str, sentence: str, tmp_path: Path, ovnloom: Call) -> None:
    """A plan against nothing would insert everything and look right."""
    file = tmp_path / "nb"
    file.write_text(content)

    said = ovnloom("plan", "-f", "-", "--against", f"nb-snapshot={file}", stdin=SUBNET % "{cidrBlock: 10.1.0.0/24}")

    assert said.code == 1
    assert sentence in said.err
    assert "make one by: ovsdb-client backup SERVER OVN_Northbound > FILE" in said.err


def test_settings_that_contradict_each_other_are_told(ovnloom: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller wouldn't start with them either, with the same sentence."""
    monkeypatch.setenv("OVNLOOM_JOIN_CIDR", "10.16.0.0/24")

    said = ovnloom("plan", "-f", "-", stdin=SUBNET % "{}")

    assert said.code == 1
    assert "settings default_cidr and join_cidr overlap" in said.err
