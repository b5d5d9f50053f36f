"""`kubectl loom` against a real cluster: what it shows is what the API server and OVN have."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovnloom.cli import loom
from sandbox import until
from tests.cli.conftest import Call, Said
from tests.controller.api import Refusal
from tests.controller.field import Place
from tests.controller.replica import PATIENCE
from tests.controller.test_pods import NAD

POLICY = "networking.k8s.io/v1"


@dataclass(frozen=True)
class Shop:
    """A Subnet with two Pods, one of which a policy isolates, and a Pod in another Vpc."""

    place: Place
    call: Call
    space: str
    far: str
    net: str

    def ask(self, command: str, *arguments: str) -> Said:
        """`ovnloom COMMAND`, where the sandbox's cluster and databases are."""
        return self.call(command, *arguments)

    def answer(self, command: str, *arguments: str) -> Any:
        """The same as JSON."""
        said = self.ask(command, *arguments, "-o", "json")
        assert (said.err, said.code in (0, 1)) == ("", True)
        return json.loads(said.out)

    def trace(self, source: str, target: str, *arguments: str) -> Said:
        """A trace between Pods of the shop, short."""
        return self.ask("trace", source, target, "-n", self.space, "--brief", *arguments)

    def counted(self) -> None:
        """The controller has written how many addresses the Pods use."""
        status = lambda: self.place.api.the("Subnet", self.net)["status"]  # noqa: E731
        until(lambda: status().get("v4usingIPs") == 2, "the usage of the Subnet", PATIENCE)

    @property
    def isolated(self) -> str:
        return f"NetworkPolicy {self.space}/closed"


@pytest.fixture
def shop(place: Place, ovnloom: Call, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop, in OVN; the environment says where everything is."""
    sandbox = place.field.sandbox
    space, far = place.namespace("space"), place.namespace("far")
    vpc = place.vpc(namespaces=[far])
    net = place.subnet(namespaces=[space])
    place.subnet("island", vpc=vpc, cidrBlock=place.cidr(1), namespaces=[far])
    place.create(
        {
            "apiVersion": POLICY,
            "kind": "NetworkPolicy",
            "metadata": {"name": "closed", "namespace": space},
            "spec": {
                "podSelector": {"matchLabels": {"app": "db"}},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 5432}]}],
            },
        }
    )
    for name in ("web", "db"):
        container = {"name": "main", "image": "registry.example/none"}
        meta = {"name": name, "namespace": space, "labels": {"app": name}}
        spec = {"nodeName": "worker-1", "containers": [container]}
        place.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        place.allocated(name, space)
    place.pod("stranger", far)
    place.allocated("stranger", far)
    place.field.settled()
    sandbox.ovn.sync()
    monkeypatch.setenv("PATH", sandbox.environment()["PATH"])
    monkeypatch.setenv("OVNLOOM_KUBECONFIG", str(sandbox.kubeconfig))
    monkeypatch.setenv("OVNLOOM_OVN_NB", sandbox.nb)
    monkeypatch.setenv("OVNLOOM_OVN_SB", sandbox.sb)
    return Shop(place, ovnloom, space, far, net)


def cells(said: Said) -> list[list[str]]:
    """The words of a table, without its heading."""
    return [line.split() for line in said.out.splitlines()[1:]]


def test_each_pod_has_a_line_with_its_place_in_the_network(shop: Shop) -> None:
    """What one otherwise puts together from Pods, IPs, policies and the southbound database."""
    said = shop.ask("pods", "-n", shop.space)

    given = {name: shop.place.allocated(name, shop.space) for name in ("db", "web")}
    assert (said.code, said.err) == (0, "")
    assert cells(said) == [
        [shop.space, name, shop.net, given[name]["ip_address"], given[name]["mac_address"], "worker-1", "unbound", cut]
        for name, cut in (("db", "ingress"), ("web", "no"))
    ]


def test_the_state_of_a_port_is_that_of_the_southbound_database(shop: Shop) -> None:
    """A Pod without a network most often has a port that its node didn't take, or that doesn't work yet."""
    sandbox, port = shop.place.field.sandbox, f"web.{shop.space}"
    states = []
    sandbox.sbctl("chassis-add", port, "geneve", "192.0.2.7")
    try:
        sandbox.sbctl("lsp-bind", port, port)
        sandbox.sbctl("set", "Port_Binding", port, "up=false")
        states += [shop.answer("pods", "-n", shop.space, "-l", "app=web")["pods"][0]["port"]]
        sandbox.sbctl("set", "Port_Binding", port, "up=true")
        states += [shop.answer("pods", "-n", shop.space, "-l", "app=web")["pods"][0]["port"]]
    finally:
        sandbox.sbctl("lsp-unbind", port)
        sandbox.sbctl("chassis-del", port)

    assert states == ["down", "up"]


def test_a_selector_and_all_namespaces_choose_as_in_kubectl(shop: Shop) -> None:
    """Nobody learns a second way."""
    chosen = shop.answer("pods", "-n", shop.space, "-l", "app notin (web)")["pods"]
    every = shop.answer("pods", "-A")["pods"]

    assert [found["name"] for found in chosen] == ["db"]
    assert {shop.space, shop.far} <= {found["namespace"] for found in every}


def test_a_pod_without_an_address_says_why(shop: Shop) -> None:
    """The sentence is the controller's own, and stands beside the table, not in it."""
    place = shop.place
    place.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "lost",
                "namespace": shop.space,
                "annotations": {"ovn.kubernetes.io/logical_switch": "nowhere"},
            },
            "spec": {"containers": [{"name": "main", "image": "registry.example/none"}]},
        }
    )
    place.field.settled()

    said = shop.ask("pods", "-n", shop.space)
    found = next(
        pod for pod in json.loads(shop.ask("pods", "-n", shop.space, "-o", "json").out)["pods"] if pod["name"] == "lost"
    )

    assert said.code == 0
    assert next(line for line in cells(said) if line[1] == "lost")[2:5] == ["-", "-", "-"]
    reasons = [warning["reason"] for warning in found["warnings"]]
    assert reasons[-1] == "NoAddress"
    assert any("nowhere" in warning["message"] for warning in found["warnings"])
    assert f"{shop.space}/lost: {reasons[0]}: " in said.err


