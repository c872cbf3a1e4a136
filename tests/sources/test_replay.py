from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localizer.beacons import BeaconId
from localizer.clock import Clock, JumpingClock, ManualClock, ScaledClock, s_to_ns
from localizer.errors import SourceError
from localizer.importers.uci import LABELLED_NAME, UNLABELLED_NAME, UciFiles, import_uci
from localizer.scans import Advertisement, Fingerprint, Scan, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.sources import Source, open_source
from localizer.sources.protocol import TRUTH_KEPT_S
from localizer.sources.recording import write_recording
from localizer.sources.script import stretches_of_scans
from localizer.survey import Survey, build_survey
from tests.conftest import lacking
from tests.sources.contract import MakeSource, PacedSourceContract, let_others_run, run, take

A, B = BeaconId("name:demo:b01"), BeaconId("name:demo:b02")
HERE, THERE = Position(1.0, 2.0), Position(3.0, 4.0)
DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)


def fingerprint(
    start_s: float,
    readings: dict[BeaconId, tuple[float, ...]],
    position: Position | None = HERE,
    *,
    session: str = "dev",
    synthetic: str | None = None,
) -> Fingerprint:
    time_utc = DAY + timedelta(days={"dev": 0, "other": 1, "sealed": 2}[session], seconds=start_s)
    scan = Scan(s_to_ns(start_s), 2.0, readings)
    return Fingerprint(
        scan,
        session,
        f"{session}-{start_s}",
        "phone",
        time_utc,
        time_utc.date(),
        position,
        synthetic=synthetic,
    )


ROWS = [
    fingerprint(0.0, {A: (-60.0, -61.0, -62.0), B: (-70.0,)}),
    fingerprint(2.5, {B: (-71.0,)}, THERE),
    fingerprint(60.0, {A: (-63.0, -64.0)}),
    fingerprint(65.0, {A: (-90.0,)}, None),
    fingerprint(70.0, {A: (-91.0,)}, synthetic="copy"),
    fingerprint(0.0, {A: (-65.0,)}, session="other"),
    fingerprint(0.0, {B: (-72.0,)}, THERE, session="sealed"),
]


@pytest.fixture
def survey_path(tmp_path: Path) -> Path:
    path = tmp_path / "a.survey"
    with build_survey(path, built_in_site("demo")) as survey:
        survey.add_session(Session("dev", "development", "phone"))
        survey.add_session(Session("other", "development", "phone"))
        survey.add_session(Session("sealed", "sealed", "phone"))
        survey.add(ROWS)
    return path


def play(text: str, count: int | None = None) -> list[tuple[float, str, float]]:
    source = open_source(text, clock=JumpingClock())
    return [(one.time_ns / 1e9, one.beacon[-1], one.rssi_dbm) for one in run(take(source, count))]


DEVELOPMENT = [
    # Four readings over two seconds, the beacons in turn.
    (0.0, "1", -60.0),
    (0.5, "2", -70.0),
    (1.0, "1", -61.0),
    (1.5, "1", -62.0),
    (2.5, "2", -71.0),
    # 57.5 s of silence are cut to 3 s after the scan's end.
    (7.5, "1", -63.0),
    (8.5, "1", -64.0),
    (12.5, "1", -65.0),
]


def test_scans_are_spread_over_their_duration_and_silence_is_cut(survey_path: Path) -> None:
    assert play(f"replay:{survey_path}") == DEVELOPMENT
    assert play(f"replay:{survey_path}?max_gap=1")[5][0] == 5.5
    assert play(f"replay:{survey_path}?max_gap=600")[5][0] == 60.0


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ("development", [-60, -70, -61, -62, -71, -63, -64, -65]),
        ("sealed", [-72]),
        ("other", [-65]),
        ("sealed,other", [-65, -72]),
        ("all", [-60, -70, -61, -62, -71, -63, -64, -65, -72]),
    ],
)
def test_sessions_are_chosen(survey_path: Path, sessions: str, expected: list[float]) -> None:
    assert [rssi for *_, rssi in play(f"replay:{survey_path}?sessions={sessions}")] == expected


def test_unlabelled_scans_come_when_asked_for_and_synthetic_ones_never(survey_path: Path) -> None:
    heard = [rssi for *_, rssi in play(f"replay:{survey_path}?sessions=all&unlabelled=true")]
    assert -90.0 in heard
    assert -91.0 not in heard


def test_a_loop_starts_again_with_time_going_on(survey_path: Path) -> None:
    once = play(f"replay:{survey_path}?loop=true", 17)
    assert once[:8] == DEVELOPMENT
    length_s = 12.5 + 2.0 + 3.0
    assert once[8:16] == [(at + length_s, *rest) for at, *rest in DEVELOPMENT]
    assert once[16][0] == 2 * length_s


