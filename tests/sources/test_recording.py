from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.errors import SourceError
from localizer.scans import Advertisement
from localizer.sources.recording import (
    MAX_LINE_BYTES,
    Recording,
    advertisement_to_line,
    write_recording,
)

advertisements = st.builds(
    Advertisement,
    st.sampled_from([BeaconId("name:demo:b01"), BeaconId("receiver:r1")]),
    st.floats(-150, -1e-9),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(-100, 20),
    st.none() | st.text(max_size=20),
)


@given(rows=st.lists(advertisements, max_size=20))
def test_a_recording_comes_back_in_the_order_of_time(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Advertisement]
) -> None:
    path = tmp_path_factory.mktemp("recording") / "a.jsonl"
    assert write_recording(path, rows) == len(rows)
    recording = Recording(path, source="replay:a")
    assert len(recording) == len(rows)
    with closing(recording):
        for _ in range(2):
            assert list(recording) == sorted(rows, key=lambda one: one.time_ns)


def test_what_is_none_is_left_out() -> None:
    line = advertisement_to_line(Advertisement(BeaconId("name:demo:b01"), -60.0, 5))
    assert line == '{"time_ns": 5, "beacon": "name:demo:b01", "rssi_dbm": -60.0}\n'


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_recording(path, [])
    assert path.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "the line"),
        ("[]", "the line"),
        ('{"beacon": "name:demo:b01", "rssi_dbm": 0, "time_ns": 1}', "rssi_dbm"),
        ('{"beacon": "name:demo:b01", "rssi_dbm": NaN, "time_ns": 1}', "rssi_dbm"),
        ('{"beacon": "name:demo:b01", "rssi_dbm": -200, "time_ns": 1}', "rssi_dbm"),
        ('{"beacon": "name:demo:b01", "rssi_dbm": -60, "time_ns": 1.5}', "time_ns"),
        ('{"beacon": "aa:bb:cc:dd:ee:ff", "rssi_dbm": -60, "time_ns": 1}', "beacon id"),
        ('{"beacon": "name:demo:b01", "rssi_dbm": -60, "time_ns": 1, "x": 1}', "x: Extra"),
        (" " * MAX_LINE_BYTES + "{}", "imported, not replayed"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "a.jsonl"
    good = advertisement_to_line(Advertisement(BeaconId("name:demo:b01"), -60.0, 5))
    path.write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=told) as caught:
        Recording(path, source="replay:a")
    assert caught.value.reason == "bad_recording"
    assert "a.jsonl:" in str(caught.value)


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="readable file") as caught:
        Recording(tmp_path, source="replay:a")
    assert caught.value.reason == "unreadable_file"


def test_a_recording_that_is_changed_while_it_plays_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_recording(path, [Advertisement(BeaconId("name:demo:b01"), -60.0, at) for at in (1, 2)])
    recording = Recording(path, source="replay:a")
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with closing(recording), pytest.raises(SourceError, match="from byte") as caught:
        list(recording)
    assert caught.value.reason == "bad_recording"
