"""The demo itself: each section shows one thing, with the words that a newcomer needs for it."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo import northbound, questions
from demo.asking import Asked, Asking
from demo.controller import OVNLOOM, Controller
from demo.samples import BROKEN, CHANGE, POLICY, ROOT, SERVICE, Samples
from demo.verdicts import Verdicts
from sandbox import Sandbox, SandboxError
from sandbox.report import Report

LABEL = re.compile(r" *(\S+ ?\S+ {2,})?")
"""What a line begins with: an indent, and maybe a word or two before a wide gap."""


@dataclass(frozen=True)
class Show:
    """The demo on one sandbox."""

    sandbox: Sandbox
    out: Console
    report: Report

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
        _check(asked)

    def _bring_up(self, nodes: int) -> None:
        samples, controller = Samples(self.sandbox), Controller(self.sandbox)
        self._title("A cluster", "A real Kubernetes control plane and a real OVN, as processes of this machine.")
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
        self._title(title, words)
        self._command("kubectl", *arguments)
        said = self.sandbox.kubectl(*arguments).rstrip()
        if self.out.is_terminal:  # a cut line is easier to read than three
            self.out.print(said, markup=False, no_wrap=True, overflow="ellipsis")
        else:
            self._text(said)

    def _topology(self) -> None:
        self._title("Topology", "What the controller wrote into OVN: a router for each Vpc, a switch for each Subnet.")
        self.out.print(northbound.topology(self.sandbox), soft_wrap=True)

    def _broken(self) -> None:
        self._title(
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
            self.out.print(f"[bold]{escape(self._folded(f' {message}'))}[/]", soft_wrap=True)

    def _reachable(self, asking: Asking) -> list[Asked]:
        self._title(
            "Who reaches whom",
            "ovn-trace sends a packet through the flows that OVN made of those rows and says where it comes out. "
            "Below is what `ovnloom verdict FROM TO --port PORT` says: it reads the rows and sends nothing.",
        )
        return [self._asked(asking.ask(question)) for question in questions.SUBNETS]

    def _policies(self, asking: Asking) -> list[Asked]:
        self._title(
            "Services, NetworkPolicies, SecurityGroups",
            "The same, with the object and the field of it that decides.",
        )
        return [self._asked(asking.ask(question)) for question in questions.POLICIES]

    def _asked(self, asked: Asked) -> Asked:
        source, target, port = asked.ends
        mark, word = ("[green]✓[/]", "arrives") if asked.traced.reached else ("[red]✗[/]", "does not arrive")
        self.out.print(f"{mark} {source} -> {target}, {port}: {word}", soft_wrap=True)
        self._text(self._folded(f"    {asked.question.proves}"))
        self._dim(f"    ovn-trace        {asked.way}: {asked.traced.words}")
        self._dim(f"    ovnloom verdict  {asked.answer.words}")
        if not asked.is_right:
            expected = "should arrive" if asked.question.arrives else "should not arrive"
            self.out.print(f"    [red]this packet {expected}[/]")
        if not asked.is_agreed:
            self.out.print("    [red]these two contradict each other[/]")
        if not (asked.is_right and asked.is_agreed):
            self.out.print("    [red]all of the trace:[/]")
            self._text(asked.traced.text)
        return asked

    def _plan(self) -> None:
        file = str(CHANGE.relative_to(ROOT))
        self._title(
            "Before a change",
            f"{file} isn't applied. This is what it would change, row by row, and the address that its Pod would get.",
        )
        self._text(self._ovnloom("plan", "-f", file))

    def _patch(self, asking: Asking) -> None:
        file = str(POLICY.relative_to(ROOT))
        self._title(
            "Before a policy",
            f"{file} isn't applied either: the tills may only send to the Subnet vault. Would they still print?",
        )
        service = f"svc/{'/'.join(SERVICE)}"
        said = self._ovnloom("verdict", asking.find("shop", "till").end, service, "-f", file, ended=(0, 1))
        self._text(self._folded(said))

    def _matrix(self) -> None:
        self._title("All of them", "One cell for each pair, before and after the same policy; rows from, columns to.")
        sources = "--from", "shop/", "--from", "default/app=visitor"
        targets = "--to", f"svc/{'/'.join(SERVICE)}", "--to", "vault/"
        file = str(POLICY.relative_to(ROOT))
        self._text(self._ovnloom("reach", *sources, *targets, "--port", "80", "-f", file, ended=(0, 1)))

    def _ovnloom(self, *arguments: str, ended: Iterable[int] = (0, 2)) -> str:
        """What the program prints for this sandbox.

        `ended` are its exit codes for an answer: 2 is a plan with something to change, 1 a verdict that isn't yes.
        """
        self._command("ovnloom", *arguments)
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
        self._title("Go on by hand", "The cluster stays up, and the controller goes on.")
        controller = Controller(self.sandbox)
        ovnloom = shlex.quote(os.path.relpath(OVNLOOM))
        self._text(
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

    def _title(self, title: str, words: str) -> None:
        self.out.print()
        self.out.rule(f"[bold]{title}[/]", align="left")
        self._text(self._folded(words))

    def _command(self, *words: str) -> None:
        self.out.print(f"[dim]$ {escape(shlex.join(words))}[/]", soft_wrap=True)

    def _text(self, text: str) -> None:
        """As it is: a wrapped table would be no table."""
        self.out.print(text.rstrip(), markup=False, soft_wrap=True)

    def _dim(self, text: str) -> None:
        self.out.print(f"[dim]{escape(self._folded(text))}[/]", soft_wrap=True)

    def _folded(self, text: str) -> str:
        """On a terminal lines end between words and go on below their text, which may stand behind a wide gap."""
        if not self.out.is_terminal:
            return text
        return "\n".join(_fold(line, self.out.width) for line in text.splitlines())


def _fold(line: str, width: int) -> str:
    found = LABEL.match(line)
    behind = found.end() if found else 0
    if found and behind and not found[1]:
        behind += 2  # a step of a verdict: what goes on isn't the next one
    return textwrap.fill(line, width, subsequent_indent=" " * behind, break_long_words=False, break_on_hyphens=False)


def _check(asked: list[Asked]) -> None:
    """Every packet went where it should, and every verdict said so. Raises SandboxError."""
    wrong = sum(not each.is_right for each in asked)
    contradictory = sum(not each.is_agreed for each in asked)
    if wrong:
        raise SandboxError(f"{wrong} of {len(asked)} packets went another way than they should: see above")
    if contradictory:
        raise SandboxError(f"{contradictory} of {len(asked)} verdicts contradict the packet: see above")
