"""The tour itself: one scene after the other, told as it goes."""

import os
import shlex
import sys
from dataclasses import dataclass

from rich.console import Console

from demo.page import Page
from demo.tour import edges, gateways, pods, underlay, walls
from demo.tour.place import Place
from demo.tour.scene import Scene, Seen
from sandbox import Sandbox

SCENES: tuple[Scene, ...] = (
    *pods.SCENES,
    *edges.SCENES,
    *walls.SCENES,
    *gateways.SCENES,
    *underlay.SCENES,
)


@dataclass(frozen=True)
class Walk:
    """Through all scenes in this place."""

    place: Place
    out: Console

    def run(self) -> tuple[Seen, ...]:
        """All that was seen, right or not."""
        page, found = Page(self.out), []
        for scene in SCENES:
            page.title(scene.title, scene.words)
            for seen in scene.play(self.place):
                mark = "[green]✓[/]" if seen.right else "[red]✗[/]"
                self.out.print(f"{mark} ", end="")
                self.out.print(f"{seen.what}: {seen.came or 'no answer'}", markup=False, soft_wrap=True)
                page.prose(f"    {seen.proves}", "dim")
                found.append(seen)
        return tuple(found)


def go_on(sandbox: Sandbox, out: Console) -> None:
    """Tell what to type next: the cluster stays up."""
    python, name = shlex.quote(os.path.relpath(sys.executable)), sandbox.name
    down = "make demo-down" if name == "demo" else f"{python} -m demo down --name {name}"
    page = Page(out)
    page.title("Go on by hand", "The cluster stays up.")
    page.text(
        "\n".join(
            (
                f'eval "$({python} -m sandbox env --name {name})"',
                "kubectl get pods -A -o wide",
                "kubectl get subnets,vpcs,ips",
                "kubectl exec -n tour ds/client -- curl -s http://web/hostname",
                "kubectl logs -n kube-system ds/kube-ovn-cni",
                "ovn-nbctl show",
                f"{python} -m sandbox node kill worker-2 --name {name}   # and: start, freeze, thaw, add, rm",
                f"{down}   # removes all of it",
            )
        )
    )
