from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localizer.errors import ConfigError
from localizer.manifest import Metrics
from training.ledger import Ledger, Reading, Result, reading_in_words, sealed_metrics

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def metrics(mean_m: float, *, split: str = "sealed") -> Metrics:
    return Metrics(
        split=split,
        honest=True,
        n=10,
        seeds=1,
        mean_m=mean_m,
        ci_low_m=mean_m,
        ci_high_m=mean_m,
        median_m=mean_m,
        p75_m=mean_m,
        p95_m=mean_m,
        baseline="knn",
        baseline_mean_m=mean_m,
    )


def reading(
    again: str | None = None,
    *,
    mean_m: float = 2.0,
    sealed: dict[str, str] | None = None,
    split: str = "sealed",
) -> Reading:
    return Reading(
        time_utc="2024-05-01T09:00:00+00:00",
        survey="office",
        site="demo",
        floor="0",
        sealed=sealed or {"monday": A},
        data_sha256=B,
        seeds=(0,),
        git_commit="0123456789abcdef",
        git_dirty=False,
        again=again,
        results=(Result(method="knn", config_sha256=C, metrics=metrics(mean_m, split=split)),),
    )


def append_one(path: Path, number: int) -> bool:
    try:
        Ledger(path).append(reading(sealed={f"day-{number % 5}": f"{number % 5}" * 64}))
    except ConfigError:
        return False
    return True


def test_lines_are_read_back_in_their_order(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "below" / "ledger.jsonl")
    assert ledger.readings() == ()
    first, second = reading(), reading("a new floor plan")
    ledger.append(first)
    ledger.append(second)
    assert ledger.readings() == (first, second)
    assert len(ledger.path.read_text().splitlines()) == 2


def test_a_second_reading_needs_a_reason_and_names_the_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.refuse_again({"monday": A}, None)
    ledger.append(reading())
    with pytest.raises(ConfigError, match="--again REASON") as refused:
        ledger.refuse_again({"monday": A}, None)
    for words in ("2024-05-01T09:00:00", "knn cccccccccccc", "code 0123456789ab", "monday"):
        assert words in str(refused.value)
    with pytest.raises(ConfigError, match="read once"):
        ledger.append(reading())
    ledger.refuse_again({"monday": A}, "benchmark")
    ledger.append(reading("benchmark"))
    assert [one.again for one in ledger.readings()] == [None, "benchmark"]


def test_one_session_read_before_is_enough_whatever_it_is_called(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(reading())
    with pytest.raises(ConfigError, match="monday"):
        ledger.refuse_again({"renamed": A, "tuesday": B}, None)
    ledger.refuse_again({"monday": B}, None)


def test_a_reason_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must give the reason"):
        Ledger(tmp_path / "ledger.jsonl").refuse_again({"monday": A}, " ")


@pytest.mark.parametrize("content", ["not json\n", '{"time_utc": "now"}\n', "\n"])
def test_a_damaged_ledger_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(reading())
    ledger.path.write_text(ledger.path.read_text() + content)
    for attempt in (ledger.readings, lambda: ledger.append(reading("again"))):
        with pytest.raises(ConfigError, match="line 2 of"):
            attempt()


def test_a_ledger_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="--ledger"):
        Ledger(tmp_path / "file" / "ledger.jsonl").append(reading())


def test_of_several_that_read_the_same_sessions_at_once_one_is_let_through(tmp_path: Path) -> None:
    """In threads: each opens the file anew, so the lock is between them as between processes."""
    path = tmp_path / "ledger.jsonl"
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(append_one, [path] * 40, range(40)))
    assert sum(written) == 5
    assert {name for one in Ledger(path).readings() for name in one.sealed} == {
        f"day-{number}" for number in range(5)
    }


def test_readings_of_a_site_are_found_by_the_names_of_its_sealed_sessions(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(reading())
    assert len(ledger.of("demo", ["monday", "tuesday"])) == 1
    assert ledger.of("demo", ["tuesday"]) == ()
    assert ledger.of("elsewhere", ["monday"]) == ()


def test_the_figure_of_a_method_is_the_first_one_on_the_same_rows() -> None:
    readings = [reading(mean_m=2.0), reading("again", mean_m=1.0)]
    assert sealed_metrics(readings, B, C) == (metrics(2.0),)
    assert sealed_metrics(readings, A, C) == ()
    assert sealed_metrics(readings, B, A) == ()


def test_a_benchmark_that_was_fitted_or_cut_otherwise_is_no_figure_of_a_bundle() -> None:
    readings = [reading("benchmark: uci-cells", mean_m=1.0, split="uci-cells"), reading()]
    assert sealed_metrics(readings, B, C) == (metrics(2.0),)
    assert sealed_metrics(readings[:1], B, C) == ()


def test_a_reading_in_words_has_its_reason() -> None:
    assert "because" not in reading_in_words(reading())
    assert reading_in_words(reading("a new plan")).endswith("again, because: a new plan")
