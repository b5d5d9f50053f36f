"""Reading a match: whether OVN would read what a user wrote, and what it says.

ovn-northd passes a match on as it is and ovn-controller drops a flow that it can't parse, with one line in its log: an
ACL that denies would silently let all through. So a match is read here first, by the grammar of ovn-sb(5), Logical_Flow
`match`. The check is never stricter than OVN: where that would need OVN's tables (whether a set exists, how wide an
internal field is) it says nothing.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from ovnloom.ovn.symbols import NOMINAL_FIELDS, NOMINAL_PREDICATES, STRINGS, WIDTHS, is_known
from ovnloom.ovn.tokens import Token, Unreadable, tokens

MAX_DEPTH = 100
"""OVN's limit of nested parentheses (lib/expr.c MAX_PAREN_DEPTH)."""

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_OPPOSITES: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Field(NamedTuple):
    """A field, `bits` of it from the bit `low` on; `bits` is None where we don't know how wide it is."""

    name: str
    low: int
    bits: int | None


@dataclass(frozen=True, slots=True)
class Truth:
    """`1` or `0`."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against constants; a field or predicate that stands alone is compared with 0."""

    field: Field
    operator: str
    constants: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Resident:
    """Whether a port is (or isn't) on the chassis where the match is evaluated."""

    port: Token
    holds: bool


@dataclass(frozen=True, slots=True)
class Junction:
    """Terms of which all (`&&`) or one (`||`) must hold."""

    joint: Literal["&&", "||"]
    terms: tuple["Node", ...]


Node = Truth | Comparison | Resident | Junction
"""A match that was read. As OVN does while it reads, `!` is carried inwards until it turns a comparison around."""

_ZERO: Final = (Token("number", "0", 0, is_decimal=True),)


def parse(text: str) -> Node:
    """What the match says. Raises Unreadable when OVN wouldn't read it."""
    if not text.strip():
        raise Unreadable("it is empty; write 1 to match every packet")
    reader = _Reader(list(tokens(text)))
    found = reader.expression(0, negated=False)
    reader.end()
    return found


def check_match(text: str) -> str | None:
    """Why OVN wouldn't read the match, as the rest of a sentence that begins with the field's name; None when it would.

    `spec.acls[0].match` + `has an ( that is not closed; …`.
    """
    if not text.strip():
        return "is empty; write 1 to match every packet"
    try:
        parse(text)
    except Unreadable as unreadable:
        return f"can't be read by OVN: {unreadable}"
    return None


