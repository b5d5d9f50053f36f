"""Whether OVN would read a match that a user wrote.

ovn-northd passes a match on as it is and ovn-controller drops a flow that it can't parse, with one line in its log: an
ACL that denies would silently let all through. So a match is read here first, by the grammar of ovn-sb(5), Logical_Flow
`match`. The check is never stricter than OVN: where that would need OVN's tables (whether a set exists, how wide an
internal field is) it says nothing.
"""

from ovnloom.ovn.symbols import NOMINAL_FIELDS, NOMINAL_PREDICATES, STRINGS, WIDTHS, is_known
from ovnloom.ovn.tokens import Token, Unreadable, tokens

MAX_DEPTH = 100
"""OVN's limit of nested parentheses (lib/expr.c MAX_PAREN_DEPTH)."""

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def check_match(text: str) -> str | None:
    """Why OVN wouldn't read the match, as the rest of a sentence that begins with the field's name; None when it would.

    `spec.acls[0].match` + `has an ( that is not closed; …`.
    """
    if not text.strip():
        return "is empty; write 1 to match every packet"
    try:
        reader = _Reader(list(tokens(text)))
        reader.expression(0, negated=False)
        reader.end()
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

    def expression(self, depth: int, *, negated: bool) -> None:
        """Terms joined by one of && and ||."""
        self.term(depth, negated=negated)
        joint = self.accept("&&", "||")
        if joint is None:
            return
        self.term(depth, negated=negated)
        while self.accept(joint):
            self.term(depth, negated=negated)
        if self.word.text in {"&&", "||"}:
            raise Unreadable("&& and || stand side by side; put one of them into parentheses")

    def term(self, depth: int, *, negated: bool) -> None:
        """A comparison, a predicate or an expression in parentheses, `!` before it or not."""
        denied = self.accept("!") is not None
        negated = negated != denied
        if self.accept("("):
            if depth >= MAX_DEPTH:
                raise Unreadable(f"parentheses are nested more than {MAX_DEPTH} deep")
            self.expression(depth + 1, negated=negated)
            self.expect(")", f"expected ) before {self.word.text or 'the end'}")
            return
        is_atom = self.name_first(negated=negated) if self.word.kind == "name" else self.constant_first(negated=negated)
        if denied and not is_atom:
            raise Unreadable("! needs parentheses around a comparison")

    def name_first(self, *, negated: bool) -> bool:
        """`field`, `field OP constants` or a function; True when it is one word to `!`."""
        if self.words[self.at + 1].text == "(" and self.words[self.at + 1].kind == "symbol":
            return self.function()
        field, bits = self.field()
        operator = self.accept(*_COMPARISONS)
        if operator:
            self.constants(field, operator, negated=negated)
            return False
        if field in STRINGS:
            raise Unreadable(f"{field} must be compared, like {field} == @group")
        if bits is not None and bits > 1 and not negated:
            raise Unreadable(f"{field} must be compared, like {field} != 0")
        if field in NOMINAL_PREDICATES and negated:
            raise Unreadable(f"the opposite of {field} can't be tested; name what shall match instead")
        return True

    def function(self) -> bool:
        name = self.word.text
        self.at += 2
        if name == "is_chassis_resident":
            if self.word.kind != "string":
                raise Unreadable("is_chassis_resident takes a port name in quotes")
            self.at += 1
        elif not name.startswith("ct_"):
            raise Unreadable(f"{name} is no function of OVN")
        self.expect(")", f"{name}( has no )")
        if name.startswith("ct_"):  # ct_nw_dst() and its kind are fields of newer versions
            operator = self.accept(*_COMPARISONS)
            if operator:
                self.constants(name, operator, negated=False)
                return False
        return True

    def constant_first(self, *, negated: bool) -> bool:
        """`0`, `1`, `constants OP field` or `low <= field <= high`."""
        first, start = self.word, self.at
        if first.kind == "end" or (first.kind == "symbol" and first.text != "{"):
            raise Unreadable(f"expected a field or a value before {first.text or 'the end'}")
        self.skip_constants()
        one = self.at == start + 1
        operator = self.accept(*_COMPARISONS)
        if not operator:
            if one and first.is_decimal and first.text in {"0", "1"}:
                return True
            raise Unreadable(f"expected a comparison after {self.words[self.at - 1].text}")
        field, _ = self.field()
        after = self.at
        self.at = start
        turned = operator.translate(str.maketrans("<>", "><"))
        self.constants(field, turned, negated=negated)
        self.at = after
        second = self.accept(*_COMPARISONS)
        if second:
            if {operator[0], second[0]} not in ({"<"}, {">"}):
                raise Unreadable("a range is low <= field <= high")
            self.constants(field, second, negated=negated)
        return False

    def field(self) -> tuple[str, int | None]:
        """The name of a field, subfield or predicate, and how many bits of it are meant if that is known."""
        name = self.word
        if name.kind != "name":
            raise Unreadable(f"expected a field before {name.text or 'the end'}")
        if not is_known(name.text):
            raise Unreadable(f"{name.text} is no field of OVN")
        self.at += 1
        width = WIDTHS.get(name.text)
        if not self.accept("["):
            return name.text, width
        if name.text in STRINGS:
            raise Unreadable(f"{name.text} has no bits")
        low = self.bit()
        high = self.bit() if self.accept("..") else low
        self.expect("]", f"{name.text}[ has no ]")
        if low > high or (width is not None and high >= width):
            raise Unreadable(f"{name.text} has no bits {low} to {high}")
        return name.text, high - low + 1

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

    def constants(self, field: str, operator: str, *, negated: bool) -> None:
        """A value or a set of them that fits the field, whole fields being what OVN measures subfields' values by."""
        start = self.at
        self.skip_constants()
        values = [word for word in self.words[start : self.at] if word.kind != "symbol"]
        width = WIDTHS.get(field)
        for value in values:
            if (value.kind in {"string", "group"}) != (field in STRINGS):
                raise Unreadable(f"{field} can't be compared with {value.text}")
            if value.kind == "number" and value.width is not None and width is not None and value.width > width:
                raise Unreadable(f"{value.text} doesn't fit {field}, which has {width} bits")
        if operator not in {"==", "!="} and (self.words[start].text == "{" or values[0].is_masked):
            raise Unreadable(f"sets and masked values can be compared with == and != only, not {operator}")
        if field in NOMINAL_FIELDS and operator != ("!=" if negated else "=="):
            raise Unreadable(f"{field} can be compared for equality only, also inside !")
        if field in NOMINAL_PREDICATES and not _is_positive(operator, values, negated=negated):
            raise Unreadable(f"the opposite of {field} can't be tested; name what shall match instead")


def _is_positive(operator: str, values: list[Token], *, negated: bool) -> bool:
    """Whether a predicate is compared so that it must hold; a value that we don't read counts as if."""
    if operator not in {"==", "!="}:
        return False
    truths = [value.text == "1" for value in values if value.text in {"0", "1"}]
    return all(truth ^ (operator == "!=") ^ negated for truth in truths)
