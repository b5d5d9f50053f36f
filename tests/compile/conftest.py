"""Every case of a cluster, as a test of its own."""

import pytest

from tests.compile.kit import cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        found = cases()
        metafunc.parametrize("case", found, ids=[case.name for case in found])
