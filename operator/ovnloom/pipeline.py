"""World changes in; choices, intents and a plan out. Pure and synchronous: the controller, `ovnloom plan` and the tests
run this same one.

    put ──> world ──> assign ──> compile ──> wanted ──> plan
                        │  ▲
                        └──┘ save: a choice is read only after it was saved
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.networkpolicy import NetworkPolicy
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.api.vip import Vip
from ovnloom.api.vpc import Vpc
from ovnloom.assign.addresses import Addresses
from ovnloom.assign.choice import Assignment, Choice, Claim, Release, Take
from ovnloom.assign.registry import ASSIGNERS, claims, holder
from ovnloom.compile.registry import COMPILERS
from ovnloom.intent import EMPTY, Intent, Owner, Problem, Ref
from ovnloom.manifests import Apply, Edit, Manifests
from ovnloom.northbound.change import Change, Elements
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.plan import plan
from ovnloom.northbound.wanted import Wanted
from ovnloom.settings import Settings
from ovnloom.world.catalog import DERIVED
from ovnloom.world.graph import Graph, Reader
from ovnloom.world.indexes import INDEXES, IPS_OF_HOLDER
from ovnloom.world.made import Made
from ovnloom.world.moments import MOMENTS, Absent, Leaving, Refused, Taken
from ovnloom.world.tables import TABLES
from ovnloom.world.world import World

RANKS = {
    kind: rank
    for rank, kind in enumerate(
        (
            "Vpc",
            "DenyAll",
            "ProviderNetwork",
            "Vlan",
            "Subnet",
            "IPPool",
            "SecurityGroup",
            "Node",
            "Namespace",
            "NetworkPolicy",
            "AdminNetworkPolicy",
            "BaselineAdminNetworkPolicy",
            "ClusterNetworkPolicy",
            "Selection",
            "VpcDns",
            "SwitchLBRule",
            "IP",
            "Endpoint",
            "Vip",
            "Pod",
            "Membership",
            "Service",
        )
    )
}
"""Of owners that are due together, those that others build on come first."""
NEWER = ("Chassis_Template_Var",)
"""Tables that an OVN which we still serve (22.03) lacks."""
KIND_TYPES = {
    **{table.kind: table.type for table in TABLES},
    **{kind.__name__: kind for kind in DERIVED},
    "Membership": Pod,
    "DenyAll": Vpc,
    "Endpoint": IP,
}
PARTS: Mapping[str, tuple[str, ...]] = {"Pod": ("Membership",), "Vpc": ("DenyAll",), "IP": ("Endpoint",)}
"""Owners beside an object's own: what they want doesn't depend on the rest of the object being usable."""
ROWLESS = frozenset({"Membership"})
"""Owners that only join rows of others, so that nothing of theirs is in the database that they never wanted."""
SILENT = frozenset({*ROWLESS, "DenyAll", "Endpoint", *(kind.__name__ for kind in DERIVED)})
"""Owners that have no object to tell anything on."""
OURS = frozenset((*MOMENTS, *DERIVED, Made))
"""What the API server doesn't say."""


@dataclass(slots=True)
class Turn:
    """What one turn of the pipeline found."""

    choices: list[tuple[Claim, Choice]] = field(default_factory=list)
    intents: dict[Owner, Intent] = field(default_factory=dict)
    failures: dict[Owner, Exception] = field(default_factory=dict)
    """Owners whose assign or compile raised: our own bugs. Their rows stay as they are."""
    assigned: set[Owner] = field(default_factory=set)
    """Owners on whose behalf choices were looked for, whatever came of it."""


def _answer(found: Any) -> Any:
    """What of our own answer, outside of an object's equality, its compile reads back."""
    if isinstance(found, Vip):
        return found.status
    return found.written if isinstance(found, Pod) else found.active_gateway if isinstance(found, Subnet) else None


