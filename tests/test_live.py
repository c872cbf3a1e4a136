import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta

import pytest

from localizer.errors import ConfigError, SourceError
from localizer.fixes import Fix
from localizer.live import LiveEngine
from localizer.locate import Locator
from localizer.site import Position
from tests.edge_bundle import demo_locator, spread_locator
from tests.edge_source import HandSource, engine_of, pass_time, settle

KNOWN, UNKNOWN = "name:demo:b01", "name:shop:1"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Run:
    """An engine at work on a source driven by hand, and the fixes that it published."""

    def __init__(self, source: HandSource, locator: Locator | None = None) -> None:
        self.source = source
        started_ns = source.clock.now_ns()

        def wall_clock() -> datetime:
            return NOON + timedelta(microseconds=(source.clock.now_ns() - started_ns) / 1000)

        self.engine = LiveEngine(
            locator or demo_locator(),
            source,
            window_s=3,
            step_s=1,
            stale_after_s=5,
            wall_clock=wall_clock,
        )
        self.fixes: list[Fix] = []
        publish = self.engine.hub.publish

        def noting(fix: Fix) -> None:
            self.fixes.append(fix)
            publish(fix)

        self.engine.hub.publish = noting  # type: ignore[method-assign]
        self.task = engine_of(self.engine)

    async def passes(self, seconds: float, heard: str | None = None) -> list[Fix]:
        before = len(self.fixes)
        await pass_time(self.source, seconds, heard=heard)
        return self.fixes[before:]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def play(
    script: Callable[[Run], Coroutine[None, None, None]],
    *,
    locator: Locator | None = None,
    **options: object,
) -> None:
    async def main() -> None:
        run = Run(HandSource(**options), locator)  # type: ignore[arg-type]
        await settle()
        try:
            await script(run)
        finally:
            await run.stop()
        assert run.source.closed

    asyncio.run(main())


def statuses(fixes: list[Fix]) -> list[tuple[str, str | None]]:
    return [(fix.status, fix.cause) for fix in fixes]


def test_windows_become_fixes_with_numbers_times_and_positions() -> None:
    async def script(run: Run) -> None:
        fixes = await run.passes(5.1, KNOWN)
        assert [fix.seq for fix in fixes] == [1, 2, 3]
        assert [fix.time_utc for fix in fixes] == [NOON + timedelta(seconds=s) for s in (3, 4, 5)]
        assert all(fix.time_utc < fix.published_utc for fix in fixes)
        assert all((fix.x_m, fix.y_m) == pytest.approx((1.5, 1.5)) for fix in fixes)
        assert all(fix.heard == ((KNOWN, -50.0),) for fix in fixes)
        assert fixes[-1] == run.engine.hub.latest == run.engine.current()
        assert run.engine.adverts == 51

    play(script)


def test_a_source_that_knows_the_truth_gives_the_error() -> None:
    async def script(run: Run) -> None:
        (fix,) = await run.passes(3.1, KNOWN)
        assert fix.truth == (1.5, 4.5)
        assert fix.error_m == pytest.approx(3.0)

    play(script, truth=Position(1.5, 4.5))


def test_silence_is_no_signal_then_stale_and_ends_with_the_first_packet() -> None:
    async def script(run: Run) -> None:
        await run.passes(4.1, KNOWN)
        fixes = await run.passes(9)
        # Windows of 3 s hold the last packet for 3 more; 5 s after it there is no position at all.
        assert statuses(fixes) == [
            *[("ok", None)] * 3,
            ("no_signal", "nothing_heard"),
            *[("stale", "source_silent")] * 5,
        ]
        assert all(fix.x_m is None and fix.y_m is None for fix in fixes[3:])
        assert run.engine.silent_s == pytest.approx(9, abs=0.2)
        assert (await run.passes(1.1, KNOWN))[-1].status == "ok"

    play(script)


def test_no_truth_error_without_a_position() -> None:
    async def script(run: Run) -> None:
        (fix,) = await run.passes(3.1)
        assert (fix.truth, fix.error_m) == ((1.0, 1.0), None)

    play(script, truth=Position(1.0, 1.0))


def test_fixes_have_the_radii_of_a_distribution_until_they_are_stale() -> None:
    async def script(run: Run) -> None:
        fix = (await run.passes(3.1, KNOWN))[-1]
        assert fix.r68_m is not None
        assert fix.r95_m is not None
        assert 0 < fix.r68_m < fix.r95_m
        fixes = await run.passes(9)
        assert all((one.r68_m is None) == (one.status != "ok") for one in fixes)

    play(script, locator=spread_locator())


