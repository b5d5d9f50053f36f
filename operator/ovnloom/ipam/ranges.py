"""Sets of addresses of one family as sorted disjoint ranges."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from ovnloom.ipam.address import Family, address_text

Span = tuple[int, int]
"""First and last address of a range, both included."""


class Ranges:
    """A mutable set of addresses whose memory follows the number of ranges, not of addresses.

    Ranges never touch: 1-2 and 3-4 become 1-4, so two equal sets have equal ranges. Adding, removing and looking up one
    address is a bisection. `count` is kept, so it costs nothing to read.
    """

    __slots__ = ("_count", "_firsts", "_lasts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._count = 0
        for first, last in sorted(spans):
            if first > last:
                raise ValueError(f"range {first}..{last} is reversed")
            self._append(first, last)

    @classmethod
    def of_sorted(cls, numbers: Iterable[int]) -> "Ranges":
        """The set of ascending numbers; faster than adding one by one."""
        made = cls()
        firsts, lasts = made._firsts, made._lasts
        expected = None
        for number in numbers:
            if number == expected:
                lasts[-1] = number
            else:
                firsts.append(number)
                lasts.append(number)
            expected = number + 1
        made._count = sum(lasts) - sum(firsts) + len(firsts)
        return made

    @property
    def count(self) -> int:
        """How many addresses are in the set."""
        return self._count

    @property
    def first(self) -> int | None:
        """The lowest address, None when the set is empty."""
        return self._firsts[0] if self._firsts else None

    def spans(self) -> Iterator[Span]:
        """The ranges, ascending."""
        return zip(self._firsts, self._lasts, strict=True)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.spans():
            yield from range(first, last + 1)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ranges):
            return NotImplemented
        return self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]  # a mutable set has no hash

    def __repr__(self) -> str:
        return f"Ranges({list(self.spans())})"

    def copy(self) -> "Ranges":
        """An independent set of the same addresses."""
        made = Ranges()
        made._firsts, made._lasts, made._count = self._firsts.copy(), self._lasts.copy(), self._count
        return made

    def add(self, number: int) -> bool:
        """The address is in the set; False when it was already."""
        firsts, lasts = self._firsts, self._lasts
        after = bisect_right(firsts, number)
        if after and number <= lasts[after - 1]:
            return False
        joins_left = after > 0 and lasts[after - 1] == number - 1
        joins_right = after < len(firsts) and firsts[after] == number + 1
        if joins_left and joins_right:
            lasts[after - 1] = lasts.pop(after)
            del firsts[after]
        elif joins_left:
            lasts[after - 1] = number
        elif joins_right:
            firsts[after] = number
        else:
            firsts.insert(after, number)
            lasts.insert(after, number)
        self._count += 1
        return True

    def discard(self, number: int) -> bool:
        """The address is not in the set; False when it wasn't before."""
        firsts, lasts = self._firsts, self._lasts
        at = bisect_right(firsts, number) - 1
        if at < 0 or number > lasts[at]:
            return False
        first, last = firsts[at], lasts[at]
        if first == last:
            del firsts[at], lasts[at]
        elif number == first:
            firsts[at] = number + 1
        elif number == last:
            lasts[at] = number - 1
        else:
            firsts.insert(at + 1, number + 1)
            lasts.insert(at, number - 1)
        self._count -= 1
        return True

    def __or__(self, other: "Ranges") -> "Ranges":
        return Ranges([*self.spans(), *other.spans()])

    def __and__(self, other: "Ranges") -> "Ranges":
        made = Ranges()
        mine, theirs = list(self.spans()), list(other.spans())
        i = j = 0
        while i < len(mine) and j < len(theirs):
            first, last = max(mine[i][0], theirs[j][0]), min(mine[i][1], theirs[j][1])
            if first <= last:
                made._append(first, last)
            if mine[i][1] < theirs[j][1]:
                i += 1
            else:
                j += 1
        return made

    def __sub__(self, other: "Ranges") -> "Ranges":
        made = Ranges()
        theirs = list(other.spans())
        j = 0
        for first, last in self.spans():
            while j < len(theirs) and theirs[j][1] < first:
                j += 1
            k = j
            while k < len(theirs) and theirs[k][0] <= last:
                if first < theirs[k][0]:
                    made._append(first, theirs[k][0] - 1)
                first = theirs[k][1] + 1
                k += 1
            if first <= last:
                made._append(first, last)
        return made

    def text(self, family: Family) -> str:
        """`a-b,c`: dash range, comma separated, a single address alone; the form of the status range strings."""
        return ",".join(
            address_text(family, first)
            if first == last
            else f"{address_text(family, first)}-{address_text(family, last)}"
            for first, last in self.spans()
        )

    def _append(self, first: int, last: int) -> None:
        """Add a range that doesn't start before the last one starts."""
        lasts = self._lasts
        if not lasts or first > lasts[-1] + 1:
            self._firsts.append(first)
            lasts.append(last)
            self._count += last - first + 1
        elif last > lasts[-1]:
            self._count += last - lasts[-1]
            lasts[-1] = last