class _Reader:
    """Reads the words of one match from left to right."""

    def __init__(self, words: list[Token]) -> None:
        self.words = words
        self.at = 0

    @property
    def word(self) -> Token:
        return self.words[self.at]

    def accept(self, *symbols: str) -> str | None:
        """The symbol that comes next if it is one of these, which is then passed."""
        if self.word.kind == "symbol" and self.word.text in symbols:
            self.at += 1
            return self.words[self.at - 1].text
        return None

    def expect(self, symbol: str, why: str) -> None:
        if not self.accept(symbol):
            raise Unreadable(why)

    def end(self) -> None:
        if self.word.kind != "end":
            surplus = "a ) too many" if self.word.text == ")" else f"nothing may follow before {self.word.text}"
            raise Unreadable(f"{surplus}; join terms with && or ||" if self.word.text != ")" else surplus)

    def expression(self, depth: int, *, negated: bool) -> Node:
        """Terms joined by one of && and ||."""
        terms = [self.term(depth, negated=negated)]
        joint = self.accept("&&", "||")
        if joint is None:
            return terms[0]
        terms.append(self.term(depth, negated=negated))
        while self.accept(joint):
            terms.append(self.term(depth, negated=negated))
        if self.word.text in {"&&", "||"}:
            raise Unreadable("&& and || stand side by side; put one of them into parentheses")
        return Junction("&&" if (joint == "&&") != negated else "||", tuple(terms))

    def term(self, depth: int, *, negated: bool) -> Node:
        """A comparison, a predicate or an expression in parentheses, `!` before it or not."""
        denied = self.accept("!") is not None
        negated = negated != denied
        if self.accept("("):
            if depth >= MAX_DEPTH:
                raise Unreadable(f"parentheses are nested more than {MAX_DEPTH} deep")
            inner = self.expression(depth + 1, negated=negated)
            self.expect(")", f"expected ) before {self.word.text or 'the end'}")
            return inner
        found, is_atom = (
            self.name_first(negated=negated) if self.word.kind == "name" else self.constant_first(negated=negated)
        )
        if denied and not is_atom:
            raise Unreadable("! needs parentheses around a comparison")
        return found

    def name_first(self, *, negated: bool) -> tuple[Node, bool]:
        """`field`, `field OP constants` or a function; True when it is one word to `!`."""
        if self.words[self.at + 1].text == "(" and self.words[self.at + 1].kind == "symbol":
            return self.function(negated=negated)
        field = self.field()
        operator = self.accept(*_COMPARISONS)
        if operator:
            return self.constants(field, operator, negated=negated), False
        if field.name in STRINGS:
            raise Unreadable(f"{field.name} must be compared, like {field.name} == @group")
        if field.bits is not None and field.bits > 1 and not negated:
            raise Unreadable(f"{field.name} must be compared, like {field.name} != 0")
        if field.name in NOMINAL_PREDICATES and negated:
            raise Unreadable(f"the opposite of {field.name} can't be tested; name what shall match instead")
        return Comparison(field, "==" if negated else "!=", _ZERO), True

    def function(self, *, negated: bool) -> tuple[Node, bool]:
        name = self.word.text
        self.at += 2
        argument = self.word
        if name == "is_chassis_resident":
            if argument.kind != "string":
                raise Unreadable("is_chassis_resident takes a port name in quotes")
            self.at += 1
        elif not name.startswith("ct_"):
            raise Unreadable(f"{name} is no function of OVN")
        self.expect(")", f"{name}( has no )")
        if not name.startswith("ct_"):
            return Resident(argument, not negated), True
        field = Field(f"{name}()", 0, None)  # ct_nw_dst() and its kind are fields of newer versions
        operator = self.accept(*_COMPARISONS)
        if not operator:
            return Comparison(field, "==" if negated else "!=", _ZERO), True
        return self.constants(field, operator, negated=negated), False

    def constant_first(self, *, negated: bool) -> tuple[Node, bool]:
        """`0`, `1`, `constants OP field` or `low <= field <= high`."""
        first, start = self.word, self.at
        if first.kind == "end" or (first.kind == "symbol" and first.text != "{"):
            raise Unreadable(f"expected a field or a value before {first.text or 'the end'}")
        self.skip_constants()
        one = self.at == start + 1
        operator = self.accept(*_COMPARISONS)
        if not operator:
            if one and first.is_decimal and first.text in {"0", "1"}:
                return Truth((first.text == "1") != negated), True
            raise Unreadable(f"expected a comparison after {self.words[self.at - 1].text}")
        field = self.field()
        after = self.at
        self.at = start
        turned = operator.translate(str.maketrans("<>", "><"))
        found = self.constants(field, turned, negated=negated)
        self.at = after
        second = self.accept(*_COMPARISONS)
        if not second:
            return found, False
        if {operator[0], second[0]} not in ({"<"}, {">"}):
            raise Unreadable("a range is low <= field <= high")
        other = self.constants(field, second, negated=negated)
        return Junction("||" if negated else "&&", (found, other)), False

    def field(self) -> Field:
        """A field, subfield or predicate."""
        name = self.word
        if name.kind != "name":
            raise Unreadable(f"expected a field before {name.text or 'the end'}")
        if not is_known(name.text):
            raise Unreadable(f"{name.text} is no field of OVN")
        self.at += 1
        width = WIDTHS.get(name.text)
        if not self.accept("["):
            return Field(name.text, 0, width)
        if name.text in STRINGS:
            raise Unreadable(f"{name.text} has no bits")
        low = self.bit()
        high = self.bit() if self.accept("..") else low
        self.expect("]", f"{name.text}[ has no ]")
        if low > high or (width is not None and high >= width):
            raise Unreadable(f"{name.text} has no bits {low} to {high}")
        return Field(name.text, low, high - low + 1)

    def bit(self) -> int:
        if not self.word.is_decimal:
            raise Unreadable("bits are numbers, like [0..7]")
        self.at += 1
        return int(self.words[self.at - 1].text)

    def skip_constants(self) -> None:
        if not self.accept("{"):
            self.constant()
            return
        self.constant()
        while not self.accept("}"):
            self.accept(",")
            if self.accept("}"):
                return
            self.constant()

    def constant(self) -> Token:
        word = self.word
        if word.kind not in {"string", "number", "set", "group"}:
            raise Unreadable(f"expected a value before {word.text or 'the end'}")
        self.at += 1
        return word

    def constants(self, field: Field, operator: str, *, negated: bool) -> Comparison:
        """A value or a set of them that fits the field, whole fields being what OVN measures subfields' values by."""
        start, name = self.at, field.name
        self.skip_constants()
        values = [word for word in self.words[start : self.at] if word.kind != "symbol"]
        width = WIDTHS.get(name)
        for value in values:
            if (value.kind in {"string", "group"}) != (name in STRINGS):
                raise Unreadable(f"{name} can't be compared with {value.text}")
            if value.kind == "number" and value.width is not None and width is not None and value.width > width:
                raise Unreadable(f"{value.text} doesn't fit {name}, which has {width} bits")
        if operator not in {"==", "!="} and (self.words[start].text == "{" or values[0].is_masked):
            raise Unreadable(f"sets and masked values can be compared with == and != only, not {operator}")
        if name in NOMINAL_FIELDS and operator != ("!=" if negated else "=="):
            raise Unreadable(f"{name} can be compared for equality only, also inside !")
        if name in NOMINAL_PREDICATES and not _is_positive(operator, values, negated=negated):
            raise Unreadable(f"the opposite of {name} can't be tested; name what shall match instead")
        return Comparison(field, _OPPOSITES[operator] if negated else operator, tuple(values))


def _is_positive(operator: str, values: list[Token], *, negated: bool) -> bool:
    """Whether a predicate is compared so that it must hold; a value that we don't read counts as if."""
    if operator not in {"==", "!="}:
        return False
    truths = [value.text == "1" for value in values if value.text in {"0", "1"}]
    return all(truth ^ (operator == "!=") ^ negated for truth in truths)
