"""Words of CEL that several kinds need; each answers with an expression, to be put into a rule.

The library for addresses: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library (isIP, isCIDR, cidr, containsIP).
"""


def parts(value: str) -> str:
    """The members of a comma list."""
    return f"{value}.split(',')"


def is_set(field: str, parent: str = "self") -> str:
    """The field is there and not the empty string, which users and tools write for the same."""
    return f"has({parent}.{field}) && {parent}.{field} != ''"


def unset_or(field: str, expression: str, parent: str = "self") -> str:
    return f"!has({parent}.{field}) || {parent}.{field} == '' || ({expression})"


def all_ips(value: str, most: int) -> str:
    return f"{parts(value)}.size() <= {most} && {parts(value)}.all(i, isIP(i))"


def inside(value: str, cidrs: str) -> str:
    """Every address of one comma list lies in some network of another. Only called on what parses."""
    return f"{parts(value)}.all(i, {parts(cidrs)}.exists(c, cidr(c).containsIP(i)))"


def ordered_v4(value: str) -> str:
    """`a..b` isn't reversed; only IPv4 is compared here, since CEL has no order of addresses.

    Octets are padded to three digits, so that the order of strings is that of addresses.
    """
    padded = "{0}.split('.').map(o, ('00' + o).substring(size(o) - 1)).join('')"
    first, last = (padded.format(f"{value}.split('..')[{place}]") for place in (0, 1))
    return f"{value}.contains(':') || {first} <= {last}"
