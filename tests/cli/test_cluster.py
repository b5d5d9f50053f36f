"""Plans against a real cluster, held to what its controller then does."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import client, until
from tests.cli.conftest import Call, Said
from tests.controller.field import Place
from tests.controller.replica import PATIENCE

Body = dict[str, Any]


class Question:
    """One set of manifests in a file, planned against the cluster of a place."""

    def __init__(self, place: Place, call: Call, file: Path, bodies: list[Body]) -> None:
        self.place = place
        self.file = file
        self.call = call
        self.write(bodies)

    def write(self, bodies: list[Body]) -> None:
        self.bodies = bodies
        self.file.write_text(yaml.safe_dump_all(bodies))

    def ask(self, *options: str) -> Said:
        sandbox = self.place.field.sandbox
        where = ("--kubeconfig", str(sandbox.kubeconfig), "--ovn-nb", sandbox.nb)
        return self.call("plan", "-f", self.file, *where, *options)

    def answer(self, *options: str) -> Body:
        said = self.ask("-o", "json", *options)
        assert said.err == ""
        found: Body = json.loads(said.out)
        assert said.code == (2 if found["changes"] else 0)
        return found

    def clear(self) -> None:
        """The set makes no Pods any more, and those that it made are gone: there is no kubelet that would end them."""
        kubectl, space = self.place.field.sandbox.kubectl, self.place.name("space")
        kubectl("delete", "statefulset", "--all", "-n", space, "--cascade=orphan")
        kubectl("delete", "pods", "--all", "-n", space, "--force", "--grace-period=0")
        until(lambda: not self.place.api.every("Pod", space), f"Pods of {space} to go", PATIENCE)
        # Addresses that were a set's are asked to go by name: what these tests are about isn't how long they stay.
        kubectl("delete", "ips.kubeovn.io", f"db-0.{space}", f"db-1.{space}", "--ignore-not-found", "--wait=false")

    def apply(self) -> None:
        """The file is applied, and goes with the place."""
        for body in self.bodies:
            meta = body["metadata"]
            self.place.made.append((body["kind"], meta["name"], meta.get("namespace", "")))
        self.place.field.sandbox.kubectl("apply", "-f", str(self.file))


@pytest.fixture
def question(place: Place, ovnloom: Call, tmp_path: Path) -> Iterator[Question]:
    """A Vpc with a Subnet, a StatefulSet and a Pod with an address of its own choice, none of which is there yet."""
    space, vpc, net = place.name("space"), place.name("vpc"), place.name("net")
    container = {"name": "main", "image": "registry.example/none"}
    place.namespace("space")
    bodies = [
        {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": vpc}, "spec": {"namespaces": [space]}},
        {
            "apiVersion": "kubeovn.io/v1",
            "kind": "Subnet",
            "metadata": {"name": net},
            "spec": {"vpc": vpc, "cidrBlock": f"{place.cidr()},fd00:{place.number}::/112", "namespaces": [space]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "db", "namespace": space},
            "spec": {
                "replicas": 2,
                "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": {"app": "db"}},
                "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "fixed",
                "namespace": space,
                "annotations": {"ovn.kubernetes.io/ip_address": place.address(77)},
            },
            "spec": {"nodeName": "worker-1", "containers": [container]},
        },
    ]
    found = Question(place, ovnloom, tmp_path / "manifests.yaml", bodies)
    yield found
    found.clear()


def parts(addresses: Iterable[str]) -> list[str]:
    """Both families, each address by itself."""
    return sorted(part for both in addresses for part in both.split(","))


def settled(place: Place, ports: int) -> None:
    """All ports of the place are there, and the controller has nothing to do."""
    space = place.name("space")

    def there() -> bool:
        names = place.field.rows("Logical_Switch_Port").names("Logical_Switch_Port")
        return sum(name.endswith(f".{space}") for name in names) == ports

    until(there, f"{ports} ports of {space}", PATIENCE)
    place.field.settled()


def test_what_was_planned_is_what_the_controller_does(place: Place, question: Question) -> None:
    """The promise of the plan: the addresses, and nothing left to change once the files are applied."""
    place.field.settled()
    before = question.answer()

    question.apply()
    settled(place, 3)

    assert before["changes"] is True
    assert before["pending"]["operations"] == []
    planned = {
        found["object"].rpartition("/")[2]: (",".join(found["ips"]), found["mac"]) for found in before["addresses"]
    }
    assert planned.keys() == {"db-0", "db-1", "fixed"}
    for pod in ("fixed", "db-0", "db-1"):
        given = place.allocated(pod, place.name("space"))
        # Which Pod comes first is Kubernetes' choice, so the free addresses may be the others'; MACs follow from names.
        assert given["mac_address"] == planned[pod][1]
    every = [place.allocated(pod, place.name("space"))["ip_address"] for pod in planned]
    assert parts(every) == parts(addresses for addresses, _ in planned.values())

    after = question.answer()
    assert (after["changes"], after["operations"], after["pending"]["operations"]) == (False, [], [])
    assert {found["change"] for found in after["addresses"]} == {"keeps"}
    planned_rows = {(found["table"], found["name"]) for found in before["operations"] if found["operation"] == "insert"}
    rows = place.field.rows("Logical_Switch", "Logical_Switch_Port", "Logical_Router")
    for table in ("Logical_Switch", "Logical_Switch_Port", "Logical_Router"):
        assert {name for where, name in planned_rows if where == table} <= rows.names(table)


def test_a_change_is_planned_over_what_is_there(place: Place, question: Question) -> None:
    """A manifest has no status and not all fields; what is there and isn't said stays."""
    question.apply()
    settled(place, 3)
    subnet, stateful = question.bodies[1], question.bodies[2]
    subnet = {**subnet, "spec": {**subnet["spec"], "enableDHCP": True}}
    stateful = {**stateful, "spec": {**stateful["spec"], "replicas": 1}}
    question.write([subnet, stateful])

    found = question.answer()

    net, space = place.name("net"), place.name("space")
    changed = {(edit["operation"], edit["table"], edit["name"]) for edit in found["operations"]}
    assert ("insert", "DHCP_Options", f"{net} - IPv4") in changed
    assert ("update", "Logical_Switch_Port", f"fixed.{space}") in changed
    assert ("delete", "Logical_Switch_Port", f"db-1.{space}") in changed
    assert [(one["object"], one["change"]) for one in found["addresses"]] == [(f"Pod/{space}/db-1", "frees")]


