"""Pieces of a page: everything that a survey says is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

STYLE: Final = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1d2731; max-width: 74rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin-bottom: .2rem; }
h2 { margin-top: 2.6rem; border-bottom: 1px solid #d9dfe5; }
h3 { margin-bottom: .2rem; } p { max-width: 50rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; }
th, td { padding: .3rem .55rem; text-align: right; border-bottom: 1px solid #e6eaee;
  white-space: nowrap; vertical-align: top; }
th { font-weight: 600; color: #46525e; } td.words, th.words { text-align: left; }
td.long { white-space: normal; min-width: 16rem; text-align: left; }
td.id { font-family: ui-monospace, monospace; font-size: .85rem; text-align: left; }
.quiet { color: #5b6773; font-size: .9rem; } .bad { color: #b3261e; font-weight: 600; }
.done { background: #eef7ee; padding: .8rem 1.2rem; border-radius: .5rem; }
ol.advice { padding: 0; list-style: none; counter-reset: n; }
ol.advice > li { counter-increment: n; padding: .7rem 1rem .7rem 3.2rem; margin: .6rem 0;
  border-left: 5px solid #9aa7b3; background: #f5f7f9; border-radius: .3rem; position: relative; }
ol.advice > li::before { content: counter(n); position: absolute; left: 1rem; top: .55rem;
  font-size: 1.3rem; font-weight: 700; color: #46525e; }
ol.advice > li.first { border-color: #b3261e; background: #fdf0ef; }
ol.advice > li.soon { border-color: #c78500; background: #fdf6e7; }
ol.advice { max-width: 54rem; } ol.advice b { display: block; } ol.advice p { margin: .15rem 0; }
.need { float: right; font-size: .8rem; color: #46525e; margin-left: 1rem; }
.tag { display: inline-block; padding: 0 .45rem; margin: .1rem .15rem .1rem 0; background: #fff;
  border: 1px solid #c9d1d8; border-radius: .3rem; font-size: .85rem; white-space: nowrap; }
.numbers { display: flex; flex-wrap: wrap; gap: .8rem 2.4rem; margin: 1rem 0; }
.numbers div { min-width: 6rem; } .numbers strong { display: block; font-size: 1.5rem;
  line-height: 1.2; }
.bar { display: inline-block; height: .7rem; background: #2b6cb0; vertical-align: middle; }
.rail { display: inline-block; width: 4rem; margin-left: .5rem; text-align: left; }
figure { margin: 1.2rem 0; } figcaption { color: #5b6773; font-size: .9rem; }
svg { width: 100%; height: auto; }
svg.noise text { font: 12px system-ui, sans-serif; }
.map svg { max-height: 80vh; border: 1px solid #e6eaee; }
details > summary { cursor: pointer; color: #2b5c8a; } dt { font-weight: 600; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .8rem; }
  .need { float: none; display: block; margin: 0; } }
@media print { body { max-width: none; } ol.advice > li, tr, figure { break-inside: avoid; } }
"""

SHOWN_TAGS: Final = 30
"""Names that are shown at once; the others are behind a fold."""


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole document that needs nothing from outside and runs no script.

    Args:
        title: as text.
        body: its parts, as HTML.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


class Cell(str):
    """A cell of a table that is HTML already."""

    __slots__ = ()


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, words: Sequence[int] = (0,)
) -> str:
    """Return a table; texts are escaped, unless they are a `Cell`.

    Args:
        header: of the columns.
        rows: as text.
        words: columns that stand at the left; numbers stand at the right.
    """
    head = "".join(
        f"<th{_words(number, words)}>{escape(text)}</th>" for number, text in enumerate(header)
    )
    lines = [
        "".join(
            text if isinstance(text, Cell) else f"<td{_words(number, words)}>{escape(text)}</td>"
            for number, text in enumerate(row)
        )
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _words(number: int, words: Sequence[int]) -> str:
    return ' class="words"' if number in words else ""


def cell(text: str, css: str, *, title: str = "") -> Cell:
    """Return a cell of a class, with what a pointer over it tells."""
    told = f' title="{escape(title)}"' if title else ""
    return Cell(f'<td class="{css}"{told}>{escape(text)}</td>')


def tags(names: Sequence[str]) -> str:
    """Return names one after the other, those beyond `SHOWN_TAGS` behind a fold."""
    drawn = [f'<span class="tag">{escape(name)}</span>' for name in names]
    shown, folded = "".join(drawn[:SHOWN_TAGS]), "".join(drawn[SHOWN_TAGS:])
    if not folded:
        return shown
    rest = len(drawn) - SHOWN_TAGS
    return f"{shown}<details><summary>and {rest} more</summary>{folded}</details>"


def figure(drawing: str, caption: str, *, css: str = "") -> str:
    """Return a drawing, which is SVG already, with what it shows."""
    return f'<figure class="{css}">{drawing}<figcaption>{escape(caption)}</figcaption></figure>'


def definitions(items: Iterable[tuple[str, str]]) -> str:
    """Return words with their meaning."""
    lines = (f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in items)
    return f"<dl>{''.join(lines)}</dl>"