def _is_told(name: str, ip: IP) -> bool:
    """Whether an IP is more than an address, as nearly none is: it waits for its end, or has a port of its own."""
    return bool(ip.endpoint) if name == "Endpoint" else ip.deleting


LONGEST_MESSAGE = 1000
"""Characters of a sentence for a user; an Event takes 1,024, and a name that somebody wrote may have a million."""


def _short(problem: Problem) -> Problem:
    if len(problem.message) <= LONGEST_MESSAGE:
        return problem
    return problem._replace(message=problem.message[: LONGEST_MESSAGE - 1] + "…")


class Pipeline:
    """Holds the world, the addresses, the wanted state and a mirror of the actual one; see the picture above."""

    def __init__(self, settings: Settings, mirror: Mirror | None = None) -> None:
        self.settings = settings
        self.world = World(INDEXES)
        self.graph = Graph(self.world, settings)
        self.books = Addresses(self.world)
        self.wanted = Wanted()
        self.manifests = Manifests(self.world)
        self.mirror = mirror or Mirror()
        self.unsettled: dict[Owner, None] = {}
        """Owners whose rows may differ from what they want."""
        self.drifted: set[Owner] = set()
        """Those of them that are there because somebody else changed the database."""
        self.unexplained: set[Owner] = set()
        """Owners whose rows would go although nobody saw their object go: see the deletion budget."""
        self._elements: Elements = {}
        self._claims: dict[Claim, None] = {}
        self._owners: dict[Owner, None] = {}
        self._waiting: dict[Ref, set[Owner]] = {}
        self._told: dict[Claim, tuple[Problem, ...]] = {}
        self._leaving: dict[Claim, set[Key]] = {}
        self._note_absent()

    # -- in -----------------------------------------------------------------------------------------------------------

    def put(self, kind: type, key: Key, found: Any, *, was_seen: bool = True, is_echo: bool = False) -> bool:
        """The object is there as given, or gone (None). False when that makes no difference to anybody.

        `was_seen` is False for one that was missing from a list, without an event that said that it went. `is_echo` is
        True when all that is new about it is what we wrote ourselves.
        """
        if not was_seen:
            self.unexplained.add(Owner(kind.__name__, key))
        before = self.world.tables[kind].get(key)
        if kind is Made:
            self._made(key, found)
        if not self.world.put(kind, key, found):
            if found is not None and not is_echo and _answer(before) != _answer(found):
                self._owners[Owner(kind.__name__, key)] = None  # somebody touched our answer: look at it again
            return False
        if self.world.tables[Refused]:  # nearly never: this is on the way of every event
            self.world.put(Refused, Refused.key_of(kind.__name__, key), None)
        if found is None and kind is NetworkPolicy:
            self.world.put(Taken, key, None)
        for derived, name in self.world.take_introduced():
            self._introduce(derived.__name__, name, None)
        if kind is IP:
            self.books.follow(before, found)
            if found is None:
                self.world.put(Leaving, key, None)
        if (before is None) != (found is None):
            self._reconsider(Made.key_of(kind.__name__, key), is_gone=found is None)
        if before is None or kind is IP:
            self._introduce(kind.__name__, key, found if found is not None else before)
        return True

    def _reconsider(self, place: Key, *, is_gone: bool) -> None:
        """Who needs the object is looked at again: what stood in its way, or what it needs, is there or gone."""
        if is_gone:
            self._made(place, None)
        self._owners.update(dict.fromkeys(self.manifests.look_at(place)))

    def _made(self, place: Key, found: Made | None) -> None:
        """An object of ours is there as given, or gone: whether it is as it should be is looked at again."""
        if self.world.tables[Made].get(place) != found:
            self.world.put(Made, place, found)
            self.manifests.look_at(place)

    def _introduce(self, kind: str, key: Key, found: Any) -> None:
        for claim in claims(kind, key, found):
            if not self.graph.knows(claim):
                self._claims[claim] = None
            if kind == "IP" and not self.graph.knows(claim.owner):
                self._owners[claim.owner] = None
        for name in (kind, *PARTS.get(kind, ())):
            owner = Owner(name, key)
            if name in COMPILERS and not self.graph.knows(owner) and (kind != "IP" or _is_told(name, found)):
                self._owners[owner] = None

    def observe(self, changes: Iterable[Change]) -> None:
        """The mirror says what the database says now; owners whose rows somebody changed are looked at again."""
        touched = self.mirror.apply(changes)
        if touched.was_reset:
            self._unsettle_all()
            self._waiting.clear()
            self._note_absent()
            return
        for owner in touched.owners:
            if owner not in self.unsettled:
                self.unsettled[owner] = None
                self.drifted.add(owner)
        for ref in touched.freed:
            kept = self.wanted.owner_of(ref)
            if kept is not None:
                self.unsettled[kept] = None
        for target, elements in touched.elements.items():
            self._elements.setdefault(target, set()).update(elements)
        for ref in touched.appeared & self._waiting.keys():
            self.unsettled.update(dict.fromkeys(self._waiting.pop(ref)))

    def _note_absent(self) -> None:
        """Whoever would use a table that the database lacks knows it."""
        for table in NEWER:
            key = Key(table)
            self.world.put(Absent, key, None if table in self.mirror.shape.tables else Absent(key))

    def queue(self, owner: Owner) -> None:
        """The owner is compiled again."""
        self._owners[owner] = None

    def queue_everything(self) -> None:
        """Every owner's rows are compared with the database's, those of owners that are gone included: for a start."""
        self.unexplained.update(owner for owner in self.mirror.owners() if not self.wanted.rows(owner))
        self._unsettle_all()

    def _unsettle_all(self) -> None:
        self.unsettled.update(dict.fromkeys((*self.wanted.owners(), *self.mirror.owners())))

    def __len__(self) -> int:
        """How much is due."""
        return len(self._claims) + len(self._owners) + len(self.unsettled)

    # -- through ------------------------------------------------------------------------------------------------------

    def turn(self) -> Turn:
        """All that is due has been looked at: choices for the caller to save, and what owners want now."""
        turn = Turn()
        self._assign(turn)
        self._compile(turn)
        return turn

    def save(self, choice: Choice) -> None:
        """The choice is remembered outside (an IP object says so), so from now on compiles may read it."""
        if isinstance(choice, Release):
            self.put(IP, choice.key, None)
        else:
            self.put(IP, choice.ip.key, choice.ip)

    def revoke(self, choice: Choice) -> None:
        """The choice could not be saved: it was never made."""
        if isinstance(choice, Take) and choice.ip.key not in self.world.tables[IP]:
            self.books.forget(choice.ip)
            self.world.touch((IP, choice.ip.key))  # for those who wanted the same address
            self._claims[holder(choice.ip)] = None

    def settle(self) -> None:
        """Views answer by what was put; who read what changed is due."""
        self._settle()

    def _settle(self) -> None:
        for node in self.graph.settle(self.world.take_changed()):
            if isinstance(node, Claim):
                self._claims.setdefault(node)
            elif isinstance(node, Owner):
                self._owners.setdefault(node)

    def _assign(self, turn: Turn) -> None:
        self._settle()
        while self._claims or self.books.has_freed:
            due, self._claims = self._claims, {}
            # Vips of a cluster that moves over have addresses that no IP object says yet.
            for claim in sorted(due, key=lambda claim: claim.kind != "Vip"):
                # What was freed goes to those who wait before anybody who comes later.
                for first in self.books.next_served():
                    self._assign_one(first, turn)
                self._assign_one(claim, turn)
            for first in self.books.next_served():
                self._assign_one(first, turn)
            self._settle()

    def _assign_one(self, claim: Claim, turn: Turn) -> None:
        def assign(read: Reader) -> Assignment:
            return ASSIGNERS[claim.kind](read, claim.key, self.books)

        try:
            found = self.graph.evaluate(claim, assign)
        except Exception as bug:  # noqa: BLE001 # one owner's bug stops nobody else
            turn.failures[claim.owner] = bug
            return
        turn.assigned.add(claim.owner)
        turn.choices.extend((claim, choice) for choice in found.choices)
        self._part(claim, {choice.key for choice in found.choices if isinstance(choice, Release)})
        self.books.wait(claim, found.waits)
        self._tell(claim, tuple(found.problems))
        if not found.choices and not found.waits and not self._matters(claim.kind, claim.key):
            self.graph.forget(claim)

    def _part(self, claim: Claim, leaving: set[Key]) -> None:
        """These IPs of the claim leave, and what was to leave before and isn't any more stays."""
        before = self._leaving.pop(claim, None)
        for key in (before or set()) - leaving:
            self.world.put(Leaving, key, None)
        for key in leaving:
            self.world.put(Leaving, key, Leaving(key))
        if leaving:
            self._leaving[claim] = leaving

    def _tell(self, claim: Claim, problems: tuple[Problem, ...]) -> None:
        if problems == self._told.get(claim, ()):
            return
        if problems:
            self._told[claim] = problems
        else:
            del self._told[claim]
        self._owners[claim.owner] = None

    def _compile(self, turn: Turn) -> None:
        while self._owners:
            due = sorted(self._owners, key=lambda owner: RANKS[owner.kind])
            self._owners.clear()
            for owner in due:
                self._compile_one(owner, turn)
            self._settle()

    def _compile_one(self, owner: Owner, turn: Turn) -> None:
        try:
            intent = self.graph.evaluate(owner, lambda read: COMPILERS[owner.kind](read, owner.key))
        except Exception as bug:  # noqa: BLE001 # one owner's bug stops nobody else
            turn.failures[owner] = bug
            intent = Intent.held(Problem("InternalError", f"ovnloom failed on this object: {bug!r}; please report it"))
        turn.intents[owner] = intent
        if intent.rows:
            self.unexplained.discard(owner)
        is_idle = owner.kind in ROWLESS and not intent.members and not self.wanted.members(owner)
        self.manifests.replace(owner, intent)
        again = self.wanted.replace(owner, intent)
        if not is_idle:
            self.unsettled[owner] = None
        self.drifted.discard(owner)
        self.unsettled.update(dict.fromkeys(again))
        if not intent.rows and not intent.is_held and not self._matters(owner.kind, owner.key):
            self.graph.forget(owner)

    def _matters(self, kind: str, key: Key) -> bool:
        """The object is there, or a Pod that comes back under its name has an address waiting for it."""
        return key in self.world.tables[KIND_TYPES[kind]] or (
            kind == "Pod" and bool(self.world.members(IPS_OF_HOLDER, key))
        )

    # -- out ----------------------------------------------------------------------------------------------------------

    def problems(self, owner: Owner, intent: Intent) -> tuple[Problem, ...]:
        """What the owner's user must be told: about its choices, then about its rows."""
        chosen = self._told.get(Claim(owner.kind, owner.key), ())
        return tuple(map(_short, (*chosen, *intent.problems, *self.manifests.problems(owner))))

    def intent(self, owner: Owner) -> Intent:
        """What an owner wants now, compiled anew and without effect."""
        return COMPILERS[owner.kind](Reader(self.graph), owner.key) if owner.kind in COMPILERS else EMPTY

    def held(self) -> Mapping[str, int]:
        """How many owners of each kind are held; kinds that ever had one stay, with 0."""
        found = dict.fromkeys(COMPILERS, 0)
        for owner in self.wanted.held():
            found[owner.kind] += 1
        return found

    def plan(self) -> Plan:
        """The edits for all owners that are due. They stay due until `settled`."""
        found = plan(self.unsettled, self.wanted, self.mirror, self._elements)
        if self._renamed(found):
            found = plan(self.unsettled, self.wanted, self.mirror, self._elements)
        self.drifted |= found.owners - self.unsettled.keys()
        return found

    def _renamed(self, found: Plan) -> bool:
        """Whether policies whose group's name somebody else's row has want it under another one now.

        Before anything is written: a policy without its group would isolate nobody.
        """
        taken = [
            owner.key
            for owner, problems in found.problems.items()
            if owner.kind == "NetworkPolicy" and any(problem.reason == "NameTaken" for problem in problems)
        ]
        is_new = [self.world.put(Taken, key, Taken(key)) for key in taken]
        if not any(is_new):
            return False
        self._settle()
        self._compile(Turn())
        return True

    def object_refused(self, place: Key, words: str) -> None:
        """The API server refuses an object that owners need; they tell it."""
        self._owners.update(dict.fromkeys(self.manifests.refuse(place, words)))

    def object_applied(self, place: Key) -> None:
        """The API server took it."""
        self._owners.update(dict.fromkeys(self.manifests.accept(place)))

    def given_up(self, owners: Mapping[Owner, str]) -> None:
        """The database refuses what these owners want, for these reasons: they are planned again when they want
        something else. What must be closed until then (a policy) is compiled again at once, and wants less."""
        for owner, words in owners.items():
            self.unsettled.pop(owner, None)
            place = Refused.key_of(owner.kind, owner.key)
            if place not in self.world.tables[Refused]:
                self.world.put(Refused, place, Refused(place, words))

    def settled(self, owners: Collection[Owner], found: Plan) -> None:
        """The plan was written for these owners; those whose parent or target is missing wait until it appears."""
        for owner in owners:
            self.unsettled.pop(owner, None)
            self.drifted.discard(owner)
            self.unexplained.discard(owner)
            self.wanted.settled(owner)
        if found.owners <= frozenset(owners):
            self._elements = {}
        for ref, waiting in found.waiting.items():
            self._waiting.setdefault(ref, set()).update(waiting)

    # -- for those who have no database to write to -------------------------------------------------------------------

    def become(self, objects: Iterable[Any]) -> None:
        """The world is exactly these objects, and every choice that follows has been saved."""
        wanted: dict[tuple[type, Key], Any] = {(type(found), found.key): found for found in objects}
        for kind, table in self.world.tables.items():
            if self._is_ours(kind):
                continue
            for key in [key for key in table if (kind, key) not in wanted]:
                if Made.key_of(kind.__name__, key) not in self.world.tables[Made]:
                    self.put(kind, key, None)
        for (kind, key), found in wanted.items():
            self.put(kind, key, found)
        self.run()

    @staticmethod
    def _is_ours(kind: type) -> bool:
        """IP objects that we made stay until we release them; what the world derives itself isn't the caller's."""
        return kind is IP or kind in OURS

    def run(self) -> list[Choice]:
        """Turns until nothing is due; every choice is saved at once. The answer is all choices, in order."""
        made: list[Choice] = []
        while True:
            turn = self.turn()
            if turn.failures:
                raise next(iter(turn.failures.values()))
            edits = self.manifests.take()
            if not turn.choices and not edits:
                return made
            for edit in edits:
                self.imagine(edit)
            for _, choice in turn.choices:
                made.append(choice)
                self.save(choice)

    def imagine(self, edit: Edit) -> None:
        """The API server did what the edit says."""
        kind, place = edit.table.type, Made.key_of(edit.table.kind, edit.key)
        if isinstance(edit, Apply):
            self.put(Made, place, Made.decode(edit.table.kind, edit.body))
            self.put(kind, edit.key, edit.table.decode(edit.body))
        else:
            self.put(kind, edit.key, None)

    def intents(self) -> Iterator[tuple[Owner, Intent]]:
        """Every owner's intent, compiled anew and without effect: for tests and reports."""
        for kind, table in self.world.tables.items():
            if kind.__name__ in COMPILERS:
                for key in table:
                    owner = Owner(kind.__name__, key)
                    yield owner, self.intent(owner)
