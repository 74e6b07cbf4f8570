"""The words of protobuf's text format, one regular expression for a whole statement.

A prototxt is a row of statements: ``name: value``, ``name { ...``, ``name: [ ...``, or the ``}``
that closes one. Matching a statement at once instead of its four tokens is what makes reading fast.
All quantifiers over blanks are possessive, so no text makes the matching slow.
"""

from __future__ import annotations

import re
import unicodedata

from caffe2keras.read.content import decoded

__all__ = [
    "BETWEEN",
    "ITEM",
    "SEPARATOR",
    "STATEMENT",
    "blame",
    "boolean",
    "compact",
    "integer",
    "real",
    "token_after",
    "unquoted",
    "unquoted_bytes",
]

_BLANK = r"(?:\s++|\#[^\n]*+)*+"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
_QUOTED = r"""(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
_DECIMAL = r"(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?[fF]?"
_VALUE = rf"""(?P<string>{_QUOTED}(?:{_BLANK}{_QUOTED})*+)
    |(?P<number>(?:-{_BLANK})?(?:0[xX][0-9a-fA-F]++|{_DECIMAL}))
    |(?P<word>(?:-{_BLANK})?{_NAME})"""

STATEMENT = re.compile(
    rf"""{_BLANK}(?:
        (?P<name>{_NAME}){_BLANK}
        (?: :{_BLANK}(?: (?:{_VALUE}){_BLANK}[;,]?+ | (?P<list>\[) )
          | :?+{_BLANK}(?P<open>[{{<]) )
    |(?P<close>[}}>])
    |(?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
"""One statement; ``lastgroup`` says which kind. Only scalars take their separator along."""

SEPARATOR = re.compile(rf"{_BLANK}[;,]?+", re.ASCII)
"""What may stand behind a message or a list."""

ITEM = re.compile(rf"{_BLANK}(?:{_VALUE}|(?P<open>[{{<]))", re.VERBOSE | re.ASCII)
"""One item of a list."""

BETWEEN = re.compile(rf"{_BLANK}(?:(?P<more>,)|(?P<stop>\]))", re.ASCII)
"""What stands behind an item of a list."""

_BLANKS = re.compile(_BLANK, re.ASCII)
_GLUED = re.compile(r"(?<!\w)\.?[0-9][\w.]*\Z", re.ASCII)
_NAMES = re.compile(_NAME)
_STRINGS = re.compile(_QUOTED, re.ASCII)
_STRING_OR_BLANKS = re.compile(rf"({_QUOTED})|(?:\s|\#[^\n]*)++", re.ASCII)
_TOKEN = re.compile(rf"{_QUOTED}|{_DECIMAL}[\w.]*|\w+|.", re.DOTALL | re.ASCII)
_ESCAPE = re.compile(
    r"""\\(?:(?P<octal>[0-7]{1,3})|[xX](?P<hex>[0-9a-fA-F]{1,2})
    |u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<other>.))""",
    re.VERBOSE,
)
_OCTAL = re.compile(r"-?\s*0[0-9]")
_OTHERS = dict(zip("abfnrtv?\"'\\", b"\a\b\f\n\r\t\v?\"'\\", strict=True))


def unquoted(text: str) -> str:
    """What a string literal says; several that stand side by side are one.

    Raises:
        ValueError: an escape that the text format does not know.
    """
    body = text[1:-1]
    if "\\" not in body and text[0] not in body:
        return body
    return decoded(unquoted_bytes(text))


def unquoted_bytes(text: str) -> bytes:
    """The same as bytes: escapes can say what is no text.

    Raises:
        ValueError: an escape that the text format does not know.
    """
    return b"".join(_unescaped(piece[1:-1]) for piece in _STRINGS.findall(text))


def _unescaped(body: str) -> bytes:
    pieces, pos = [], 0
    for escape in _ESCAPE.finditer(body):
        pieces += [body[pos : escape.start()].encode(), _escaped(escape)]
        pos = escape.end()
    return b"".join([*pieces, body[pos:].encode()])


def _escaped(escape: re.Match[str]) -> bytes:
    """The bytes that an escape stands for: octal and hexadecimal ones need not be UTF-8."""
    digits = escape["short"] or escape["long"]
    if digits:
        return _character(int(digits, 16)).encode()
    if escape["octal"] or escape["hex"]:
        return bytes([int(escape["octal"], 8) if escape["octal"] else int(escape["hex"], 16)])
    if escape["other"] not in _OTHERS:
        raise ValueError(escape[0])
    return bytes([_OTHERS[escape["other"]]])


def _character(number: int) -> str:
    try:
        return chr(number)
    except OverflowError as cause:  # beyond what even a wrong code point can be
        raise ValueError(number) from cause


def integer(text: str) -> int:
    """What a token says as an integer: decimal, hexadecimal, or octal.

    Raises:
        ValueError: it is none.
    """
    digits = text.lstrip("-").strip()
    base = 10
    if digits[0] == "0" and len(digits) > 1:
        base = 16 if digits[1] in "xX" else 8
    value = int(digits, base)
    return -value if text[0] == "-" else value


def real(text: str) -> float:
    """What a token says as a number; ``inf``, ``nan`` and ``1.5f`` are some.

    Raises:
        ValueError: it is none.
    """
    if _OCTAL.match(text):
        raise ValueError(text)  # protobuf's old versions read it as octal, its new ones refuse it
    try:
        return float(text)
    except ValueError:
        number = "".join(text.lower().split())
        return float(number if "n" in number else number.removesuffix("f"))  # 1.5f, - inf


def boolean(text: str) -> bool:
    """What a token says as a truth.

    Raises:
        ValueError: it is none.
    """
    if text in ("true", "True", "t"):
        return True
    if text in ("false", "False", "f"):
        return False
    if (number := integer(text)) not in (0, 1):
        raise ValueError(text)
    return bool(number)


def compact(text: str) -> str:
    """Text without its comments and with one blank where there were many."""
    return _STRING_OR_BLANKS.sub(lambda found: found[1] or " ", text).strip()


def blame(text: str, pos: int) -> tuple[int, str]:
    """Where the statement that should begin at ``pos`` goes wrong, and what should stand there."""
    at = _skip(text, pos)
    expected = "a field name"
    if name := _NAMES.match(text, at):
        if glued := _GLUED.search(text, max(0, at - 40), at):
            return glued.start(), "a number"
        at, expected = _skip(text, name.end()), f'":" or "{{" after {name[0]}'
        if text[at : at + 1] == ":":
            at, expected = _skip(text, at + 1), f"a value for {name[0]}"
    return at, expected


def token_after(text: str, pos: int) -> tuple[int, str]:
    """The first token at or behind ``pos``: where it stands, and how messages show it."""
    at = _skip(text, pos)
    return at, _shown(text, at)


def _skip(text: str, pos: int) -> int:
    found = _BLANKS.match(text, pos)
    return found.end() if found else pos


def _shown(text: str, at: int) -> str:
    """The token at this place as messages show it."""
    found = _TOKEN.match(text, at)
    if not found:
        return "the end of the file"
    token = found[0]
    if token in ('"', "'"):
        return f"a string without its closing {token}"
    if len(token) == 1 and not (token.isascii() and token.isprintable()):
        return f"{token!r} (U+{ord(token):04X} {unicodedata.name(token, 'unnamed')})"
    return token if len(token) <= 40 else token[:37] + "..."
