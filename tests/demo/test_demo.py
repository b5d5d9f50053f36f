"""The demo, run as a newcomer runs it, in a sandbox of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Sandbox
from sandbox.server import recorded
from tests.conftest import ROOT, remove_leftovers, sandbox_name

# It brings up a control plane: see tests/conftest.py.
pytestmark = pytest.mark.xdist_group("cluster")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m demo`, with all that it prints as stdout."""
    command = [sys.executable, "-m", "demo", *arguments]
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """The name of a sandbox that only these tests have; it is gone afterwards, whatever happened."""
    remove_leftovers()
    chosen = sandbox_name("demo")
    yield chosen
    Sandbox(chosen).down()


@pytest.fixture(scope="module")
def shown(name: str) -> str:
    """What the first run printed."""
    done = run("rows", "--name", name, "--nodes", "2")
    assert done.returncode == 0, done.stdout
    return done.stdout


@dataclass(frozen=True)
class Answered:
    """One question as it was printed: both ends and the port, whether the packet arrived, and what each side says."""

    ends: str
    arrives: bool
    trace: str
    verdict: str


@pytest.fixture(scope="module")
def answered(shown: str) -> list[Answered]:
    """All questions of the run, in their order, without what a Deployment puts behind the name of a Pod."""
    found = re.findall(
        r"^([✓✗]) (\S+) -> (\S+), (\S+): .*\n.*\n +ovn-trace +(.*)\n +ovnloom verdict +(.*)$", shown, re.MULTILINE
    )
    return [
        Answered(f"{_stem(source)} -> {_stem(target)} {port}", mark == "✓", trace, verdict)
        for mark, source, target, port, trace, verdict in found
    ]


def test_the_traces_arrive_where_the_samples_allow_it_and_nowhere_else(answered: list[Answered]) -> None:
    """The answers follow from the flows that OVN made; they are the proof that all stages before worked."""
    assert [(each.ends, each.arrives) for each in answered] == [
        ("acme-web/front -> acme-db/db-0 80/tcp", True),
        ("shop/web -> vault/safe 80/tcp", True),
        ("default/visitor -> vault/safe 80/tcp", False),
        ("shop/web -> acme-db/db-0 80/tcp", False),
        ("shop/till -> svc/shop/printer 80/tcp", True),
        ("shop/web -> svc/shop/printer 80/tcp", False),
        ("shop/till -> shop/printer 631/tcp", True),
        ("shop/till -> shop/printer 9100/tcp", False),
        ("default/visitor -> shop/printer 9100/tcp", True),
        ("acme-web/front -> acme-db/ledger 5432/tcp", True),
        ("acme-web/front -> acme-db/ledger 22/tcp", False),
    ]
    traces = [each.trace for each in answered if not each.arrives]
    assert sum("dropped in ls_out_acl" in trace for trace in traces) == len(traces) - 1
    assert re.search(r"it comes out at port node-worker-\d, not at db-0.acme-db", traces[1])


def test_verdicts_agree_with_the_packets_and_name_the_rule(answered: list[Answered]) -> None:
    """Someone who has seen once that both say the same asks the one that names the object."""
    assert [each.verdict.startswith("allowed: ") for each in answered] == [each.arrives for each in answered]
    said = {each.ends: each.verdict for each in answered}
    assert re.search(
        r"becomes 10\.10\.0\.5:631, .* by Service/shop/printer, .* by NetworkPolicy/shop/printer spec\.ingress\[0\]$",
        said["shop/till -> svc/shop/printer 80/tcp"],
    )
    assert said["shop/till -> shop/printer 9100/tcp"].endswith(
        "drop by NetworkPolicy/shop/printer spec.policyTypes ingress"
    )
    assert "spec.ingress[1]" in said["default/visitor -> shop/printer 9100/tcp"]
    assert "SecurityGroup/ledger spec.ingressRules[0]" in said["acme-web/front -> acme-db/ledger 5432/tcp"]


