"""Reading JSON from a stream, against the standard library and against ovs's own parser."""

import json

import ovs.json
from hypothesis import example, given
from hypothesis import strategies as st

from ovnloom.northbound.stream_json import StreamParser

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.lists(VALUES, max_size=4) | st.dictionaries(TEXT, VALUES, max_size=4)
CUTS = st.lists(st.integers(1, 7), min_size=1, max_size=50)


def read_all(text: str, cuts: list[int]) -> list[object]:
    """The values of a stream that arrives in pieces of the given sizes, read as `ovs.jsonrpc` does it."""
    found: list[object] = []
    parser = StreamParser()
    at = turn = 0
    while at < len(text):
        piece = text[at : at + cuts[turn % len(cuts)]]
        at += len(piece)
        turn += 1
        while piece:
            piece = piece[parser.feed(piece) :]
            if parser.is_done():
                found.append(parser.finish())
                parser = StreamParser()
    return found


@given(st.lists(DOCUMENTS, max_size=3), CUTS, st.booleans())
@example([['\\"]'], {'a"': "\\"}], [1], False)
def test_values_are_found_however_the_stream_is_cut(documents: list[object], cuts: list[int], is_ascii: bool) -> None:
    """The kernel cuts messages where it likes: inside strings, inside escapes, between two messages."""
    text = " \n".join(json.dumps(document, ensure_ascii=is_ascii) for document in documents)

    assert read_all(text, cuts) == documents


@given(DOCUMENTS)
def test_values_are_those_that_ovs_reads(document: object) -> None:
    """The parser takes the place of ovs's own, which refuses null characters that OVSDB never sends."""
    text = json.dumps(document, ensure_ascii=False)
    slow = ovs.json.Parser()
    fast = StreamParser()

    assert slow.feed(text) == fast.feed(text) == len(text)
    assert slow.finish() == fast.finish() == document


@given(st.text(max_size=20))
def test_rubbish_is_an_error_and_no_exception(text: str) -> None:
    """An error must reach ovs as text: it then drops the connection and makes a new one."""
    parser = StreamParser(check_trailer=True)
    parser.feed(text)

    answer = parser.finish()

    assert isinstance(answer, str) or json.dumps(answer)


def test_a_stream_that_starts_with_rubbish_ends_at_once() -> None:
    """Waiting for the end of something that is no value would wait for ever."""
    parser = StreamParser()
    parser.feed("HTTP/1.1 400")

    assert parser.is_done()
    assert "beginning of input" in parser.finish()