def test_a_pod_with_two_networks_has_two_lines(shop: Shop) -> None:
    """Each interface has an address and a port of its own, and either may be the broken one."""
    place, provider = shop.place, f"lan.{shop.space}.ovn"
    if place.api.get("CustomResourceDefinition", NAD["metadata"]["name"]) is None:  # type: ignore[index]
        place.api.create(NAD)
    second = place.subnet("lan", cidrBlock=place.cidr(2), provider=provider)
    definition = {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "lan", "namespace": shop.space},
        "spec": {"config": json.dumps({"cniVersion": "0.3.1", "type": "kube-ovn", "provider": provider})},
    }
    until(lambda: accepted(place, definition), "the kind to be served", PATIENCE)
    place.pod("two", shop.space, {"k8s.v1.cni.cncf.io/networks": "lan"})
    given = {name: place.allocated("two", shop.space, name)["ip_address"] for name in ("ovn", provider)}

    said = shop.ask("pods", "-n", shop.space)

    assert said.out.split()[2] == "NETWORK"
    found = [line[2:5] for line in cells(said) if line[1] == "two"]
    assert found == [["ovn", shop.net, given["ovn"]], [provider, second, given[provider]]]


def accepted(place: Place, body: dict[str, Any]) -> bool:
    """Whether the API server took the object."""
    try:
        place.create(body)
    except Refusal:
        return False
    return True


def test_without_a_southbound_database_only_the_ports_are_unknown(shop: Shop, tmp_path: Path) -> None:
    """Most people have an API server at hand and no socket of OVN."""
    said = shop.ask("pods", "-n", shop.space, "--ovn-sb", f"unix:{tmp_path}/none.sock")

    assert said.code == 0
    assert [(line[1], line[6]) for line in cells(said)] == [("db", "?"), ("web", "?")]
    assert "use --ovn-sb" in said.err


