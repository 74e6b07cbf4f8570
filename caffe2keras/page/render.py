"""Sections → one HTML file. Every text goes through ``text_content``, in tags and in attributes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from caffe2keras import __version__
from caffe2keras.diagram.kinds import KINDS
from caffe2keras.diagram.svg import COLOURS, text_content
from caffe2keras.emit.atomic import replacing
from caffe2keras.page.facts import Section
from caffe2keras.page.section import section_element

__all__ = ["render_page", "write_page"]

_WORDS = {
    "ok": "agrees",
    "different": "differs",
    "converted": "converted",
    "failed": "failed",
}


def write_page(target: str | Path, sections: Sequence[Section]) -> None:
    """Write the page; it appears whole or not at all.

    Args:
        target: the file; an existing one is replaced.
        sections: the nets, in the order of showing; the same ones give the same bytes.

    Raises:
        EmitError: it cannot be written.
    """
    with replacing(Path(target)) as scratch:
        scratch.write_text(render_page(sections), encoding="utf-8")


def render_page(sections: Sequence[Section]) -> str:
    """The page as text.

    Its policy forbids whatever is not in the file itself: scripts and styles run only where they
    have the very bytes that stand here, nothing is loaded, nothing is sent.
    """
    style, script = _style(), _resource("script.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(style)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    title = sections[0].title if len(sections) == 1 else f"{len(sections)} nets"
    body = "".join(section_element(one, n, _WORDS) for n, one in enumerate(sections))
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text_content(title)} · caffe2keras</title>\n"
        f"<style>{style}</style>\n</head>\n<body>\n"
        f"{_contents(sections) if len(sections) > 1 else ''}<main>\n{body}</main>\n"
        f"<footer>written by caffe2keras {text_content(__version__)}</footer>\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _contents(sections: Sequence[Section]) -> str:
    """All nets in a table, each with a link to its section."""
    rows = "".join(
        f'<tr class="{one.status}"><td><a href="#net{n}">{text_content(one.title)}</a></td>'
        f'<td><span class="badge {one.status}">{_WORDS[one.status]}</span></td>'
        f"<td>{text_content(one.verdict)}</td></tr>\n"
        for n, one in enumerate(sections)
    )
    return (
        f'<nav aria-label="nets"><h1>{len(sections)} nets</h1>\n<table><thead><tr><th>net</th>'
        f"<th>result</th><th></th></tr></thead><tbody>\n{rows}</tbody></table></nav>\n"
    )


def _resource(name: str) -> str:
    return files("caffe2keras.page").joinpath(name).read_text(encoding="utf-8")


def _style() -> str:
    """The sheet, with the kinds' colours for light and dark surroundings."""
    light = "".join(f"  --{kind}: {COLOURS[kind][0]};\n" for kind in KINDS)
    dark = "".join(f"  --{kind}: {COLOURS[kind][1]};\n" for kind in KINDS)
    rules = "".join(f".{kind} {{ --kind: var(--{kind}); }}\n" for kind in KINDS)
    schemes = f"@media (prefers-color-scheme: dark) {{ :root {{\n{dark}}} }}\n"
    return f":root {{\n{light}}}\n{schemes}{rules}{_resource('style.css')}"


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