def test_truth_is_the_place_of_the_scan_that_plays(survey_path: Path) -> None:
    clock = JumpingClock(s_to_ns(100))
    source = open_source(f"replay:{survey_path}", clock=clock)
    assert source.truth_at(s_to_ns(100)) is None
    run(take(source))

    def truth_at(seconds: float) -> Position | None:
        return source.truth_at(s_to_ns(100 + seconds))

    assert truth_at(-0.001) is None
    assert [truth_at(at) for at in (0.0, 1.9, 2.499)] == [HERE] * 3
    assert [truth_at(at) for at in (2.5, 4.5, 7.499)] == [THERE] * 3
    assert truth_at(7.5) == HERE
    assert truth_at(17.499) == HERE
    assert truth_at(17.5) is None


def test_truth_of_a_loop_goes_on(survey_path: Path) -> None:
    source = open_source(f"replay:{survey_path}?loop=true", clock=JumpingClock())
    run(take(source, 30))
    assert source.truth_at(s_to_ns(3 * 17.5 + 2.6)) == THERE


def test_scans_that_overlapped_play_one_after_the_other() -> None:
    rows = [fingerprint(at, {A: (-60.0,)}) for at in (0.0, 1.0, 2.0)]
    stretches = stretches_of_scans(rows, start_ns=0, max_gap_s=3.0)
    assert [one.start_ns / 1e9 for one in stretches] == [0.0, 2.0, 4.0]


def test_a_clock_that_was_set_does_not_stretch_a_session() -> None:
    first, second = fingerprint(0.0, {A: (-60.0,)}), fingerprint(2.5, {A: (-61.0,)})
    moved = Fingerprint(
        second.scan, "dev", "v", "phone", DAY + timedelta(hours=1), DAY.date(), HERE
    )
    _, last = stretches_of_scans([first, moved], start_ns=7, max_gap_s=600.0)
    assert last.start_ns == 7 + s_to_ns(2.5)


def test_one_scan_is_read_ahead_and_no_more() -> None:
    rows = iter([fingerprint(at, {A: (-60.0,)}) for at in (0.0, 2.0, 4.0)])
    next(stretches_of_scans(rows, start_ns=0, max_gap_s=3.0))
    assert len(list(rows)) == 1


def test_truth_that_is_long_past_is_forgotten(survey_path: Path) -> None:
    source = open_source(f"replay:{survey_path}?loop=true", clock=JumpingClock())
    last = run(take(source, 8 * 30))[-1]
    assert source.truth_at(last.time_ns) == HERE
    assert source.truth_at(last.time_ns - s_to_ns(TRUTH_KEPT_S)) is not None
    assert source.truth_at(0) is None


def test_a_survey_can_be_written_to_while_it_plays(survey_path: Path) -> None:
    async def check() -> list[float]:
        source = open_source(f"replay:{survey_path}?loop=true", clock=JumpingClock())
        iterator = aiter(source)
        heard = [(await anext(iterator)).rssi_dbm]
        with Survey.open(survey_path) as survey:
            survey.add([fingerprint(90.0, {A: (-99.0,)})])
        heard += [(await anext(iterator)).rssi_dbm for _ in range(8)]
        await source.aclose()
        return heard

    expected = [rssi for *_, rssi in DEVELOPMENT]
    assert run(check()) == [*expected, expected[0]]


def test_a_scan_that_is_damaged_behind_the_first_is_told_when_it_plays(survey_path: Path) -> None:
    with closing(sqlite3.connect(survey_path)) as connection, connection:
        connection.execute("UPDATE fingerprints SET local_date = 'never' WHERE id = 3")
    source = open_source(f"replay:{survey_path}", clock=JumpingClock())
    with pytest.raises(SourceError, match="row 3") as caught:
        run(take(source))
    assert caught.value.reason == "unreadable_survey"


def test_a_file_that_is_gone_when_it_shall_play_is_told(survey_path: Path) -> None:
    source = open_source(f"replay:{survey_path}", clock=JumpingClock())
    survey_path.unlink()
    with pytest.raises(SourceError) as caught:
        run(take(source))
    assert caught.value.reason == "unreadable_survey"


def test_a_loop_over_a_survey_that_was_emptied_is_told(survey_path: Path) -> None:
    source = open_source(f"replay:{survey_path}?loop=true", clock=JumpingClock())
    with build_survey(survey_path, built_in_site("demo")):
        pass
    with pytest.raises(SourceError, match="gone") as caught:
        run(take(source))
    assert caught.value.reason == "nothing_to_replay"


def test_time_passes_by_hand(survey_path: Path) -> None:
    async def check() -> None:
        clock = ManualClock()
        source = open_source(f"replay:{survey_path}", clock=clock)
        heard: list[Advertisement] = []

        async def listen() -> None:
            async for one in source:
                heard.append(one)

        task = asyncio.create_task(listen())
        for now_s, expected in ((0.0, 1), (0.999, 2), (1.0, 3), (2.5, 5), (12.4, 7)):
            clock.advance_to(s_to_ns(now_s))
            await let_others_run()
            assert len(heard) == expected
        clock.advance_to(s_to_ns(12.5))
        await task
        assert len(heard) == 8

    run(check())


