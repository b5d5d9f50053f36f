"""Hosts for tests of what changes a host's network: namespaces with an Open vSwitch, without any Kubernetes.

`host` is one, fresh for each test, up in half a second; `new_host` makes more of them, on the same fabric. Root only.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from sandbox import Fabric, Host, OpenVswitch
from sandbox.host import remove
from tests.leftover import PREFIX, is_leftover, sandbox_name

NewHost = Callable[[], Host]
HOSTS_HOME = Path(tempfile.gettempdir()) / f"ovnloom-{os.getuid()}-hosts"


@pytest.fixture
def fabric() -> Iterator[Fabric]:
    """A network of its own for one test; nothing of its hosts is left afterwards."""
    for left in HOSTS_HOME.glob(f"{PREFIX}-*"):
        if is_leftover(left.name):
            remove_hosts(left)
    found = Fabric(HOSTS_HOME / sandbox_name("hosts"))
    try:
        found.up()
        yield found
    finally:
        remove_hosts(found.directory)


def remove_hosts(directory: Path) -> None:
    """The fabric that was kept there is gone, with all of its hosts and files."""
    remove(Fabric(directory))
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def new_host(fabric: Fabric) -> NewHost:
    """Each call brings up one host more: worker-1, worker-2, … with Open vSwitch and an empty br-int."""
    numbers = count(1)

    def one_more() -> Host:
        host = Host(fabric, next(numbers))
        host.up()
        OpenVswitch(host).up()
        return host

    return one_more


@pytest.fixture
def host(new_host: NewHost) -> Host:
    """worker-1."""
    return new_host()
