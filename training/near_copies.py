"""Sessions that copy others: as many near-equal scans as no two real days have.

Two scans are near-copies where they stand at one place, hear the same beacons, and every reading
differs by at most 1 dB. Scans are paired one to one, as many as can be, by a maximum flow
(Ford and Fulkerson 1956): a scan that everything resembles counts once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow
from scipy.spatial import cKDTree

from localizer.table import FingerprintTable

NEAR_DB: Final = 1.0
"""Readings of two scans that differ by no more are near: receivers report whole decibels."""

_ROUNDING_DB: Final = 1e-3
"""Means of several readings are float32."""

MIN_ROWS: Final = 10
"""Fewer pairs of two sessions, or fewer rows to compare with, say nothing."""

MISSES: Final = 1 / 3
"""Sessions stand out that fail to match at most this many times as often as others do: on the UCI
file copies fail at 0 to 16 % of their rows, and genuine days at 86 %."""

TELLING: Final = 0.5
"""Where the others match more than this share of their rows (one beacon heard, many scans a place)
matching tells copies from measurements no more, and nothing is named."""

_APART_DB: Final = 1000.0
"""Between scans of different places or beacons: further than any two readings are."""


@dataclass(frozen=True, slots=True)
class CopiedSession:
    """A session whose scans are near-copies of other sessions' scans."""

    session: str
    rows: int
    matched: int
    """Of these rows, how many have a scan of their own among the others'."""
    like: tuple[str, ...]
    """The sessions that stand out beside it."""
    others_rows: int
    """Rows of the sessions that are not named, at places that several of them have."""
    others_matched: int

    def in_words(self) -> str:
        """Say what was found and what to do."""
        return (
            f"session {self.session} looks like copies, not like a survey: {self.matched} of its "
            f"{self.rows} rows match, one to one, a row of another session at the same place, with "
            f"the same beacons heard and every reading within {NEAR_DB:g} dB (above all of "
            f"{', '.join(self.like)}); between the other sessions {self.others_matched} of "
            f"{self.others_rows} do. Mark its rows synthetic: with them in training, errors on the "
            "sessions that they copy are those of looking up"
        )

    def to_record(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        return {
            "session": self.session,
            "rows": self.rows,
            "matched": self.matched,
            "like": list(self.like),
            "others_rows": self.others_rows,
            "others_matched": self.others_matched,
        }


class _Tally(NamedTuple):
    """Rows that could match, and those that do."""

    matched: int
    rows: int


def _sum(tallies: Iterable[_Tally]) -> _Tally:
    matched, rows = np.array([(0, 0), *tallies]).sum(axis=0).tolist()
    return _Tally(matched, rows)


def find_copied_sessions(table: FingerprintTable) -> tuple[CopiedSession, ...]:
    """Return the sessions that are copies of others; none in an honest survey.

    Taken one after the other, the worst first: a session is named where pairs that it forms fail
    to match at most `MISSES` times as often as the pairs among the rest, and the search goes on
    without it. Where the rest forms no pairs, each session's own scans, every other one against
    those between, take their place. Of two equal sessions, the one recorded later is named.

    Args:
        table: rows that claim to be measurements; unlabelled and silent ones are left out.
    """
    table = table.rows(table.labelled & table.mask.any(axis=1))
    names, session = np.unique(table.session, return_inverse=True)
    search = _Search(table, session.astype(np.int64))
    everybody = frozenset(range(len(names)))
    left, named = everybody, {}
    while found := search.worst(left):
        named[found[0]] = found[1]
        left -= {found[0]}
    others = _sum(search.scans.against(one, left) for one in left)
    return tuple(
        CopiedSession(
            session=str(names[one]),
            rows=int((session == one).sum()),
            matched=search.scans.against(one, everybody).matched,
            like=tuple(str(names[other]) for other in sorted(like)),
            others_rows=others.rows,
            others_matched=others.matched,
        )
        for one, like in named.items()
    )


class _Search:
    """The pairs of sessions of a table, and which session stands out among them."""

    def __init__(self, table: FingerprintTable, session: NDArray[np.int64]) -> None:
        self.scans = _scans(table, session)
        self._pairs = self.scans.pairs()
        self._table, self._session = table, session

    def worst(self, left: frozenset[int]) -> tuple[int, list[int]] | None:
        """Return the session of `left` that matches most, and with which; None if none does."""
        found = {one: self._standing_out(one, left) for one in left}
        if not any(found.values()):
            return None
        one = max(found, key=lambda one: (sum(found[one].values()), self._started(one)))
        return one, list(found[one])

    def _standing_out(self, one: int, left: frozenset[int]) -> dict[int, int]:
        """Return the sessions whose pair with this one stands out, and the rows that match."""
        pairs = {other: self._pairs.get(frozenset((one, other))) for other in left - {one}}
        many = {other: pair for other, pair in pairs.items() if pair and pair.matched >= MIN_ROWS}
        usual = self._usual(left - {one}, one) if many else 0.0
        return {
            other: pair.matched
            for other, pair in many.items()
            if usual <= TELLING and 1 - pair.matched / pair.rows <= MISSES * (1 - usual)
        }

    def _usual(self, rest: frozenset[int], one: int) -> float:
        """Return which share matches where nothing was copied, as far as the rest can tell."""
        tally = _sum(tally for pair, tally in self._pairs.items() if pair <= rest)
        if tally.rows < MIN_ROWS:
            tally = _sum(self._halves[own] for own in (*rest, one))
        return tally.matched / tally.rows if tally.rows >= MIN_ROWS else 0.0

    @cached_property
    def _halves(self) -> list[_Tally]:
        """Every session's own scans at a place: every other one against those between."""
        table, session = self._table, self._session
        visit = numbered(np.stack([session, table.place], axis=1))
        order = np.lexsort((table.time, visit))
        starts = np.searchsorted(visit[order], visit[order])
        half = np.empty(len(table), np.int64)
        half[order] = (np.arange(len(table)) - starts) % 2
        pairs = _scans(table, 2 * session + half).pairs()
        none = _Tally(0, 0)
        return [
            pairs.get(frozenset((2 * one, 2 * one + 1)), none)
            for one in range(int(session.max(initial=-1)) + 1)
        ]

    def _started(self, one: int) -> np.datetime64:
        started: np.datetime64 = self._table.time[self._session == one].min()
        return started


class _Scans(NamedTuple):
    """Distinct scans of every owner (a session, or half of one), and which of them are near."""

    owner: NDArray[np.int64]
    """[k]."""
    rows: NDArray[np.int64]
    """[k], how many rows of the table are this scan of this owner."""
    near: NDArray[np.int64]
    """[m, 2], scans of different owners that are near-copies, the smaller owner first."""
    at: csr_array
    """[places, owners], rows of each."""

    def pairs(self) -> dict[frozenset[int], _Tally]:
        """Return what every two owners with common places have in common."""
        common = (self.at.T @ (self.at > 0)).toarray()
        most = np.minimum(common, common.T)
        tallies = {
            frozenset((a, b)): _Tally(0, int(most[a, b]))
            for a, b in zip(*np.nonzero(np.triu(most, 1)), strict=True)
        }
        owners = self.owner[self.near]
        for pair in np.unique(owners, axis=0):
            edges = self.near[(owners == pair).all(axis=1)]
            key = frozenset(pair.tolist())
            tallies[key] = tallies[key]._replace(matched=self._flow(edges))
        return tallies

    def against(self, one: int, pool: frozenset[int]) -> _Tally:
        """Match one owner's rows with those of all the others in a pool together."""
        rest = sorted(pool - {one})
        theirs = self.at[:, rest].sum(axis=1) > 0
        mine = self.at[:, [one]].toarray()[:, 0]
        owners = self.owner[self.near]
        forth = (owners[:, 0] == one) & np.isin(owners[:, 1], rest)
        back = (owners[:, 1] == one) & np.isin(owners[:, 0], rest)
        edges = np.concatenate([self.near[forth], self.near[back][:, ::-1]])
        return _Tally(self._flow(edges), int(mine[theirs].sum()))

    def _flow(self, edges: NDArray[np.int64]) -> int:
        """Return how many rows can be paired one to one along edges [m, 2]."""
        if not len(edges):
            return 0
        source, sink = len(self.rows), len(self.rows) + 1
        left, right = np.unique(edges[:, 0]), np.unique(edges[:, 1])
        heads = np.concatenate([edges[:, 0], np.full(len(left), source), right])
        tails = np.concatenate([edges[:, 1], left, np.full(len(right), sink)])
        most = np.concatenate(
            [self.rows[edges].min(axis=1), self.rows[left], self.rows[right]]
        ).astype(np.int32)
        graph = csr_array((most, (heads, tails)), shape=(sink + 1, sink + 1))
        return int(maximum_flow(graph, source, sink).flow_value)


def _scans(table: FingerprintTable, owner: NDArray[np.int64]) -> _Scans:
    levels = np.where(table.mask, table.rssi_dbm, np.float32(0)).astype(np.float64)
    # Place and heard beacons as one more axis, on which only scans of the same ones are near.
    kind = numbered(np.column_stack([table.place, table.mask.astype(np.int64)]))
    points = np.column_stack([owner, kind * _APART_DB, levels])
    _, first, which = np.unique(numbered(points), return_index=True, return_inverse=True)
    near = _near(owner[first], kind[first], points[first, 1:])
    ones = np.ones(len(table), np.int64)
    shape = (int(table.place.max(initial=-1)) + 1, int(owner.max(initial=-1)) + 1)
    at = csr_array((ones, (table.place, owner)), shape=shape)
    return _Scans(owner[first], np.bincount(which.reshape(-1)), near, at)


def _near(
    owner: NDArray[np.int64], kind: NDArray[np.int64], points: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the pairs [m, 2] of near points of different owners, the smaller owner first."""
    owned = np.unique(np.column_stack([owner, kind]), axis=0)
    shared = np.flatnonzero(np.bincount(owned[:, 1])[kind] > 1)
    if not len(shared):
        return np.empty((0, 2), np.int64)
    tree = cKDTree(points[shared])
    reach = NEAR_DB + _ROUNDING_DB
    near: NDArray[np.int64] = shared[tree.query_pairs(reach, p=np.inf, output_type="ndarray")]
    mine, theirs = owner[near].T
    ordered = np.where((mine > theirs)[:, np.newaxis], near[:, ::-1], near)
    return np.asarray(ordered[mine != theirs])


def numbered(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number [n] for each distinct row of numbers [n, k]."""
    if not rows.size:
        return np.zeros(len(rows), np.int64)
    # As bytes: np.unique over an axis sorts column by column, ten times as slow.
    content = np.ascontiguousarray(rows).view(f"V{rows.dtype.itemsize * rows.shape[1]}").ravel()
    return np.unique(content, return_inverse=True)[1].reshape(-1).astype(np.int64)
