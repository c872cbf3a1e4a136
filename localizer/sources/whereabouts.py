"""Where somebody says the receiver is: a simulated one goes there, a real one is there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from localizer.site import Position


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a surveyor says of where they are."""

    place: Position
    walking: bool = False
    """Whether they pass it on a walk; else they stand there."""
    heading_deg: float | None = None
    """Where they face, degrees counter-clockwise from +x; None if they did not say."""


@runtime_checkable
class PlacedSource(Protocol):
    """A source whose receiver is wherever somebody says. Those with a radio do not offer it."""

    def be_at(self, where: Whereabouts | None) -> None:
        """Be there from now on, whatever thread says so; None: go about as before."""
        ...


def tell(source: object, where: Whereabouts | None) -> None:
    """Tell a source where the surveyor is, if its receiver can be told; None where nobody knows."""
    if isinstance(source, PlacedSource):
        source.be_at(where)
