"""Who is answered, and with which rules for the browser."""

from collections.abc import Callable

import pytest

from tests.web.cluster import write
from tests.web.served import Served


@pytest.fixture(scope="module")
def page(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    return serve("-f", write(tmp_path_factory.mktemp("cluster") / "cluster.json", 3))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8088", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
def test_a_name_that_we_do_not_know_is_not_answered(page: Served, host: str) -> None:
    """Such a name may mean 127.0.0.1 by now, and its page would read the cluster of whoever opened it."""
    for path in ("/", "/api/live", "/api/object?id=Vpc/acme"):
        answer = page.get(path, Host=host)

        assert answer.status == 421
        assert "acme" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8088", "127.0.0.1:1", "[::1]:8088", "192.0.2.1:8088"])
def test_loopback_and_plain_addresses_are_answered(page: Served, host: str) -> None:
    """A forwarded port has another number, and an address can't be made to mean another machine."""
    assert page.get("/", Host=host).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_can_link_here_and_not_ask(page: Served, site: str) -> None:
    """A foreign page couldn't read the answers, but it could make us compute verdicts all day."""
    assert page.get("/api/reach?id=Pod/team-00/web-00000", Sec_Fetch_Site=site).status == 403
    assert page.get("/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/static/app.js", "/api/object?id=Vpc/acme", "/api/object?id=nothing", "/nowhere"]
)
def test_every_answer_forbids_the_browser_what_the_page_does_not_need(page: Served, path: str) -> None:
    """Text of strangers is all over the page; where markup slips in, it must not run, and not be framed."""
    headers = page.get(path).headers

    rules = dict(rule.strip().partition(" ")[::2] for rule in headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["style-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/%2Fetc%2Fpasswd", "/static/"]
)
def test_files_beside_the_pages_are_not_served(page: Served, path: str) -> None:
    """A name is looked up among what was read at the start; it is never a path."""
    assert page.get(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(page: Served, method: str) -> None:
    """Who sees the page sees; there is nothing to press that does."""
    assert page.get("/api/object?id=Vpc/acme", method).status == 405


def test_questions_that_make_no_sense_are_answered_with_a_sentence(page: Served) -> None:
    """The page shows it as it is."""
    assert page.get("/api/object?id=Secret/team-00/token").status == 404
    assert page.get("/api/reach?id=Vpc/acme").value["error"].startswith("id must be that of a Pod")
    assert "there is no Pod" in page.get("/api/reach?id=Pod/team-00/nobody").value["error"]
    assert "its number must be 1 to 65535" in page.get("/api/reach?id=Pod/team-00/web-00000&port=99999").value["error"]
    assert "there is no Pod" in page.get("/api/why?from=Pod/a/b&to=Node/worker-00").value["error"]