def test_an_old_fix_keeps_neither_position_nor_radii() -> None:
    async def script(run: Run) -> None:
        await run.passes(3.1, KNOWN)
        run.source.clock.advance(6)
        current = run.engine.current()
        assert (current.status, current.x_m) == ("stale", None)
        assert (current.r68_m, current.r95_m) == (None, None)

    play(script, locator=spread_locator())


def test_strange_beacons_are_named_as_the_cause() -> None:
    async def script(run: Run) -> None:
        fixes = await run.passes(9.1, UNKNOWN)
        assert set(statuses(fixes)) == {("no_signal", "no_known_beacon")}
        assert all(fix.heard == () for fix in fixes)

    play(script)


def test_a_packet_just_before_the_end_counts_in_its_window() -> None:
    async def script(run: Run) -> None:
        source = run.source
        source.clock.advance(2.999)
        source.hear(KNOWN)
        source.clock.advance(0.02)
        await settle()
        assert run.fixes == []
        source.clock.advance(0.05)
        await settle()
        assert statuses(run.fixes) == [("ok", None)]

    play(script)


def test_packets_that_wait_when_a_stalled_machine_goes_on_are_not_late() -> None:
    async def script(run: Run) -> None:
        source = run.source
        for _ in range(30):
            source.clock.advance_to(source.clock.now_ns() + 90_000_000)
            source.hear(KNOWN)
        # Timer and packets are due at once, and the reader takes one packet a turn.
        source.slow = True
        source.clock.advance(1.5)
        await settle(200)
        assert run.engine.windower.late == 0
        assert statuses(run.fixes) == [("ok", None), ("ok", None)]

    play(script)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SourceError("the adapter is off", source="ble:hci0", reason="powered_off"), "powered_off"),
        (RuntimeError("a bug of an adapter"), "unexpected_error"),
    ],
)
def test_a_source_that_fails_is_shown_and_goes_stale(
    error: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(run: Run) -> None:
        await run.passes(4.1, KNOWN)
        run.source.fail(error)
        fixes = await run.passes(9)
        assert run.engine.state.phase == "failed"
        assert run.engine.state.reason == reason
        assert str(error) in (run.engine.state.detail or "")
        # The window that was open is finished; nothing is said about time in which nobody listened.
        assert statuses(fixes) == [("ok", None), ("stale", "source_failed")]
        assert run.task.done()
        assert run.task.exception() is None
        assert run.engine.current().status == "stale"

    play(script)
    assert str(error) in caplog.text


def test_the_position_becomes_stale_between_two_fixes() -> None:
    async def script(run: Run) -> None:
        await run.passes(4.1, KNOWN)
        run.source.end()
        await run.passes(5.7)
        assert run.engine.state.phase == "ended"
        current = run.engine.current()
        assert (current.status, current.cause) == ("ok", None)
        run.source.clock.advance(0.3)
        current = run.engine.current()
        assert (current.status, current.cause, current.x_m) == ("stale", "source_ended", None)

    play(script)


def test_before_the_first_window_it_is_starting() -> None:
    async def script(run: Run) -> None:
        current = run.engine.current()
        assert (current.seq, current.status, current.cause) == (0, "no_signal", "starting")
        run.source.fail(SourceError("no radio", source="x", reason="no_radio"))
        await settle()
        assert statuses([run.engine.current()]) == [("stale", "source_failed")]

    play(script)


def test_cancelling_stops_everything_it_started() -> None:
    async def main() -> None:
        run = Run(HandSource())
        await run.passes(3.1, KNOWN)
        await run.stop()
        assert run.source.closed
        assert run.engine.state.phase == "stopped"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_machine_that_slept_does_not_publish_old_windows_as_positions() -> None:
    async def script(run: Run) -> None:
        await run.passes(3.1, KNOWN)
        run.source.hear(KNOWN)
        await settle()
        run.source.clock.advance(600)
        await settle()
        late = run.fixes[1:]
        assert late
        assert {fix.status for fix in late} == {"stale"}

    play(script)


@pytest.mark.parametrize(
    ("window_s", "step_s", "stale_after_s"),
    [(3, 1, 0), (3, 1, float("nan")), (1, 2, 10), (3, 0, 10)],
)
def test_lengths_of_time_are_checked_before_anything_runs(
    window_s: float, step_s: float, stale_after_s: float
) -> None:
    async def main() -> None:
        with pytest.raises(ConfigError, match="must hold"):
            LiveEngine(
                demo_locator(),
                HandSource(),
                window_s=window_s,
                step_s=step_s,
                stale_after_s=stale_after_s,
            )

    asyncio.run(main())
