"""OVN's own programs, asked for rows and traces; they only read."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovnloom.cli import central
from ovnloom.cli.wrong import Wrong
from ovnloom.settings import Settings

SB_VARIABLE = "OVNLOOM_OVN_SB"
SB_DEFAULT = "unix:/run/ovn/ovnsb_db.sock"
FIRST_PACKET = ("--ct=new",) * 8
"""Each conntrack lookup on the way finds no connection yet: the packet that opens one is what an ACL decides about."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs, with the databases that they read. A follower's answer will do: nothing is written."""

    nb: str
    sb: str
    seconds: float = 30
    certificates: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    """Words that run a program where the databases are; none when that is here."""

    @classmethod
    def of(cls, settings: Settings, southbound: str = "") -> Tools:
        """The databases as settings name them; the southbound one by a flag, else its variable, else this host's.

        Where this host has none the programs run in a Pod that has both, if kubectl finds one.
        """
        flags = (
            ("--private-key", settings.ovn_private_key),
            ("--certificate", settings.ovn_certificate),
            ("--ca-cert", settings.ovn_ca_certificate),
        )
        certificates = tuple(f"{flag}={file}" for flag, file in flags if file)
        found = southbound or os.environ.get(SB_VARIABLE, "")
        if found or _is_here(SB_DEFAULT):
            return cls(settings.ovn_nb, found or SB_DEFAULT, settings.ovn_timeout, certificates)
        return cls(settings.ovn_nb, SB_DEFAULT, settings.ovn_timeout, through=central.words(settings.kubeconfig))

    @property
    def has_southbound(self) -> bool:
        """Whether there may be such a server: a socket file that isn't there needs no try."""
        return bool(self.through) or _is_here(self.sb)

    def nb_rows(self, table: str, columns: Sequence[str], *records: str) -> list[Row]:
        """Rows of the northbound database: all, or those that the records name, as far as they exist. Raises Wrong."""
        return self._rows("ovn-nbctl", self.nb, table, columns, records)

    def sb_rows(self, table: str, columns: Sequence[str], *records: str) -> list[Row]:
        """The same of the southbound database."""
        return self._rows("ovn-sbctl", self.sb, table, columns, records)

    def trace(self, datapath: str, flow: str) -> str:
        """What ovn-trace says of the first packet of a connection. Raises Wrong."""
        return self._run("ovn-trace", self.sb, *FIRST_PACKET, datapath, flow)

    def _rows(self, program: str, remote: str, table: str, columns: Sequence[str], records: Sequence[str]) -> list[Row]:
        limits = (f"--timeout={max(int(self.seconds), 1)}", "--no-leader-only")
        asked = ("--format=json", f"--columns={','.join(columns)}", "--if-exists", "list", table, *records)
        answer = json.loads(self._run(program, remote, *limits, *asked))
        return [dict(zip(answer["headings"], map(value, cells), strict=True)) for cells in answer["data"]]

    def _run(self, program: str, remote: str, *arguments: str) -> str:
        command = [*self.through, program, f"--db={remote}", *self.certificates, *arguments]
        which = "northbound" if program == "ovn-nbctl" else "southbound"
        flag = "--ovn-nb" if program == "ovn-nbctl" else "--ovn-sb"
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=self.seconds * 2,
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise Wrong(f"{command[0]} is not on PATH; install it (OVN's programs come with ovn-central)") from None
        except subprocess.TimeoutExpired:
            raise Wrong(f"{which} database: {remote} doesn't answer; name it by {flag}") from None
        if done.returncode:
            said = done.stderr.strip().splitlines()
            reason = said[-1] if said else f"{program} ended with {done.returncode}"
            raise Wrong(f"{which} database {remote}: {reason}; name it by {flag}")
        return done.stdout


def _is_here(remotes: str) -> bool:
    first = remotes.split(",")[0]
    return not first.startswith("unix:") or Path(first.removeprefix("unix:")).exists()


def value(cell: Any) -> Any:
    """A cell as Python has it: sets are lists, maps are dicts, references are UUIDs."""
    match cell:
        case ["uuid", text]:
            return text
        case ["set", items]:
            return [value(item) for item in items]
        case ["map", pairs]:
            return {key: value(found) for key, found in pairs}
    return cell


def several(found: Any) -> list[Any]:
    """The elements of a set column; OVSDB writes a set of one as that one."""
    return found if isinstance(found, list) else [found]


def one(found: Any) -> Any:
    """The element of a column that may be empty; None when it is."""
    return next(iter(several(found)), None)
