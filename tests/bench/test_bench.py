"""The benchmarks run, and their bars are held against what they find."""

import json
from pathlib import Path

import pytest

from bench import policies, pure, services
from bench.bars import Line
from bench.cli import main
from bench.isolation import Phase, share, whole
from bench.pods import PLANE, Result, Step
from tests.conftest import remove_leftovers, sandbox_name


def test_the_pure_benchmark_answers_for_a_small_cluster() -> None:
    """A benchmark that doesn't run any more is noticed when somebody needs its figures."""
    lines = pure.run(pods=40, subnets=4)

    assert [line.unit for line in lines] == ["s", "s", "s", "MiB", "ms"]
    assert all(line.value > 0 for line in lines)


def test_policies_and_services_are_measured_for_a_small_cluster() -> None:
    """The same as for Pods: a change of the pipeline must not leave its benchmarks behind."""
    found = [*policies.run(namespaces=4, crowd=6), *services.run(services=20)]

    assert {line.unit for line in found} == {"s", "MiB", "ms"}
    assert all(line.value > 0 for line in found)
    assert {line.bar for line in found} > {None}


def test_every_benchmark_without_servers_has_a_word_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make bench ARGS="services --quick"` is what the documentation tells."""
    monkeypatch.setattr(services, "LARGE", services.A_SLICE)
    result = tmp_path / "result.json"

    assert main(["services", "--quick", "--json", str(result)]) == 0

    found = json.loads(result.read_text())
    assert any(line["bar"] for line in found["lines"])


def test_the_share_of_the_controller_is_that_of_what_it_and_ovn_spend() -> None:
    """The API server works for whoever creates Pods, so it would only hide what the controller costs."""
    spent = {"ovnloom": 1.0, "ovn-northd": 2.0, "ovsdb-nb": 0.5, "ovsdb-sb": 0.5, "kube-apiserver": 6.0}

    assert share([Phase("all", 1, 2, spent, 0, 0)]) == pytest.approx(25)
    assert whole([Phase("all", 1, 2, spent, 0, 0)]) == pytest.approx(10)


def test_a_line_beyond_its_bar_is_not_met() -> None:
    """What is measured without a bar is only there to be compared."""
    assert not Line("restart", 3.1, "s", 3.0).is_met
    assert Line("restart", 3.0, "s", 3.0).is_met
    assert Line("restart", 99.0, "s").is_met


def test_the_cost_of_a_pod_is_compared_between_the_last_step_and_the_first() -> None:
    """A cost that grows with the cluster is what the design promises not to have."""
    floor = {f"floor {name}": 1.0 for name in (*PLANE, "load")}
    first = Step(200, 200, 2.0, 1.9, {"ovnloom": 0.6, **floor}, 1, 1)
    last = Step(1000, 1200, 20.0, 9.5, {"ovnloom": 3.3, **floor}, 1, 1)

    lines = {line.name: line for line in Result([first, last]).lines()}

    assert lines["time to the floor's, last step to first"].value == pytest.approx(2.0)
    assert not lines["time to the floor's, last step to first"].is_met
    assert lines["CPU of a Pod, last step to first"].value == pytest.approx(1.1)
    assert lines["CPU of a Pod, last step to first"].is_met


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("cluster")
def test_ten_pods_are_measured_against_real_servers(tmp_path: Path) -> None:
    """Everything that the long run does is done once, so that it doesn't fail after minutes."""
    remove_leftovers()
    result = tmp_path / "result.json"

    code = main(["--steps", "10,10", "--nodes", "2", "--name", sandbox_name("bench"), "--json", str(result)])

    assert code == 0
    found = json.loads(result.read_text())
    assert [step["total"] for step in found["steps"]] == [10, 20]
    assert all(step["cpu"]["ovnloom"] > 0 and step["seconds"] > 0 for step in found["steps"])


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("cluster")
def test_policies_are_measured_until_northd_is_done(tmp_path: Path) -> None:
    """Ten Pods and ten policies go the whole way, and come out as figures."""
    remove_leftovers()
    result = tmp_path / "result.json"

    name = sandbox_name("isolation")
    code = main(["isolation", "--steps", "10,10", "--nodes", "2", "--name", name, "--json", str(result)])

    assert code == 0
    found = json.loads(result.read_text())
    assert [phase["what"] for phase in found["load"]] == ["10 Pods", "10 policies"]
    assert all(0 < phase["written"] <= phase["done"] for phase in (*found["load"], *found["changes"]))
