"""The page of a cluster that lives: a real API server, a real OVN, and the controller that joins them."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from sandbox import until
from tests.controller.field import Field, Place
from tests.web.browser import Browser
from tests.web.cluster import policy
from tests.web.served import Served


@pytest.fixture(scope="module")
def page(field: Field, serve: Callable[..., Served]) -> Served:
    return serve("--kubeconfig", field.sandbox.kubeconfig, "--ovn-nb", field.sandbox.nb)


def item(page: Served, id_: str) -> str:
    """The address of the page with an object opened."""
    return f"{page.url}#{quote(id_, safe='')}"


def test_a_pod_appears_gets_its_address_and_goes_without_a_reload(place: Place, page: Served, browser: Browser) -> None:
    """Who watches a rollout sees it; the page asks nobody to press anything."""
    space = place.namespace()
    vpc = place.vpc(namespaces=[space])
    subnet = place.subnet(vpc=vpc, namespaces=[space])
    place.ready("Subnet", subnet)
    browser.open(page.url)
    browser.reads("#status", "live", "OVN connected")
    browser.reads("#map", vpc, subnet, place.cidr())
    browser.write("#search", f"{space}/")
    browser.reads("#summary", "0 of ")

    place.pod("one", space)

    browser.reads("#summary", "1 of ")
    browser.write("#search", f"{space}/one {place.allocated('one', space)['ip_address']} {subnet} down")
    browser.reads("#summary", "1 of ")  # its port is there, and no node has it
    place.api.delete("Pod", "one", space)
    browser.reads("#summary", "0 of ")
    assert browser.messages() == []


def test_a_pod_shows_the_rows_that_the_database_has(place: Place, page: Served, browser: Browser) -> None:
    """Rows as they should be would hide the very difference that somebody looks for; and a port says that it is up."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("Subnet", subnet)
    place.pod("one", space)
    said = place.allocated("one", space)
    port = f"one.{space}"
    browser.open(item(page, f"Pod/{space}/one"))
    browser.reads("#panel .facts", said["ip_address"], said["mac_address"], subnet, "worker-1", "is down")
    browser.unfold("#panel .row")
    browser.reads("#panel .row", "Logical_Switch_Port", port, "there", f"in Logical_Switch {subnet}")

    sandbox = place.field.sandbox
    sandbox.sbctl("chassis-add", place.name("host"), "geneve", "127.0.0.1")
    try:
        sandbox.sbctl("lsp-bind", port, place.name("host"))

        browser.reads("#panel .facts", "is up")
        browser.reads("#panel .row", "up\ntrue")
    finally:
        sandbox.sbctl("lsp-unbind", port)
        sandbox.sbctl("chassis-del", place.name("host"))
    assert browser.messages() == []


def test_a_policy_that_comes_is_on_the_pod_and_in_what_reaches_it(place: Place, page: Served, browser: Browser) -> None:
    """The question after each policy: who is cut off now? The open panel answers it by itself."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("Subnet", subnet)
    for name in ("web", "db"):
        place.pod(name, space)
        place.allocated(name, space)
    browser.open(item(page, f"Pod/{space}/web"))
    browser.reads("#panel .sum[data-done=yes]", "It reaches")
    browser.find("#panel .choose option[value=yes]").click()
    browser.reads("#panel .ends", f"Pod/{space}/db")

    place.create(policy("closed", space, "none", "none") | {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}})
    try:
        browser.reads("#panel .links", f"NetworkPolicy/{space}/closed")
        browser.reads("#panel .closed", "ingress is closed", f"NetworkPolicy/{space}/closed")
        gone = lambda: f"Pod/{space}/db" not in browser.text("#panel .ends")  # noqa: E731
        until(gone, "the other Pod to leave the list of those that are reached", 30)
        browser.find("#panel .choose option[value=no]").click()
        browser.reads("#panel .ends", f"Pod/{space}/db")
        browser.reads("#map", f"{space}/closed", "NetworkPolicy · 2 Pods")
    finally:
        place.api.delete("NetworkPolicy", "closed", space)


def test_a_subnet_that_is_wrong_says_what_to_change(place: Place, page: Served, browser: Browser) -> None:
    """The sentence of the condition is where somebody looks first."""
    subnet = place.subnet(cidrBlock="10.97.0.0/24")
    place.fails("Subnet", subnet, type_="Validated")
    browser.open(item(page, f"Subnet/{subnet}"))

    browser.reads("#panel .problems", "spec.cidrBlock")
    assert "1 problem" in browser.text("#map")


def test_the_page_comes_back_with_its_server(place: Place, page: Served, browser: Browser) -> None:
    """A page that stays open overnight must not show yesterday's cluster as if it were there."""
    browser.open(page.url)
    browser.reads("#status", "live")

    page.stop()
    browser.reads("#status", "not connected")
    vpc = place.vpc("later")
    page.start()

    browser.reads("#status", "live")
    browser.reads("#map", vpc)


def test_without_a_database_ports_are_neither_up_nor_down(
    place: Place, serve: Callable[..., Served], browser: Browser
) -> None:
    """The API server alone is enough to see who is where; nothing is claimed about ports that nobody looked at."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("Subnet", subnet)
    place.pod("one", space)
    address = place.allocated("one", space)["ip_address"]
    page = serve("--kubeconfig", place.field.sandbox.kubeconfig)

    browser.open(item(page, f"Pod/{space}/one"))

    browser.reads("#panel .facts", address)
    assert "OVN" not in browser.text("#status")
    assert "is down" not in browser.text("#panel .facts")
    page.stop()
