"""Words of CEL that several kinds need; each answers with an expression, to be put into a rule.

The API server bounds what a rule may cost by the longest values that the schema allows, so no rule here walks through a
list that was split out of a string: of a comma list with two members at most, the first and the last are all of it.
The library for addresses: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library (isIP, isCIDR, cidr, containsIP).
"""

V4 = "[0-9.]+"
V6 = "[0-9a-f.]*:[0-9a-f:.]*"
"""What addresses are made of; for long lists, where looking at each one would cost too much."""


def is_set(field: str) -> str:
    """The field is there and not the empty string, which users and tools write for the same."""
    return f"has(self.{field}) && self.{field} != ''"


def is_true(field: str) -> str:
    return f"has(self.{field}) && self.{field}"


def members(value: str) -> str:
    """The members of a comma list of one or two."""
    return f"[{value}.split(',')[0], {value}.split(',')[{value}.split(',').size() - 1]]"


def ips(value: str) -> str:
    """A comma list of one or two addresses."""
    return f"{value}.split(',').size() <= 2 && {members(value)}.all(i, isIP(i))"


def cidrs(value: str) -> str:
    """A comma list of one or two networks."""
    return f"{value}.split(',').size() <= 2 && {members(value)}.all(c, isCIDR(c))"


def inside(value: str, networks: str) -> str:
    """Every address of one comma list lies in some network of another. Only called on what parses."""
    return f"{members(value)}.all(i, {members(networks)}.exists(c, cidr(c).containsIP(i)))"


def ip_range(value: str) -> str:
    """`a..b`, both of them addresses."""
    ends = f"{value}.split('..')"
    return f"{value}.contains('..') && {ends}.size() == 2 && isIP({ends}[0]) && isIP({ends}[1])"


def ordered_v4(value: str) -> str:
    """An IPv4 range whose last address isn't before its first. Only called on what parses.

    CEL has no order of addresses; of IPv6 the controller says it. The list of one gives the octets a name.
    """
    first, last = (" + ".join(f"int(o[{4 * end + i}]) * {256 ** (3 - i)}" for i in range(4)) for end in (0, 1))
    return f"{value}.contains(':') || [{value}.replace('..', '.').split('.')].all(o, {first} <= {last})"


def comma_list(member: str) -> str:
    """A regular expression for any number of members; blanks around them are allowed."""
    return f"^ *{member}( *, *{member})* *$"
