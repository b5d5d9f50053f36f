"""What a plan changes in the isolation of Pods, as sentences: one for all Pods that fare alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ovnloom.cli.isolation import Change, Effect, Isolation
from ovnloom.cli.some import some

SIGNS: dict[Change, str] = {"starts": "+", "comes": "+", "changes": "~", "stops": "-"}
WORDS: dict[tuple[Effect, Change], str] = {
    ("isolates", "starts"): "isolated anew, by {after}",
    ("isolates", "comes"): "new and isolated from the start, by {after}",
    ("isolates", "changes"): "still isolated, now by {after}, before by {before}",
    ("isolates", "stops"): "no longer isolated, before by {before}",
    ("denies", "starts"): "denied some traffic anew, by rules of {after}",
    ("denies", "comes"): "new and denied some traffic from the start, by rules of {after}",
    ("denies", "changes"): "still denied some traffic, now by rules of {after}, before of {before}",
    ("denies", "stops"): "no longer denied any traffic, before by rules of {before}",
}
ORDER = ("starts", "comes", "changes", "stops")


def isolation(found: Iterable[Isolation]) -> Iterator[tuple[str, str]]:
    """A sign and a sentence for each thing that happens, and then to whom it happens, without a sign."""
    alike: dict[tuple[int, str, str, str, str], list[str]] = {}
    for one in found:
        words = WORDS[one.place.effect, one.change].format(before=some(one.before), after=some(one.after))
        where = "" if one.place.network == "ovn" else f" on network {one.place.network}"
        kind = (ORDER.index(one.change), one.place.direction, SIGNS[one.change], where, words)
        alike.setdefault(kind, []).append(f"Pod/{one.place.pod}")
    for (_, direction, sign, where, words), pods in sorted(alike.items()):
        count = f"{len(pods)} Pod" if len(pods) == 1 else f"{len(pods)} Pods"
        yield sign, f"{direction}{where}: {count} {words}"
        yield "", f"    {some(pods)}"
