"""Surveys of scans: arbitrary ones, and ones that a format can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from localizer.interchange.scanned import Scanned
from localizer.scans import Fingerprint, Session
from localizer.site import Position, Site
from localizer.sites import built_in_site
from tests import strategies as own

SITE = built_in_site("uci")
FLOOR = SITE.floors[0].id

single_readings = st.dictionaries(own.beacon_ids, st.tuples(own.rssi_dbm), max_size=4)

KEPT = ("first", "zweite", "=third")
"""Ids of sessions; one is what a spreadsheet would take for a formula."""


def scanned_of(fingerprints: Sequence[Fingerprint], site: Site = SITE) -> Scanned:
    """What such fingerprints are a survey of: sealed and development sessions."""
    in_order = sorted(fingerprints, key=lambda one: one.time_utc)
    devices = {one.session: one.device for one in reversed(in_order)}
    sessions = tuple(
        Session(name, "sealed" if name == KEPT[1] else "development", devices[name])
        for name in sorted(devices)
    )
    return Scanned(site, sessions, tuple(in_order))


def anything(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[Fingerprint]:
    """Arbitrary fingerprints with some fields of their own."""
    chosen = {"session": st.sampled_from(KEPT), **fields}
    return st.builds(
        lambda one, given: replace(one, **given), own.fingerprints, st.fixed_dictionaries(chosen)
    )


def with_scan(readings: st.SearchStrategy[object]) -> st.SearchStrategy[Fingerprint]:
    """Arbitrary fingerprints with such readings."""
    return st.builds(
        lambda one, heard: replace(one, scan=replace(one.scan, readings=heard)),
        anything(),
        readings,
    )


places = st.builds(Position, x_m=own.finite, y_m=own.finite, floor=own.full_texts)
