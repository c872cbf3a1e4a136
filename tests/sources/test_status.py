from __future__ import annotations

from localizer.clock import ManualClock, s_to_ns
from localizer.sources.status import StatusKeeper


def test_coming_back_counts_as_a_restart_and_says_since_when() -> None:
    clock = ManualClock()
    keeper = StatusKeeper(clock)
    keeper.become("running")
    clock.advance(5)
    keeper.become("recovering", "powered_off", "the adapter is off; switch it on")
    clock.advance(2)
    keeper.become("recovering", "powered_off", "the adapter is still off; switch it on")
    status = keeper.status
    assert (status.reason, status.since_ns) == ("powered_off", s_to_ns(5))
    assert status.detail == "the adapter is still off; switch it on"
    clock.advance(1)
    keeper.become("running")
    assert (keeper.status.restarts, keeper.status.since_ns) == (1, s_to_ns(8))
    assert keeper.status.reason is None


def test_the_first_cause_of_an_end_is_kept() -> None:
    keeper = StatusKeeper(ManualClock())
    keeper.become("failed", "access_denied", "no permission")
    keeper.become("ended", "closed")
    keeper.become("running")
    assert (keeper.status.state, keeper.status.reason) == ("failed", "access_denied")


def test_what_is_left_out_is_counted_by_reason_and_a_status_does_not_change() -> None:
    keeper = StatusKeeper(ManualClock())
    keeper.drop("malformed")
    before = keeper.status
    keeper.drop("malformed", 2)
    keeper.drop("not_heard")
    assert dict(before.dropped) == {"malformed": 1}
    assert dict(keeper.status.dropped) == {"malformed": 3, "not_heard": 1}
