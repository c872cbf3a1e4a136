"""The string that names a source, ``scheme:target?option=value&…``, and its options."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote

from localizer.errors import SourceError

_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """A source's string, taken apart."""

    text: str
    """As it was given."""
    scheme: str
    """What comes before the first colon, lower case."""
    target: str
    """A file, a site, a device or an address; what it means is the scheme's affair."""
    options: tuple[tuple[str, str], ...] = ()
    """Name and value of each option, with %-escapes decoded."""

    def fail(self, message: str, reason: str) -> NoReturn:
        """Raise a SourceError about this address; a password in it is not shown."""
        shown = without_password(self.text)
        raise SourceError(f"{message} (in {shown!r})", source=shown, reason=reason)


def without_password(text: str) -> str:
    """Return a source's string with ``***`` for the password of ``scheme://user:password@host``."""
    # Up to the last @: a password that is not written as %XX may hold anything.
    return re.sub(r"(://[^:@/?]*):.*@", r"\1:***@", text, flags=re.DOTALL)


def parse_source(text: str) -> SourceAddress:
    """Take a source's string apart.

    Raises:
        SourceError: no scheme (reason ``unknown_scheme``), an option without a value
            (``bad_option``) or one that stands twice (``repeated_option``).
    """
    scheme, colon, rest = text.strip().partition(":")
    bare = SourceAddress(text, scheme.lower(), rest)
    if not colon:
        bare.fail("a source must be SCHEME:TARGET, but there is no colon", "unknown_scheme")
    target, mark, query = rest.rpartition("?") if "?" in rest else (rest, "", "")
    options = []
    for part in query.split("&") if mark else ():
        name, equals, value = part.partition("=")
        if not name or not equals:
            # Behind a password with a question mark, this is the rest of it.
            got = "another form" if "@" in text else repr(part)
            bare.fail(f"an option must be name=value, but got {got}", "bad_option")
        options.append((unquote(name), unquote(value)))
    names = [name for name, _ in options]
    for name in names:
        if names.count(name) > 1:
            bare.fail(f"option {name!r} must stand once, but stands twice", "repeated_option")
    return SourceAddress(text, scheme.lower(), target, tuple(options))


class OptionReader:
    """Reads an address's options one by one, and knows afterwards which were allowed."""

    def __init__(self, address: SourceAddress) -> None:
        self._address = address
        self._given = dict(address.options)
        self._asked: set[str] = set()

    def text(self, name: str) -> str | None:
        """Return an option's value as it stands, or None."""
        self._asked.add(name)
        return self._given.get(name)

    def number(self, name: str, default: float, *, above: float = -math.inf) -> float:
        """Return an option as a finite number greater than `above`.

        Raises:
            SourceError: it is not (reason ``bad_number``).
        """
        text = self.text(name)
        if text is None:
            return default
        value = _float_or_nan(text)
        if not (math.isfinite(value) and value > above):
            bound = f" above {above:g}" if above > -math.inf else ""
            self._address.fail(
                f"option {name!r} must be a finite number{bound}, but got {text!r}", "bad_number"
            )
        return value

    def whole(self, name: str, default: int) -> int:
        """Return an option as a whole number of 0 or more.

        Raises:
            SourceError: it is not (reason ``bad_number``).
        """
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit()):
            self._address.fail(
                f"option {name!r} must be a whole number of 0 or more, but got {text!r}",
                "bad_number",
            )
        return int(text)

    def truth(self, name: str, default: bool) -> bool:
        """Return an option as a truth value.

        Raises:
            SourceError: it is none (reason ``bad_choice``).
        """
        text = self.text(name)
        if text is None:
            return default
        if text.lower() not in _TRUTHS:
            self._address.fail(
                f"option {name!r} must be one of {', '.join(_TRUTHS)}, but got {text!r}",
                "bad_choice",
            )
        return _TRUTHS[text.lower()]

    def refuse_others(self, *, also_allowed: Iterable[str] = ()) -> None:
        """Refuse options that nobody asked for.

        Raises:
            SourceError: there is one (reason ``unknown_option``); the message lists the allowed.
        """
        allowed = self._asked | set(also_allowed)
        unknown = sorted(set(self._given) - allowed)
        if unknown:
            self._address.fail(
                f"options of {self._address.scheme!r} must be of {sorted(allowed)}, "
                f"but got {unknown}",
                "unknown_option",
            )


def _float_or_nan(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
