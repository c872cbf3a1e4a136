"""Are two recordings of one id the same, one the continuation of the other, or two?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import zip_longest
from typing import Final, Literal

from localizer.survey import Recording
from localizer.survey_merge.opened import Opened

Comparison = Literal["same", "A", "B", "differ"]
"""``A`` or ``B``: that one goes on where the other, a copy from before, was cut off."""

_END: Final = object()


def compare_recordings(a: Opened, b: Opened, ours: Recording, theirs: Recording) -> Comparison:
    """Compare two recordings of one id, packet by packet.

    Args:
        a: survey of the one.
        b: survey of the other.
        ours: A's.
        theirs: B's, with its point under the id that it has in the merged survey.
    """
    if _begun(ours) != _begun(theirs):
        return "differ"
    recording = ours.id
    waypoints = _longer(a.survey.recordings.waypoints(recording),
                        b.survey.recordings.waypoints(recording))  # fmt: skip
    packets = _longer(a.survey.recordings.adverts(recording),
                      b.survey.recordings.adverts(recording))  # fmt: skip
    longer = {waypoints, packets} - {"same"}
    if "differ" in longer or len(longer) > 1:
        return "differ"
    if not longer and ours == theirs:
        return "same"
    if longer <= {"B"} and _was_cut_off(ours):
        return "B"
    if longer <= {"A"} and _was_cut_off(theirs):
        return "A"
    return "differ"


def _begun(one: Recording) -> Recording:
    """Return what is known of a recording from its first moment on."""
    return replace(one, status="open", ended_ns=None, window_s=None)


def _was_cut_off(one: Recording) -> bool:
    return one.status in ("open", "incomplete")


def _longer(a: Iterable[object], b: Iterable[object]) -> Comparison:
    """Return which of two sequences goes on after the other's end."""
    for one, other in zip_longest(a, b, fillvalue=_END):
        if one is _END:
            return "B"
        if other is _END:
            return "A"
        if one != other:
            return "differ"
    return "same"
