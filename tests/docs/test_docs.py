"""What the documentation points to is there."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "docs" / "samples"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "sandbox" / "README.md"])
OTHERS = {"OVNLOOM_SANDBOX_HOME"}
"""Variables of the sandbox, which has a page of its own."""
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors that a reader of the page can be sent to, as GitHub and others make them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """A reader who follows a dead link doesn't know whether to look elsewhere or to give up."""
    dead = []
    for file, anchor in LINK.findall(page.read_text()):
        target = (page.parent / file) if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(f"{file}#{anchor}" if anchor else file)

    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_setting_and_metric_that_a_page_names_exists(page: Path) -> None:
    """A name that was changed in the code only would send readers after something that isn't there."""
    named = set(re.findall(r"\bOVNLOOM_[A-Z_]+\b|\b(?:ovnloom|kube_ovn)_[a-z_]+[a-z]\b", page.read_text()))
    known = (ROOT / "docs" / "settings.md").read_text() + (ROOT / "docs" / "metrics.md").read_text()

    assert {name for name in named if f"`{name}`" not in known} - OTHERS == set()


def test_the_list_of_samples_has_every_sample() -> None:
    """A sample that isn't listed is one that nobody finds."""
    listed = set(re.findall(r"\(([^)]*\.yaml)\)", (SAMPLES / "README.md").read_text()))

    assert listed == {str(path.relative_to(SAMPLES)) for path in SAMPLES.rglob("*.yaml")}


@pytest.mark.parametrize("sample", sorted(SAMPLES.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_sample_says_first_what_it_shows(sample: Path) -> None:
    """People copy the file, not the list; and only manifests that parse are worth copying."""
    assert sample.read_text().startswith("# ")
    assert all(document["kind"] for document in yaml.safe_load_all(sample.read_text()))
