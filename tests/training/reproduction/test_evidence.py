import dataclasses

import numpy as np
import pytest

from localizer.table import FingerprintTable
from tests.training.reproduction.real import uci_rows
from tests.training.simulated import small_table
from training.reproduction.evidence import (
    copy_facts,
    frame_facts,
    has_near_copy,
    pixel_facts,
    start_facts,
)


def shifted(table: FingerprintTable, by_db: float) -> FingerprintTable:
    return dataclasses.replace(table, rssi_dbm=(table.rssi_dbm + by_db).astype(np.float32))


def test_a_copy_is_near_within_a_decibel_at_the_same_place_with_the_same_beacons() -> None:
    table = small_table().rows(np.arange(30))
    assert has_near_copy(table, table).all()
    assert has_near_copy(table, shifted(table, 1.0)).all()
    first = table.rows(np.arange(1))
    assert not has_near_copy(first, shifted(first, 1.5)).any()
    assert not has_near_copy(first, table.rows(slice(0))).any()
    elsewhere = table.position_m[:, 0] != table.position_m[0, 0]
    assert not has_near_copy(first, table.rows(elsewhere)).any()


def test_the_copies_of_the_published_file_are_counted_as_its_page_says() -> None:
    facts = copy_facts(uci_rows().labelled)
    assert (facts.labelled, facts.genuine) == (1420, 820)
    (day,) = facts.copies
    assert (day["session"], day["rows"], day["matched"]) == ("2016-10-18", 600, 599)
    assert (day["others_rows"], day["others_matched"]) == (431, 61)
    assert facts.paired_published == 214
    assert facts.near_clean < facts.near_published / 10
    assert facts.same_session == 254
    assert facts.shared_visits == 1


def test_beacons_and_labels_agree_in_our_frame_alone() -> None:
    rows = uci_rows()
    facts = frame_facts(rows.labelled, rows.site)
    assert facts.ours_cells < 3
    assert facts.paper_cells > 10
    assert facts.ours_falling == facts.beacons == 13
    assert facts.paper_falling < 13


def test_silence_is_the_brightest_pixel() -> None:
    facts = pixel_facts(uci_rows().labelled)
    assert facts.loudest == pytest.approx(55 / 200)
    assert facts.quietest == pytest.approx(88 / 200)
    assert facts.silent == 1.0
    assert 0.6 < facts.one_beacon_share < 0.7


def test_dead_outputs_are_counted_by_initialisation() -> None:
    facts = start_facts([0, 1, 2, 0, 2])
    assert (facts.tried, facts.one_dead, facts.both_dead) == (5, 1, 2)
