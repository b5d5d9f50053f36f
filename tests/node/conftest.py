"""Each test that asks for `alone` runs in a network namespace of its own."""

from collections.abc import Iterator

import pytest

from tests.netns import inside, namespace


@pytest.fixture
def alone() -> Iterator[str]:
    """The name of an empty network namespace, in which the test itself runs."""
    with namespace() as name, inside(name):
        yield name
