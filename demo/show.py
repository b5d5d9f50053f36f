"""The demo itself: each section shows one thing, with the words that a newcomer needs for it."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo import northbound
from demo.controller import OVNLOOM, Controller
from demo.questions import QUESTIONS, Question
from demo.samples import BROKEN, CHANGE, ROOT, Port, Samples
from demo.trace import Verdict, trace
from sandbox import Sandbox, SandboxError
from sandbox.report import Report


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
        verdicts = self._traces()
        self._plan()
        self._go_on()
        wrong = [question for question, verdict in verdicts if verdict.reached != question.arrives]
        if wrong:
            raise SandboxError(f"{len(wrong)} of {len(verdicts)} packets went another way than they should: see above")

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
        self._text(self.sandbox.kubectl(*arguments))

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
            self.out.print(f" [bold]{escape(message)}[/]", soft_wrap=True)

    def _traces(self) -> list[tuple[Question, Verdict]]:
        self._title(
            "Who reaches whom",
            "ovn-trace sends a packet through the flows that OVN made of those rows and says where it comes out.",
        )
        ports = Samples(self.sandbox).ports()
        asked = [(question, self._ask(question, ports)) for question in QUESTIONS]
        for question, verdict in asked:
            mark, word = ("[green]✓[/]", "reaches") if verdict.reached else ("[red]✗[/]", "does not reach")
            self.out.print(f"{mark} {verdict.source} {word} {verdict.target}", soft_wrap=True)
            self.out.print(f"  [dim]{escape(verdict.words)}[/]", soft_wrap=True)
            if verdict.reached == question.arrives:
                self.out.print(f"  {question.proves}", soft_wrap=True)
            else:
                expected = "should arrive" if question.arrives else "should not arrive"
                self.out.print(f"  [red]this packet {expected}; all of the trace:[/]")
                self._text(verdict.text)
        return asked

    def _ask(self, question: Question, ports: tuple[Port, ...]) -> Verdict:
        return trace(self.sandbox, _find(ports, *question.source), _find(ports, *question.target))

    def _plan(self) -> None:
        file = str(CHANGE.relative_to(ROOT))
        self._title(
            "Before a change",
            f"{file} isn't applied. This is what it would change, row by row, and the address that its Pod would get.",
        )
        self._command("ovnloom", "plan", "-f", file)
        environment = {**os.environ, **self.sandbox.environment()}
        environment |= {"OVNLOOM_OVN_NB": self.sandbox.nb, "OVNLOOM_KUBECONFIG": str(self.sandbox.kubeconfig)}
        done = subprocess.run(
            [OVNLOOM, "plan", "-f", file], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 2):  # 2: there is something to change
            raise SandboxError(
                f"ovnloom plan ended with code {done.returncode}: {(done.stderr or done.stdout).strip()}"
            )
        self._text(done.stdout)

    def _go_on(self) -> None:
        name = self.sandbox.name
        python = shlex.quote(os.path.relpath(sys.executable))
        down = "make demo-down" if name == "demo" else f"{python} -m demo down --name {name}"
        self._title("Go on by hand", "The cluster stays up, and the controller goes on.")
        controller = Controller(self.sandbox)
        self._text(
            "\n".join(
                (
                    f'eval "$({python} -m sandbox env --name {name})"',
                    f"export OVNLOOM_OVN_NB={shlex.quote(self.sandbox.nb)}",
                    "kubectl get subnets,vpcs,ippools,ips",
                    "kubectl delete pod printer -n shop --grace-period=0 --force   # no kubelet is there to do it",
                    "ovn-nbctl show",
                    f"{shlex.quote(os.path.relpath(OVNLOOM))} plan -f docs/samples/next",
                    f"curl -s http://{controller.address}/metrics | grep ^ovnloom_",
                    f"less {shlex.quote(str(controller.server.log))}",
                    f"{down}   # removes all of it",
                )
            )
        )

    def _title(self, title: str, words: str) -> None:
        self.out.print()
        self.out.rule(f"[bold]{title}[/]", align="left")
        self.out.print(escape(words), soft_wrap=True)

    def _command(self, *words: str) -> None:
        self.out.print(f"[dim]$ {escape(shlex.join(words))}[/]", soft_wrap=True)

    def _text(self, text: str) -> None:
        """As it is: a wrapped table would be no table."""
        self.out.print(text.rstrip(), markup=False, soft_wrap=True)


def _find(ports: tuple[Port, ...], namespace: str, beginning: str) -> Port:
    for port in ports:
        if port.namespace == namespace and port.pod.startswith(beginning):
            return port
    raise SandboxError(f"no Pod {namespace}/{beginning}… has an address; was it deleted? `make demo` applies it again")