def test_a_policy_that_is_not_applied_shows_what_it_would_cut_off(shown: str, name: str) -> None:
    """That is the moment at which the question is worth most: nobody can't print yet."""
    verdict = shown[shown.index("$ ovnloom verdict") : shown.index("$ ovnloom reach")]
    matrix = shown[shown.index("$ ovnloom reach") :]

    assert "allowed now, denied with the files" in verdict
    assert "drop by NetworkPolicy/shop/tills spec.policyTypes egress" in verdict
    assert len(re.findall(r"^shop/till-\S+ +no \(was yes\) +yes$", matrix, re.MULTILINE)) == 2
    assert len(re.findall(r"^shop/web-\S+ +no +yes$", matrix, re.MULTILINE)) == 2
    assert "tills" not in Sandbox(name).kubectl("get", "networkpolicies", "--all-namespaces")


def test_kubectl_shows_the_subnets_and_the_address_that_a_pod_asked_for(shown: str) -> None:
    """The tables are kubectl's own, so a user finds the same on a cluster of theirs."""
    assert re.search(r"^acme-db +ovn +acme +Dual +10\.20\.0\.0/24,fd00:20::/64", shown, re.MULTILINE)
    assert re.search(r"^printer\.shop +10\.10\.0\.5 +0a:58:0a:0a:00:05", shown, re.MULTILINE)
    assert re.search(r"^till-\S+\.shop +10\.10\.0\.10\d", shown, re.MULTILINE)
    assert re.search(r"^db-1\.acme-db +10\.20\.0\.\d+ +fd00:20::", shown, re.MULTILINE)


def test_the_topology_has_each_switch_under_the_router_of_its_vpc(shown: str) -> None:
    """The tree is drawn from the northbound database, not from the manifests."""
    acme = shown[shown.index("router acme") : shown.index("router ovn-cluster")]

    assert "switch acme-web  10.10.0.1/24" in acme
    assert "db-0.acme-db" in acme
    assert "switch shop-too" not in shown


def test_the_broken_subnet_says_what_is_wrong_and_what_to_do(shown: str) -> None:
    """A newcomer's first mistake should be one that explains itself."""
    assert re.search(r"^ Validated +False +ValidateLogicalSwitchFailed", shown, re.MULTILINE)
    assert "overlaps Subnet shop (10.10.0.0/24); choose a CIDR" in shown


def test_the_plan_shows_rows_and_the_address_and_changes_nothing(shown: str, name: str) -> None:
    """What sets ovnloom apart has to be seen in the demo, and a plan that wrote something would be none."""
    plan = shown[shown.index("$ ovnloom plan") : shown.index("$ ovnloom verdict")]

    assert "guard.vault" in plan
    assert "10.16.0.0/16" in plan
    assert "guard.vault" not in Sandbox(name).nbctl("--columns=name", "list", "Logical_Switch_Port")


def test_a_second_run_changes_nothing_and_ends_well(shown: str, name: str) -> None:
    """People run it again; addresses that moved would make it a bad example of what it shows."""
    before = _addresses(name)

    done = run("rows", "--name", name, "--nodes", "2")

    assert done.returncode == 0, done.stdout
    assert "the sandbox is up already" in done.stdout
    assert _addresses(name) == before


def test_down_ends_the_controller_too_and_leaves_no_file(shown: str, name: str) -> None:
    """What the demo started, the user can't be expected to find."""
    directory = Sandbox(name).directory
    started = {server.name: server.identity for server in recorded(directory)}
    assert "ovnloom-controller" in started

    done = run("down", "--name", name)

    assert done.returncode == 0, done.stdout
    assert not Path(directory).exists()
    assert [server for server, identity in started.items() if identity and identity.alive] == []


def _stem(pod: str) -> str:
    """Without what a Deployment puts behind the name."""
    return re.sub(r"-[0-9a-z]+-[0-9a-z]{5}$", "", pod)


def _addresses(name: str) -> str:
    return Sandbox(name).nbctl("--bare", "--columns=name,addresses", "list", "Logical_Switch_Port")
