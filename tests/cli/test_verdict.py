"""What `ovnloom verdict` and `ovnloom reach` answer offline: golden texts, exit codes, JSON, and wrong questions."""

import json
from pathlib import Path
from typing import Any

import pytest

from ovnloom.cli.verdict_answer import REACH, VERDICT
from tests.cli.conftest import Call

VERDICTS = Path(__file__).parent / "verdicts"
PAGE = Path(__file__).parents[2] / "docs/verdict.md"
POLICIES = ("-f", VERDICTS / "policies/manifests.yaml", "--against", "empty")
DUAL = ("-f", VERDICTS / "dual-stack/manifests.yaml", "--against", "empty")


@pytest.mark.parametrize("case", sorted(path.name for path in VERDICTS.iterdir()))
def test_the_text_of_a_verdict_is_stable(case: str, ovnloom: Call, is_rewriting: bool) -> None:
    """People read it when something doesn't work, and it is where each rule and object is named."""
    golden = VERDICTS / case / "answers.txt"
    answers = []
    for question in (VERDICTS / case / "questions").read_text().splitlines():
        said = ovnloom(*question.split(), "-f", VERDICTS / case / "manifests.yaml", "--against", "empty")
        assert said.err == ""
        answers.append(f"$ ovnloom {question}\n{said.out}exit code {said.code}\n")
    found = "\n".join(answers)

    if is_rewriting:
        golden.write_text(found)
    assert found == golden.read_text()


@pytest.mark.parametrize(
    ("target", "port", "code"), [("shop/db-0", "5432", 0), ("shop/db-0", "5433", 1), ("shop/db-1", "5432", 1)]
)
def test_the_exit_code_is_the_answer(target: str, port: str, code: int, ovnloom: Call) -> None:
    """A pipeline that must hold a path open, or closed, asks for the code alone."""
    said = ovnloom("verdict", "shop/web", target, "--port", port, *POLICIES)

    assert (said.code, said.err) == (code, "")


def test_json_has_the_rule_that_decided(ovnloom: Call) -> None:
    """What a program needs to point at the line of a manifest."""
    answer = json.loads(
        ovnloom("verdict", "default/stranger", "shop/db-0", "--port", "80", *POLICIES, "-o", "json").out
    )

    (way,) = answer["verdicts"][0]["ways"]
    assert answer["schema"] == VERDICT
    assert (answer["allowed"], way["outcome"]) == (False, "denied")
    last = way["steps"][-1]
    assert last["object"] == "NetworkPolicy/shop/db"
    assert (last["row"]["table"], last["row"]["action"], last["row"]["direction"]) == ("ACL", "drop", "to-lport")


def test_json_of_a_matrix_has_a_cell_for_each_pair(ovnloom: Call) -> None:
    """Rows and columns are names; the verdict is the word of the text."""
    said = ovnloom("reach", "--from", "/app=web", "--to", "shop/app=db", "--port", "5432", *POLICIES, "-o", "json")

    answer = json.loads(said.out)
    assert answer["schema"] == REACH
    cells = {(cell["from"], cell["to"]): cell["verdict"] for cell in answer["cells"]}
    assert cells == {
        ("default/stranger", "shop/db-0"): "no",
        ("default/stranger", "shop/db-1"): "no",
        ("shop/web", "shop/db-0"): "yes",
        ("shop/web", "shop/db-1"): "no",
    }
    assert said.code == 1


def test_every_field_of_the_answers_is_described(ovnloom: Call) -> None:
    """A field that nobody can look up is a field that nobody may rely on."""
    page = PAGE.read_text()
    verdict = json.loads(ovnloom("verdict", "shop/web", "svc/shop/db", *POLICIES, "-o", "json").out)
    matrix = json.loads(ovnloom("reach", "--from", "shop/", "--to", "shop/", *POLICIES, "-o", "json").out)

    assert sorted(name for name in {*_names(verdict), *_names(matrix)} if f"`{name}`" not in page) == []


def _names(found: Any) -> set[str]:
    if isinstance(found, dict):
        return set(found).union(*map(_names, found.values()))
    return set().union(*map(_names, found)) if isinstance(found, list) else set()


