"""The demo itself: each section shows one thing, with the words that a newcomer needs for it."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo import northbound, questions
from demo.asking import Asked, Asking, check
from demo.controller import OVNLOOM, Controller
from demo.page import Page
from demo.samples import BROKEN, CHANGE, POLICY, ROOT, SERVICE, Samples
from demo.verdicts import Verdicts
from sandbox import Sandbox, SandboxError
from sandbox.report import Report


@dataclass(frozen=True)
class Show:
    """The demo on one sandbox."""

    sandbox: Sandbox
    out: Console
    report: Report

    @property
    def _page(self) -> Page:
        return Page(self.out)

    def run(self, nodes: int) -> None:
        """The cluster is up, holds the samples, and all of it has been shown."""
        self._bring_up(nodes)
        self._kubectl("Subnets", "The samples and what the first start makes: ovn-default and join.", "get", "subnets")
        self._kubectl("Addresses", "One IP object for each interface: the address outlives any restart.", "get", "ips")
        self._topology()
        self._broken()
        asking = Asking(self.sandbox, Samples(self.sandbox).ports(), Verdicts(self.sandbox))
        asked = [*self._reachable(asking), *self._policies(asking)]
        self._plan()
        self._patch(asking)
        self._matrix()
        self._go_on(asking)
        check(asked)

    def _bring_up(self, nodes: int) -> None:
        samples, controller = Samples(self.sandbox), Controller(self.sandbox)
        self._page.title("A cluster", "A real Kubernetes control plane and a real OVN, as processes of this machine.")
        if not self.sandbox.up(nodes, self.report):
            self.report.say("the sandbox is up already")
        with self.report.step("CustomResourceDefinitions"):
            samples.apply_crds()
        with self.report.step("ovnloom controller") as tell:
            controller.start(tell)
        with self.report.step(f"docs/samples: {len(samples.files)} files"):
            samples.apply()
        with self.report.step("waiting until each Pod has its address and OVN its port") as tell:
            samples.wait(tell)

    def _kubectl(self, title: str, words: str, *arguments: str) -> None:
        self._page.title(title, words)
        self._page.command("kubectl", *arguments)
        self._page.table(self.sandbox.kubectl(*arguments))

    def _topology(self) -> None:
        self._page.title(
            "Topology", "What the controller wrote into OVN: a router for each Vpc, a switch for each Subnet."
        )
        self.out.print(northbound.topology(self.sandbox), soft_wrap=True)

    def _broken(self) -> None:
        self._page.title(
            "A mistake",
            f"The Subnet {BROKEN} overlaps another one. It says so itself; it got no rows, and nothing else suffers.",
        )
        found = json.loads(self.sandbox.kubectl("get", "subnet", BROKEN, "-o", "json"))
        conditions = found["status"]["conditions"]
        table = Table("condition", "status", "reason", box=None)
        for condition in conditions:
            table.add_row(*(escape(str(condition.get(key, ""))) for key in ("type", "status", "reason")))
        self.out.print(table)
        for message in dict.fromkeys(condition["message"] for condition in conditions if condition.get("message")):
            self._page.prose(f" {message}", "bold")

    def _reachable(self, asking: Asking) -> list[Asked]:
        self._page.title(
            "Who reaches whom",
            "ovn-trace sends a packet through the flows that OVN made of those rows and says where it comes out. "
            "Below is what `ovnloom verdict FROM TO --port PORT` says: it reads the rows and sends nothing.",
        )
        return [self._asked(asking.ask(question)) for question in questions.SUBNETS]

    def _policies(self, asking: Asking) -> list[Asked]:
        self._page.title(
            "Services, NetworkPolicies, SecurityGroups",
            "The same, with the object and the field of it that decides.",
        )
        return [self._asked(asking.ask(question)) for question in questions.POLICIES]

    def _asked(self, asked: Asked) -> Asked:
        source, target, port = asked.ends
        mark, word = ("[green]✓[/]", "arrives") if asked.traced.reached else ("[red]✗[/]", "does not arrive")
        self.out.print(f"{mark} {source} -> {target}, {port}: {word}", soft_wrap=True)
        self._page.prose(f"    {asked.question.proves}")
        self._page.prose(f"    ovn-trace        {asked.way}: {asked.traced.words}", "dim")
        self._page.prose(f"    ovnloom verdict  {asked.answer.words}", "dim")
        if not asked.is_right:
            expected = "should arrive" if asked.question.arrives else "should not arrive"
            self.out.print(f"    [red]this packet {expected}[/]")
        if not asked.is_agreed:
            self.out.print("    [red]these two contradict each other[/]")
        if not (asked.is_right and asked.is_agreed):
            self.out.print("    [red]all of the trace:[/]")
            self._page.text(asked.traced.text)
        return asked

    def _plan(self) -> None:
        file = str(CHANGE.relative_to(ROOT))
        self._page.title(
            "Before a change",
            f"{file} isn't applied. This is what it would change, row by row, and the address that its Pod would get.",
        )
        self._page.text(self._ovnloom("plan", "-f", file))

    def _patch(self, asking: Asking) -> None:
        file = str(POLICY.relative_to(ROOT))
        self._page.title(
            "Before a policy",
            f"{file} isn't applied either: the tills may only send to the Subnet vault. Would they still print?",
        )
        service = f"svc/{'/'.join(SERVICE)}"
        said = self._ovnloom("verdict", asking.find("shop", "till").end, service, "-f", file, ended=(0, 1))
        self._page.prose(said)

    def _matrix(self) -> None:
        self._page.title(
            "All of them", "One cell for each pair, before and after the same policy; rows from, columns to."
        )
        sources = "--from", "shop/", "--from", "default/app=visitor"
        targets = "--to", f"svc/{'/'.join(SERVICE)}", "--to", "vault/"
        file = str(POLICY.relative_to(ROOT))
        self._page.text(self._ovnloom("reach", *sources, *targets, "--port", "80", "-f", file, ended=(0, 1)))

    def _ovnloom(self, *arguments: str, ended: Iterable[int] = (0, 2)) -> str:
        """What the program prints for this sandbox.

        `ended` are its exit codes for an answer: 2 is a plan with something to change, 1 a verdict that isn't yes.
        """
        self._page.command("ovnloom", *arguments)
        environment = {**os.environ, **self.sandbox.environment()}
        environment |= {"OVNLOOM_OVN_NB": self.sandbox.nb, "OVNLOOM_KUBECONFIG": str(self.sandbox.kubeconfig)}
        done = subprocess.run(
            [OVNLOOM, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in ended:
            said = (done.stderr or done.stdout).strip()
            raise SandboxError(f"ovnloom {arguments[0]} ended with code {done.returncode}: {said}")
        return done.stdout

    def _go_on(self, asking: Asking) -> None:
        name = self.sandbox.name
        python = shlex.quote(os.path.relpath(sys.executable))
        down = "make demo-down" if name == "demo" else f"{python} -m demo down --name {name}"
        self._page.title("Go on by hand", "The cluster stays up, and the controller goes on.")
        controller = Controller(self.sandbox)
        ovnloom = shlex.quote(os.path.relpath(OVNLOOM))
        self._page.text(
            "\n".join(
                (
                    f'eval "$({python} -m sandbox env --name {name})"',
                    f"export OVNLOOM_OVN_NB={shlex.quote(self.sandbox.nb)}",
                    "kubectl get subnets,vpcs,ippools,ips",
                    "kubectl delete pod printer -n shop --grace-period=0 --force   # no kubelet is there to do it",
                    "ovn-nbctl show",
                    f"{ovnloom} plan -f docs/samples/next",
                    f"{ovnloom} verdict {asking.find('shop', 'web').end} svc/{'/'.join(SERVICE)}",
                    f"{ovnloom} reach --from /app --to /app --port 80   # every Pod of the samples",
                    f"curl -s http://{controller.address}/metrics | grep ^ovnloom_",
                    f"less {shlex.quote(str(controller.server.log))}",
                    f"{down}   # removes all of it",
                )
            )
        )
