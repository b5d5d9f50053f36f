"""The words of a match expression, as OVN's lexer reads them (ovn-sb(5), Logical_Flow `match`, Lexical)."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from re import compile as pattern
from typing import Final, Literal

Kind = Literal["name", "string", "number", "set", "group", "symbol", "end"]
Form = Literal["decimal", "hexadecimal", "IPv4", "IPv6", "Ethernet"]


class Unreadable(ValueError):  # says what the text is
    """A match that OVN's lexer or parser would not read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `width` is the number of bits of a number, None where it has a mask that we don't weigh."""

    kind: Kind
    text: str
    width: int | None = None
    is_decimal: bool = False
    is_masked: bool = False


_BLANKS: Final = " \t\n\r\v\f"
_SYMBOL: Final = pattern(r"==|!=|<=|>=|&&|\|\||\.\.|[(){}\[\]<>!,]")
_NAME: Final = pattern(r"[A-Za-z_][A-Za-z0-9_.]*")
_REFERENCE: Final = pattern(r"[A-Za-z_.][A-Za-z0-9_.]*")
_HEX_THEN_COLON: Final = pattern(r"[0-9A-Fa-f]+:")
_STRING: Final = pattern(r'"(?:[^"\\]|\\.)*"')
_NUMBER: Final = pattern(r"(?:[0-9A-Za-z:]|\.(?!\.))*")
_AFTER_DOT: Final = pattern(r"[^.]*\.[^:]*")
_MAC: Final = pattern(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
_HEX: Final = pattern(r"0[xX]0*([0-9A-Fa-f]*)")


def tokens(text: str) -> Iterator[Token]:
    """The words in order and one `end`. Raises Unreadable at the first that is none."""
    at = 0
    while True:
        at = _skip_blanks(text, at)
        if at >= len(text):
            yield Token("end", "")
            return
        token, at = _token(text, at)
        yield token


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text):
        if text[at] in _BLANKS:
            at += 1
        elif text.startswith("//", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif text.startswith("/*", at):
            end = text.find("*/", at + 2)
            if end < 0 or "\n" in text[at:end]:
                raise Unreadable("/* has no */ on its line")
            at = end + 2
        else:
            return at
    return at


def _token(text: str, at: int) -> tuple[Token, int]:
    letter = text[at]
    if letter == '"':
        return _quoted(text, at)
    if letter in "$@":
        return _reference(text, at)
    if (letter.isascii() and letter.isdigit()) or text.startswith("::", at) or _HEX_THEN_COLON.match(text, at):
        return _number(text, at)
    found = _NAME.match(text, at)
    if found:
        return Token("name", found[0]), found.end()
    found = _SYMBOL.match(text, at)
    if found:
        return Token("symbol", found[0]), found.end()
    hint = {"=": "; compare with ==", "&": "; and is &&", "|": "; or is ||"}.get(letter, "")
    raise Unreadable(f"{letter!r} means nothing here{hint}")


def _quoted(text: str, at: int) -> tuple[Token, int]:
    found = _STRING.match(text, at)
    if not found:
        raise Unreadable("a quoted name has no closing quote")
    return Token("string", found[0]), found.end()


def _reference(text: str, at: int) -> tuple[Token, int]:
    found = _REFERENCE.match(text, at + 1)
    if not found:
        raise Unreadable(f"{text[at]} must be followed by the name of {'a set' if text[at] == '$' else 'a port group'}")
    return Token("set" if text[at] == "$" else "group", text[at : found.end()]), found.end()


def _number(text: str, at: int) -> tuple[Token, int]:
    """A decimal, hexadecimal, IPv4, IPv6 or Ethernet constant, with `/mask` or not."""
    word, end = _number_word(text, at)
    form, width = _form(word)
    if not text.startswith("/", end):
        return Token("number", word, width, is_decimal=form == "decimal"), end
    mask, mask_end = _number_word(text, end + 1)
    return Token("number", f"{word}/{mask}", _masked_width(word, mask), is_masked=True), mask_end


def _number_word(text: str, at: int) -> tuple[str, int]:
    found = _NUMBER.match(text, at)
    word = found[0] if found else ""
    colon_ends = _AFTER_DOT.match(word)  # 1.2.3.4:80 is three words: no colon follows a dot in an address
    if colon_ends:
        word = colon_ends[0]
    if not word:
        raise Unreadable("/ must be followed by a mask or prefix length")
    return word, at + len(word)


def _form(word: str) -> tuple[Form, int]:
    """How the number is written and how many bits it needs; addresses need all of theirs."""
    if word.isdigit():
        if word[0] == "0" and len(word) > 1:
            raise Unreadable(f"{word} has a leading zero")
        if int(word) >= 1 << 64:
            raise Unreadable(f"{word} is too big")
        return "decimal", int(word).bit_length()
    if _MAC.fullmatch(word):
        return "Ethernet", 48
    digits = _HEX.fullmatch(word)
    if digits and len(word) > 2:
        return "hexadecimal", int(digits[1] or "0", 16).bit_length()
    parts = word.split(".")
    if len(parts) == 4 and all(part.isdigit() and str(int(part)) == part and int(part) < 256 for part in parts):
        return "IPv4", 32
    try:
        IPv6Address(word)
    except ValueError:
        raise Unreadable(f"{word} is not a number, an address or a MAC") from None
    return "IPv6", 128


def _masked_width(word: str, mask: str) -> int | None:
    """How many bits a value with a mask needs: those up to the mask's highest, which we only tell for a prefix."""
    (form, width), (mask_form, _) = _form(word), _form(mask)
    if form in {"IPv4", "IPv6"} and mask_form == "decimal":
        if int(mask) > width:
            raise Unreadable(f"{word}/{mask} is not a network; use a prefix of at most {width}")
        return width if int(mask) else 0
    if form != mask_form and not (word == "0" and mask_form == "hexadecimal"):
        raise Unreadable(f"{word}/{mask} mixes an {form} value with a {mask_form} mask; write both in one form")
    return None
