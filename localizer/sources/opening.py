"""From a string to a source. Radios are added by the composition root, which alone knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from localizer.clock import Clock
from localizer.sources.address import SourceAddress, parse_source
from localizer.sources.protocol import Source

SourceOpener = Callable[[SourceAddress, Clock | None], Source]
"""Makes a source of its scheme without starting it; paced by the clock given, or by its own.

It raises SourceError for a target or an option that it cannot use.
"""


# A source's module is imported when its scheme is chosen: a service has one source, and the other's
# modules would be 2 to 3 MB of its memory.
def _open_replay(address: SourceAddress, clock: Clock | None) -> Source:
    from localizer.sources.replay import open_replay

    return open_replay(address, clock)


def _open_simulation(address: SourceAddress, clock: Clock | None) -> Source:
    from localizer.sources.simulate import open_simulation

    return open_simulation(address, clock)


BUILT_IN: Final[Mapping[str, SourceOpener]] = MappingProxyType(
    {"replay": _open_replay, "simulate": _open_simulation}
)
"""The schemes that need no radio."""


def open_source(
    text: str,
    *,
    openers: Mapping[str, SourceOpener] | None = None,
    clock: Clock | None = None,
) -> Source:
    """Open a source of advertisements.

    Args:
        text: ``replay:FILE?speed=5&max_gap=3&sessions=sealed&loop=true``,
            ``simulate:demo?seed=1&speed=1`` or ``simulate:SITE.toml``; with `openers`, whatever
            these understand.
        openers: further schemes, in lower case; one of a built-in name replaces that.
        clock: what paces the source, for tests and batches; the source's own if left out.

    Raises:
        SourceError: unknown scheme (reason ``unknown_scheme``), or whatever the scheme's opener
            objects to; `SourceError.reason` says which.
    """
    known = {**BUILT_IN, **(openers or {})}
    address = parse_source(text)
    opener = known.get(address.scheme)
    if opener is None:
        address.fail(
            f"a source's scheme must be one of {sorted(known)}, but got {address.scheme!r}",
            "unknown_scheme",
        )
    return opener(address, clock)
