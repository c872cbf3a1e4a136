"""Pages of reports, read as a browser would: tags, attributes, and what is not closed."""

from html.parser import HTMLParser
from typing import Final

_VOID: Final = ("meta", "br", "img")
"""Tags that nothing closes."""


class Page(HTMLParser):
    """What a page is made of; a tag that is closed out of turn, or never, fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def values(self, *names: str) -> list[str]:
        """Return the values of all attributes of these names."""
        return [value or "" for name, value in self.attributes if name in names]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
