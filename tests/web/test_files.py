"""The page of a cluster in a file, in a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from sandbox import until
from tests.web.browser import Browser
from tests.web.cluster import EVIL, write
from tests.web.served import Served

PODS = 5000


@pytest.fixture(scope="module")
def page(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    return serve("-f", write(tmp_path_factory.mktemp("cluster") / "cluster.json", PODS))


@pytest.fixture
def opened(page: Served, browser: Browser) -> Browser:
    """The page with all Pods on it. Nothing on it was forbidden, and no script broke, until the test was done."""
    browser.open(page.url)
    browser.reads("#summary", "5,000 Pods", "2 Vpcs", "13 Subnets", "50 Nodes")
    return browser


def test_thousands_of_pods_are_on_the_map_by_their_subnet_and_by_their_node(opened: Browser) -> None:
    """A map that stops at some hundreds is of no use where somebody needs one."""
    drawn = opened.run(
        "return [...document.querySelectorAll('.card')].map(card => card.innerText.split('\\n')[1] || '')"
    )
    sizes = sorted(text for text in drawn if text.endswith("Pods"))

    opened.find("#view option[value=node]").click()
    opened.reads(".group .card .size", "100 Pods")
    on_nodes = opened.run("return [...document.querySelectorAll('.card .size')].map(size => size.innerText)")

    assert sizes == ["0 Pods", "0 Pods", *["500 Pods"] * 10]
    assert on_nodes == ["100 Pods"] * 50
    assert opened.messages() == []


def test_a_search_leaves_what_it_names_and_opens_it(opened: Browser) -> None:
    """Somebody has a name or an address from a log, and wants to see what that is."""
    opened.write("#search", "web-00001")
    opened.reads("#summary", "1 of 5,000 Pods")
    opened.write("#search", "worker-07 team-07")
    opened.reads("#summary", "50 of 5,000 Pods")
    opened.write("#search", "10.203.0.9")
    opened.reads("#results", "10.203.0.9")

    opened.press(Keys.ENTER)

    assert "10.203.0.9" in opened.reads("#panel .facts", "Address", "net-3")
    assert opened.messages() == []


def test_a_namespace_can_be_looked_at_alone(opened: Browser) -> None:
    """One team's Pods and policies are a page that can be read."""
    opened.find("#namespace option[value=team-04]").click()

    opened.reads("#summary", "250 of 5,000 Pods")
    policies = opened.run("return [...document.querySelectorAll('.strip .entry.rule b')].map(one => one.innerText)")
    assert policies == ["team-04/front"]


def test_a_pod_shows_its_policy_its_rows_and_whom_it_reaches_and_why(opened: Browser) -> None:
    """These are the answers for which one would otherwise ask `verdict` five thousand times."""
    opened.open(f"{opened.driver.current_url.partition('#')[0]}#Pod%2Fteam-06%2Fjob-00046")

    said = opened.reads("#panel .sum[data-done=yes]", "It reaches")
    rows = opened.reads("#panel", "Logical_Switch_Port", "job-00046.team-06")
    opened.unfold("#panel .ends li:first-child details")
    opened.reads("#panel .ends li:first-child .why", "denied", "by NetworkPolicy/team-06/front")

    # 3,500 Pods are in its Vpc; 83 in each of the 14 namespaces are databases, which frontends alone reach.
    assert "It reaches 2,337 of 4,999 Pods, 50 of 50 Nodes." in said
    assert "No policy selects it" in rows
    assert opened.messages() == []


def test_a_policy_marks_the_pods_that_it_selects(opened: Browser) -> None:
    """Whether a selector means what its author thinks is the first question about a policy."""
    opened.write("#search", "team-08/front")
    opened.press(Keys.ENTER)

    opened.reads("#panel", "Selects 83 Pods", "db-00028", "Port_Group")


def test_everything_can_be_reached_by_the_keyboard(opened: Browser) -> None:
    """Not everybody has a mouse: a Subnet's Pods are one stop, in which arrow keys walk."""
    opened.run("document.querySelector('canvas:not([hidden])').focus()")
    first = opened.spoken()
    opened.press(Keys.ARROW_RIGHT)
    second = opened.spoken(but=first)
    opened.press(Keys.ENTER)
    name = second.partition(",")[0].partition("/")[2]
    opened.reads("#panel .title", name)

    opened.press(Keys.ESCAPE)
    until(lambda: not opened.find("#panel").is_displayed(), "the panel to close")
    opened.press("/")

    assert opened.run("return document.activeElement.id") == "search"


def test_what_somebody_wrote_into_an_object_is_text_on_the_page(opened: Browser) -> None:
    """Who may create a Subnet must not run scripts in the browser of who looks at it."""
    opened.click('.card [data-id="Subnet/broken"]')

    opened.reads("#panel .facts", EVIL)
    assert opened.reads("#panel .problems", "spec.cidrBlock")
    assert opened.run("return document.querySelectorAll('#panel img, .card img').length") == 0
    assert opened.driver.title == "ovnloom"
    assert opened.messages() == []


def test_the_page_is_dark_where_the_system_is(opened: Browser) -> None:
    """Colours of the canvas come from the same style sheet, so both change at once."""
    page = "return getComputedStyle(document.body).backgroundColor"
    corner = (
        "const pen = document.querySelector('canvas:not([hidden])').getContext('2d');"
        "return [...pen.getImageData(7, 7, 1, 1).data].slice(0, 3).join()"
    )
    opened.look(dark=False)
    light = (until(lambda: opened.run(page), "a colour"), opened.run(corner))
    opened.look(dark=True)
    try:
        dark = until(lambda: opened.run(corner) != light[1] and (opened.run(page), opened.run(corner)), "other colours")
    finally:
        opened.look(dark=False)

    assert light[0] == "rgb(244, 246, 249)"
    assert dark[0] == "rgb(15, 20, 27)"


def test_a_file_that_is_wrong_is_told_and_nothing_is_served(tmp_path: Path) -> None:
    """A page without the objects that somebody named would be taken for the truth."""
    from ovnloom.cli import main

    broken = tmp_path / "broken.yaml"
    broken.write_text("kind: [")

    assert main.called(["web", "-f", str(broken)]) == 1
