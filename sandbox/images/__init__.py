"""Images for a sandbox's containers: ovnloom's own and those that Pods use, without Docker and without a registry."""

import subprocess
from collections.abc import Iterable, Sequence

from sandbox.errors import SandboxError
from sandbox.images import others, own
from sandbox.images.archive import Image, archive
from sandbox.report import Report

__all__ = ["Image", "all", "load", "ours", "ovnloom", "pods"]


def all(report: Report) -> tuple[Image, ...]:  # noqa: A001  images.all reads as what it is
    """Every image, made now or kept from before. Several may be in one archive."""
    return (*ours(report), *pods(report))


def ours(report: Report) -> tuple[Image, ...]:
    """ovnloom, which changes with each change of the code, and the servers of OVN, which don't."""
    ovn = [own.contents(target, report) for target in ("ovn-central", "ovs")]
    with report.step("archive of OVN's images") as tell:
        servers = archive("ovn", ovn, tell)
    return (*ovnloom(report), *servers)


def ovnloom(report: Report) -> tuple[Image, ...]:
    """The controller, the agent and the CNI plugin, in one."""
    found = own.contents("ovnloom", report)
    with report.step("archive of ovnloom's image") as tell:
        return archive("ovnloom", [found], tell)


def pods(report: Report) -> tuple[Image, ...]:
    """What Pods use: pause, tools, DNS, and what Kubernetes' tests ask for."""
    found = others.contents(report)
    with report.step("archive of images for Pods") as tell:
        return archive("pods", found, tell)


def load(ctr: Sequence[str], images: Iterable[Image]) -> None:
    """The containerd behind the command `ctr` (with its --address) has the images, for Kubernetes."""
    for path in dict.fromkeys(image.path for image in images):
        command = [*ctr, "--namespace", "k8s.io", "images", "import", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SandboxError(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout).strip()}")