def test_speed_is_that_of_the_sources_own_clock(survey_path: Path) -> None:
    source = open_source(f"replay:{survey_path}?speed=1000")
    assert isinstance(source.clock, ScaledClock)
    assert source.clock.speed == 1_000
    heard = run(take(source))
    assert heard[-1].time_ns - heard[0].time_ns == s_to_ns(12.5)


def test_a_survey_of_silence_can_be_cancelled_although_it_loops(tmp_path: Path) -> None:
    path = tmp_path / "silent.survey"
    with build_survey(path, built_in_site("demo")) as survey:
        survey.add_session(Session("dev", "development", "phone"))
        survey.add([fingerprint(0.0, {})])

    async def check() -> None:
        source = open_source(f"replay:{path}?loop=true", clock=JumpingClock())
        task = asyncio.create_task(take(source))
        await let_others_run()
        assert not task.done()
        await source.aclose()
        assert await task == []

    run(check())


@pytest.mark.parametrize(
    ("options", "reason", "told"),
    [
        ("sessions=nobody", "unknown_session", "'dev', 'other', 'sealed'"),
        ("sessions=dev,", "unknown_session", "''"),
        ("max_gap=0", "bad_number", "above 0"),
        ("speed=-1", "bad_number", "above 0"),
        ("loop=perhaps", "bad_choice", "true"),
        ("gap=3", "unknown_option", "'loop', 'max_gap', 'sessions', 'speed', 'unlabelled'"),
    ],
)
def test_bad_options(survey_path: Path, options: str, reason: str, told: str) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        open_source(f"replay:{survey_path}?{options}")
    assert caught.value.reason == reason


def test_an_empty_survey_is_told(tmp_path: Path) -> None:
    path = tmp_path / "empty.survey"
    with build_survey(path, built_in_site("demo")):
        pass
    with pytest.raises(SourceError, match="sessions=all") as caught:
        open_source(f"replay:{path}")
    assert caught.value.reason == "nothing_to_replay"


def test_a_damaged_survey_is_told(survey_path: Path) -> None:
    content = survey_path.read_bytes()
    survey_path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    with pytest.raises(SourceError) as caught:
        open_source(f"replay:{survey_path}")
    assert caught.value.reason == "unreadable_survey"


def recording(path: Path) -> Path:
    rows = [Advertisement(A, -60.0 - i, s_to_ns(5 + at)) for i, at in enumerate((0, 0.2, 9, 9.1))]
    write_recording(path, rows)
    return path


def test_a_recording_is_replayed(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.jsonl")
    assert play(f"replay:{path}") == [
        (0.0, "1", -60.0),
        (0.2, "1", -61.0),
        (3.2, "1", -62.0),
        (3.3, "1", -63.0),
    ]
    assert play(f"replay:{path}?loop=true", 5)[4] == (6.3, "1", -60.0)


def test_nobody_knows_where_a_recording_was_made(tmp_path: Path) -> None:
    source = open_source(f"replay:{recording(tmp_path / 'a.jsonl')}", clock=JumpingClock())
    run(take(source))
    assert source.truth_at(0) is None


def test_a_recording_has_no_sessions(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.jsonl")
    with pytest.raises(SourceError, match="'loop', 'max_gap', 'speed'") as caught:
        open_source(f"replay:{path}?sessions=all")
    assert caught.value.reason == "unknown_option"


def test_an_empty_recording_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()
    with pytest.raises(SourceError) as caught:
        open_source(f"replay:{path}")
    assert caught.value.reason == "nothing_to_replay"


class TestReplayedSurvey(PacedSourceContract):
    @pytest.fixture
    def make_source(self, survey_path: Path) -> MakeSource:
        def make(clock: Clock) -> Source:
            return open_source(f"replay:{survey_path}", clock=clock)

        return make


class TestReplayedRecordingInALoop(PacedSourceContract):
    @pytest.fixture
    def make_source(self, tmp_path: Path) -> MakeSource:
        path = recording(tmp_path / "a.jsonl")

        def make(clock: Clock) -> Source:
            return open_source(f"replay:{path}?loop=true", clock=clock)

        return make


def test_the_sealed_days_of_the_real_survey_are_replayed(tmp_path: Path) -> None:
    folder = os.environ.get("LOCALIZER_DATA")
    if folder is None:
        lacking("LOCALIZER_DATA must name the folder of the data sets")
    files = Path(folder) / "uci-ble-rssi"
    path = tmp_path / "uci.survey"
    import_uci(UciFiles(files / LABELLED_NAME, files / UNLABELLED_NAME, "test"), path)
    with Survey.open(path) as survey:
        rows = list(survey.fingerprints(roles=("sealed",), labelled=True))
    source = open_source(f"replay:{path}?sessions=sealed&max_gap=3", clock=JumpingClock())
    heard = run(take(source))
    assert [one.rssi_dbm for one in heard] == [
        rssi for row in rows for _, (rssi,) in sorted(row.scan.readings.items())
    ]
    assert source.truth_at(heard[-1].time_ns) == rows[-1].position
    # A report a second, and no silence that is longer than 3 s.
    length_s = (heard[-1].time_ns - heard[0].time_ns) / 1e9
    assert len(rows) - 2 < length_s <= 4 * len(rows)
