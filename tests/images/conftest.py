"""A containerd of the tests' own, and all images in it."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox import images
from sandbox.images import Image
from sandbox.report import Quiet
from sandbox.wait import until

CONFIGURATION = """\
version = 2
root = "{directory}/root"
state = "{directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]

[grpc]
address = "{directory}/socket"
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker unpacks the images, once."""
    for item in items:
        if "containerd" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("images"))


@pytest.fixture(scope="session")
def every_image() -> tuple[Image, ...]:
    return images.all(Quiet())


@pytest.fixture(scope="session")
def containerd(every_image: tuple[Image, ...]) -> Iterator[list[str]]:
    """The command that talks to a containerd which has all images."""
    with tempfile.TemporaryDirectory(prefix="ovnloom-containerd-") as directory, served(Path(directory)) as ctr:
        images.load(ctr, every_image)
        yield ctr


@contextmanager
def served(directory: Path) -> Iterator[list[str]]:
    """containerd runs with all its state in the directory."""
    configuration = directory / "config.toml"
    configuration.write_text(CONFIGURATION.format(directory=directory))
    ctr = ["ctr", "--address", str(directory / "socket")]
    with (
        (directory / "log").open("w") as log,
        subprocess.Popen(["containerd", "--config", configuration], stdout=log, stderr=log) as server,
    ):
        try:
            until(lambda: answers(ctr), f"containerd answers; its log: {directory / 'log'}")
            yield ctr
        finally:
            server.terminate()


def answers(ctr: list[str]) -> bool:
    return subprocess.run([*ctr, "version"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def run(containerd: list[str]) -> Run:
    """Runs a command in a container of an image to its end."""

    def run_(image: str, *command: str) -> subprocess.CompletedProcess[str]:
        start = [*containerd, "-n", "k8s.io", "run", "--rm", image, f"test-{uuid4().hex[:12]}", *command]
        return subprocess.run(start, capture_output=True, text=True, check=False, timeout=60)

    return run_