def test_subnets_are_shown_with_what_is_wrong_with_them(shop: Shop) -> None:
    """Whether addresses are left, and whether it works, in one look."""
    broken = shop.place.subnet("overlapping", cidrBlock=shop.place.cidr())
    sentence = shop.place.fails("Subnet", broken)
    shop.counted()

    said = shop.ask("subnets")

    lines = {line[0]: line for line in cells(said)}
    assert lines[shop.net][1:5] == ["ovn-cluster", shop.place.cidr(), "2", "251"]
    assert lines[shop.net][-1] == "Ready"
    assert "Ready=False" in " ".join(lines[broken])
    assert f"{broken}: " in said.err
    assert sentence in said.err


def test_subnets_are_data_as_well(shop: Shop) -> None:
    """For dashboards and scripts, in both forms."""
    shop.counted()
    text = shop.ask("subnets", "-o", "yaml").out

    found = next(one for one in yaml.safe_load(text)["subnets"] if one["name"] == shop.net)
    assert (found["vpc"], found["used"], found["gatewayType"]) == ("ovn-cluster", {"v4": 2}, "distributed")
    assert found == next(one for one in shop.answer("subnets")["subnets"] if one["name"] == shop.net)


def test_a_packet_that_a_policy_names_is_delivered(shop: Shop) -> None:
    """The last line says where it came out, and which rule let it through."""
    said = shop.trace("web", "db", "--port", "5432/tcp")

    assert (said.code, said.err) == (0, "")
    last = said.out.splitlines()[-1]
    assert last.startswith(f"delivered to Pod {shop.space}/db ")
    assert last.endswith(f"allowed by ACL of {shop.isolated}, spec.ingress[0]")


def test_a_packet_that_no_policy_names_is_dropped_by_it(shop: Shop) -> None:
    """The question that every user of policies has: which one was it?"""
    said = shop.trace("web", "db", "--port", "80/tcp")

    assert said.code == 1
    assert said.out.splitlines()[-1].startswith(f"dropped by ACL of {shop.isolated}, ")
    assert f"is {shop.isolated}" in said.out.splitlines()[-1]


def test_a_packet_to_another_vpc_does_not_arrive(shop: Shop) -> None:
    """A router that asks who has the next hop floods its question to Pods; that isn't the packet."""
    said = shop.trace(f"{shop.far}/stranger", "db", "--port", "5432/tcp")

    assert said.code == 1
    assert said.out.splitlines()[-1].startswith("waits in Vpc ")


def test_a_packet_that_is_answered_for_is_rejected(shop: Shop) -> None:
    """The answer reaches the sender; the packet went nowhere."""
    acl = {"direction": "to-lport", "priority": 2000, "match": "tcp.dst == 81", "action": "reject"}
    patch = json.dumps({"spec": {"acls": [acl]}})
    sandbox = shop.place.field.sandbox
    sandbox.kubectl("patch", "subnet", shop.net, "--type=merge", "-p", patch)
    until(lambda: "tcp.dst == 81" in sandbox.nbctl("acl-list", shop.net), "the ACL", PATIENCE)
    sandbox.ovn.sync()

    said = shop.trace("db", "web", "--port", "81/tcp")

    assert said.code == 1
    ends = f"rejected by ACL of Subnet {shop.net} (in Subnet {shop.net}: tcp.dst == 81)"
    assert said.out.splitlines()[-1] == ends


def test_a_service_without_endpoints_rejects(shop: Shop) -> None:
    """Its address is known, and there is nobody behind it."""
    body = {"selector": {"app": "nobody"}, "ports": [{"port": 80, "protocol": "TCP"}]}
    meta = {"name": "empty", "namespace": shop.space}
    shop.place.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body})
    sandbox = shop.place.field.sandbox
    row = ("--bare", "--columns=name", "find", "Load_Balancer")
    owner = f'external_ids:"ovnloom.io/owner"="Service/{shop.space}/empty"'
    until(lambda: bool(sandbox.nbctl(*row, owner).strip()), "its load balancer", PATIENCE)
    shop.place.field.settled()
    sandbox.ovn.sync()

    said = shop.trace("web", "svc/empty")

    assert said.code == 1
    assert f"rejected by load balancer of Service {shop.space}/empty, which has no endpoint" in said.out