def test_each_family_has_its_own_answer(ovnloom: Call) -> None:
    """A path that is open by IPv6 only is not what anybody asked for, so it isn't an allowed one."""
    said = ovnloom("verdict", "both/a", "both/b", "--port", "80", *DUAL, "-o", "json")

    answer = json.loads(said.out)
    assert [(found["family"], found["allowed"]) for found in answer["verdicts"]] == [(4, False), (6, True)]
    assert said.code == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("shop/wep", "shop/db-0"), "FROM: there is no Pod shop/wep; did you mean shop/web?"),
        (("shop/web", "svc/shop/bd"), "TO: there is no Service shop/bd; did you mean shop/db?"),
        (("shop/web", "node/n2"), "TO: there is no Node n2; there are: n1"),
        (("shop/web", "nowhere/x"), "TO: there is no Pod nowhere/x; there are: default/agent, default/stranger"),
        (("shop/web", "shop/db-0/x"), "TO is 'shop/db-0/x'; use NAMESPACE/POD, svc/NAMESPACE/NAME, node/NAME"),
        (("shop/web", "svc/shop/empty"), "TO: Service shop/empty has the ports 80/tcp, 53/udp; choose one by --port"),
        (("shop/web", "shop/db-0", "--port", "80/xyz"), "--port is '80/xyz'; use NUMBER/tcp, NUMBER/udp"),
        (("shop/web", "shop/db-0", "--port", "70000"), "its number must be 1 to 65535"),
        (("shop/web", "fd00::1"), "have no address of one family"),
        (("shop/web:net1", "shop/db-0"), "FROM: Pod shop/web has no port for net1"),
        (("shop/web", "shop/db-0", "--against", "nb-snapshot=x"), "use cluster or empty"),
        (("shop/web",), "Missing argument 'TO'"),
    ],
)
def test_a_wrong_question_has_code_2_and_says_what_to_write(
    arguments: tuple[str, ...], complaint: str, ovnloom: Call
) -> None:
    """Code 1 is the answer no, and a typo must never look like one."""
    said = ovnloom("verdict", *POLICIES, *arguments)

    assert said.code == 2
    assert complaint in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--to", "shop/"), "--from is missing; use NAMESPACE/LABELS"),
        (("--from", "shop/app=nope", "--to", "shop/"), "--from 'shop/app=nope' selects no Pod in namespace shop"),
        (("--from", "shop/app~x", "--to", "shop/"), "'app~x' is no label selector"),
        (("--from", "shop/", "--to", "svc/shop/none"), "--to: there is no Service shop/none"),
        (("--from", "shop/", "--to", "shop/", "--nope"), "No such option: --nope"),
    ],
)
def test_a_wrong_matrix_has_code_2_too(arguments: tuple[str, ...], complaint: str, ovnloom: Call) -> None:
    """An empty matrix would read as if nobody reached anybody."""
    said = ovnloom("reach", *POLICIES, *arguments)

    assert said.code == 2
    assert complaint in said.err


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("shop/app=db", ["shop/db-0", "shop/db-1"]),
        ("shop/app==db,closed!=yes", ["shop/db-0"]),
        ("shop/app in (db, web),!closed", ["shop/db-0", "shop/web"]),
        ("/app notin (db)", ["default/agent on the network of node/n1", "default/stranger", "shop/web"]),
        ("/closed", ["shop/db-1"]),
        ("default/", ["default/agent on the network of node/n1", "default/stranger"]),
    ],
)
def test_selectors_are_read_as_kubectl_does(selector: str, names: list[str], ovnloom: Call) -> None:
    """People have these words at hand from `kubectl get -l`."""
    said = ovnloom("reach", "--from", selector, "--to", "8.8.8.8", *POLICIES, "-o", "json")

    assert sorted(name.removeprefix("Pod ") for name in json.loads(said.out)["from"]) == names


def test_without_files_and_cluster_there_is_nothing_to_ask(ovnloom: Call) -> None:
    """An empty cluster answers nothing; the sentence says what is missing."""
    said = ovnloom("verdict", "a/b", "c/d")

    assert said.code == 2
    assert "name a file by -f FILE, or a cluster by --kubeconfig" in said.err
