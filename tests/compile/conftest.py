"""`--rewrite`: the meaning of every case is written down anew; read that diff as you would read code."""

import pytest

from tests.compile.kit import cases


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write tests/compile/*/*/*.rows anew")


@pytest.fixture
def is_rewriting(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--rewrite", default=False))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        found = cases()
        metafunc.parametrize("case", found, ids=[case.name for case in found])