def test_a_deletion_in_a_cluster_waits_for_those_who_use_the_object(place: Place, question: Question) -> None:
    """A Subnet alone stays and names its users; with all of them it goes."""
    question.apply()
    settled(place, 3)
    everything = question.answer("--delete")
    question.write([question.bodies[1]])

    alone = question.answer("--delete")

    assert alone["operations"] == []
    (waits,) = [found for found in alone["problems"] if found["object"] == f"Subnet/{place.name('net')}"]
    assert waits["reason"] == "DeletionWaits"
    assert f"fixed.{place.name('space')}" in waits["message"]
    gone = {(edit["table"], edit["name"]) for edit in everything["operations"] if edit["operation"] == "delete"}
    assert {("Logical_Switch", place.name("net")), ("Logical_Router", place.name("vpc"))} <= gone
    assert {one["change"] for one in everything["addresses"]} == {"frees"}


def test_what_the_controller_has_yet_to_write_is_not_the_files_doing(place: Place, question: Question) -> None:
    """With the controller away, a lost row is drift; a plan of unchanged files has no changes."""
    question.apply()
    settled(place, 3)
    space, sandbox = place.name("space"), place.field.sandbox
    place.field.controller.stop()
    try:
        sandbox.nbctl("lsp-del", f"fixed.{space}")

        found = question.answer()
        without_files = question.call("plan", "--kubeconfig", sandbox.kubeconfig, "--ovn-nb", sandbox.nb, "-o", "json")
    finally:
        place.field.controller.begin()

    assert found["operations"] == []
    assert [edit["name"] for edit in found["pending"]["operations"] if edit["operation"] == "insert"] == [
        f"fixed.{space}"
    ]
    assert without_files.code == 2
    names = [edit["name"] for edit in json.loads(without_files.out)["operations"] if edit["operation"] == "insert"]
    assert names == [f"fixed.{space}"]


def test_a_snapshot_has_what_the_database_has(place: Place, question: Question, tmp_path: Path, ovnloom: Call) -> None:
    """A plan for a cluster that can't be reached from here; both forms of a snapshot and the server's own file."""
    question.apply()
    settled(place, 3)
    sandbox = place.field.sandbox
    backup, dump = tmp_path / "nb.backup", tmp_path / "nb.json"
    for file, command in ((backup, ("backup",)), (dump, ("dump", "-f", "json"))):
        file.write_text(client.output("ovsdb-client", *command, sandbox.nb, "OVN_Northbound"))
    own = sandbox.directory / "nb.db"

    for file in (backup, dump, own):
        found = json.loads(ovnloom("plan", "-f", question.file, "--against", f"nb-snapshot={file}", "-o", "json").out)

        assert [edit for edit in found["operations"] if edit["operation"] != "add"] == []
        assert {one["change"] for one in found["addresses"]} == {"keeps"}


def test_a_database_or_an_api_server_that_is_away_is_named(place: Place, question: Question) -> None:
    """Which of the two it is decides where to look."""
    sandbox = place.field.sandbox
    nowhere = ("--kubeconfig", str(sandbox.kubeconfig), "--ovn-nb", "unix:/nowhere.sock")

    database = question.call("plan", "-f", question.file, *nowhere)
    broken = question.file.with_name("kubeconfig")
    server = yaml.safe_load(sandbox.kubeconfig.read_text())
    server["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    broken.write_text(yaml.safe_dump(server))
    api = question.call("plan", "-f", question.file, "--kubeconfig", broken)

    assert database.code == api.code == 1
    assert database.err.startswith("error: northbound database: unix:/nowhere.sock: No such file or directory; name it")
    assert api.err.startswith("error: API server: GET ")
    assert "--against empty" in api.err


def test_a_policy_says_whom_it_cuts_off_and_who_is_free_when_it_goes(
    place: Place, ovnloom: Call, tmp_path: Path
) -> None:
    """The Pods run already, so a policy that means too many of them is an outage; a reviewer must see it before."""
    space = place.namespace("space")
    place.subnet(namespaces=[space])
    for name in ("one", "two"):
        place.pod(name, space)
    for name in ("one", "two"):
        place.allocated(name, space)
    place.field.settled()
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed", "namespace": space},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
    }
    question = Question(place, ovnloom, tmp_path / "policy.yaml", [policy])

    coming = question.ask().out
    question.apply()
    until(
        lambda: f"closed.{space.replace('-', '.')}" in place.field.rows("Port_Group").names("Port_Group"), "its group"
    )
    place.field.settled()
    again, going = question.answer(), question.ask("--delete").out

    by = f"NetworkPolicy/{space}/closed"
    pods = f"      Pod/{space}/one, Pod/{space}/two\n"
    assert f"Isolation\n  + egress: 2 Pods isolated anew, by {by}\n{pods}" in coming
    assert (again["changes"], again["isolation"]) == (False, [])
    assert f"Isolation\n  - egress: 2 Pods no longer isolated, before by {by}\n{pods}" in going