def test_a_whole_trace_has_names_for_numbers(shop: Shop) -> None:
    """Nobody knows by heart whose flow caa01f14 is."""
    said = shop.ask("trace", "web", "db", "-n", shop.space, "--port", "80/tcp")

    assert f'ingress(dp="Subnet {shop.net}", inport="Pod {shop.space}/web")' in said.out
    assert f'outport = "Pod {shop.space}/db";' in said.out
    assert f'outport == @"{shop.isolated}"' in said.out
    assert f"<- ACL of {shop.isolated}" in said.out
    assert ", uuid " not in said.out
    assert "northd.c" not in said.out
    assert "reg14" not in said.out


def test_a_trace_says_the_same_as_the_verdict(shop: Shop) -> None:
    """One asks OVN's flows, the other the rows; where they differ one of them is wrong."""
    pairs = [(f"{shop.space}/web", f"{shop.space}/db"), (f"{shop.space}/db", f"{shop.space}/web")]
    pairs += [(f"{shop.far}/stranger", f"{shop.space}/web")]

    for source, target in pairs:
        for port in ("5432/tcp", "80/tcp", "icmp"):
            traced = shop.ask("trace", source, target, "--port", port)
            judged = shop.ask("verdict", source, target, "--port", port)
            assert (source, target, port, traced.code) == (source, target, port, judged.code)


def test_a_trace_is_data_as_well(shop: Shop) -> None:
    """For a page that draws it."""
    found = shop.answer("trace", "web", "db", "-n", shop.space, "--port", "80/tcp")

    assert (found["delivered"], found["outputs"]) == (False, [])
    assert found["stoppedBy"] == shop.isolated
    assert found["steps"][-1]["of"].startswith(f"ACL of {shop.isolated}")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("web", "bd"), "TO: OVN has no port of Pod {space}/bd; did you mean {space}/db"),
        (("nobody", "db"), "FROM: OVN has no port of Pod {space}/nobody"),
        (("web", "svc/none"), "TO: OVN has no load balancer of Service {space}/none"),
        (("web", "db", "--port", "http"), "--port is 'http'"),
        (("web", "db", "--ovn-sb", "unix:/nowhere/sb.sock"), "name it by --ovn-sb"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(shop: Shop, arguments: tuple[str, ...], sentence: str) -> None:
    """Exit code 2 is never an answer."""
    said = shop.trace(*arguments)

    assert (said.code, said.out) == (2, "")
    assert sentence.format(space=shop.space) in said.err


def test_kubectl_finds_the_plugin_and_its_context_chooses_the_namespace(shop: Shop, tmp_path: Path) -> None:
    """As with every other command of kubectl."""
    sandbox = shop.place.field.sandbox
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(sandbox.kubeconfig.read_text())
    program = tmp_path / "kubectl-loom"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ovnloom.cli.loom "$@"\n')
    program.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "OVNLOOM_KUBECONFIG"}
    environment |= {"KUBECONFIG": str(kubeconfig), "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def kubectl(*arguments: str) -> str:
        command = ["kubectl", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    kubectl("config", "set-context", "--current", f"--namespace={shop.space}")
    shown = kubectl("loom", "pods")

    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [[shop.space, "db"], [shop.space, "web"]]
    assert kubectl("loom", "trace", "web", "db", "--port", "5432/tcp").splitlines()[-1].startswith("delivered to")


def test_the_plugin_has_the_commands_that_its_page_names(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of ovnloom that look, and none that runs a server."""
    assert loom.called(["--help"]) == 0

    said = capsys.readouterr().out
    for command in ("pods", "subnets", "plan", "verdict", "reach", "trace"):
        assert f" {command} " in said
    assert " controller " not in said
