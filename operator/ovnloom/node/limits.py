"""The limits that a Pod's annotations ask for."""

from __future__ import annotations

from collections.abc import Callable

from ovnloom.errors import Refused
from ovnloom.host.wire import Limits

MEGA, KILO = 1_000_000, 1_000
BURST = 125_000
"""Of one Mbit: so Kube-OVN writes it, whose values are kept over a hand-over."""
MOST = 1_000_000
"""Mbit/s: more is a mistake, and would not fit into the database's numbers."""
WORDS = ("ingress_rate", "egress_rate", "ingress_burst", "egress_burst", "latency", "limit", "loss", "jitter")


def limits(prefix: str, get: Callable[[str], str]) -> Limits:
    """Rates are in Mbit/s, times in ms there; `ingress` is what comes to the Pod. Raises Refused."""
    out, into = _number(prefix, get, "egress_rate", MEGA), _number(prefix, get, "ingress_rate", MEGA)
    return Limits(
        out_rate=out or None,
        out_burst=_burst(get("egress_burst"), MEGA, out * 8 // 10) if out else None,
        in_rate=into or None,
        in_burst=_burst(get("ingress_burst"), BURST, into // 10) if into else None,
        latency=_number(prefix, get, "latency", KILO),
        jitter=_number(prefix, get, "jitter", KILO),
        queue=_number(prefix, get, "limit", 1),
        loss=_share(prefix, get("loss")),
    )


def _number(prefix: str, get: Callable[[str], str], word: str, unit: int) -> int:
    text = get(word)
    if not text:
        return 0
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= MOST:
        raise Refused(f"annotation {prefix}{word} is {text!r}; write a number from 0 to {MOST}")
    return int(number * unit)


def _burst(text: str, unit: int, default: int) -> int:
    """A burst that can't be read is the default; 0 means none at all."""
    try:
        number = float(text)
    except ValueError:
        return default
    return int(number * unit) if 0 <= number <= MOST else default


def _share(prefix: str, text: str) -> str:
    if not text:
        return ""
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 100:
        raise Refused(f"annotation {prefix}loss is {text!r}; write per cent from 0 to 100")
    return text if share else ""
