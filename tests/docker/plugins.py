"""Fixtures: plugins on hosts that share one OVN, without any dockerd."""

from collections.abc import Callable, Iterator

import pytest

from sandbox import Ovn
from tests.docker.dialogue import Plugin, joined
from tests.hosts import NewHost

NewPlugin = Callable[[], Plugin]


@pytest.fixture
def new_plugin(own_ovn: Ovn, new_host: NewHost) -> Iterator[NewPlugin]:
    """Each call brings up one host more, with a plugin that answers."""
    made: list[Plugin] = []

    def one_more() -> Plugin:
        made.append(Plugin(joined(new_host(), own_ovn), own_ovn.nb))
        made[-1].start()
        return made[-1]

    yield one_more
    for each in made:
        each.stop()


@pytest.fixture
def plugin(new_plugin: NewPlugin) -> Plugin:
    """One host with a plugin."""
    return new_plugin()
