import json
import math

from hypothesis import given
from hypothesis import strategies as st

from training.tuning.trials import VERDICTS, Training, TrialRecord

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
trainings = st.builds(
    Training,
    fold=st.integers(0, 9),
    seed=st.integers(0, 99),
    n=st.integers(1, 500),
    epochs=st.integers(1, 100),
    dev_m=numbers,
    train_m=numbers,
    rungs=st.dictionaries(st.integers(1, 100), numbers, max_size=4),
    loss=st.lists(numbers, max_size=3).map(tuple),
    gradient=st.lists(numbers, max_size=3).map(tuple),
)
records = st.builds(
    TrialRecord,
    number=st.integers(0, 999),
    params=st.dictionaries(st.text(max_size=5), numbers | st.booleans() | st.text(max_size=5)),
    verdict=st.sampled_from(VERDICTS),
    reason=st.text(max_size=9),
    trainings=st.lists(trainings, max_size=3).map(tuple),
)


@given(records)
def test_a_record_comes_back_from_json(record: TrialRecord) -> None:
    assert TrialRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def _training(dev_m: float, n: int, epochs: int = 9) -> Training:
    return Training(0, 0, n, epochs, dev_m, 1.0, {})


def test_the_error_counts_rows_and_the_gap_is_what_unseen_rows_cost() -> None:
    record = TrialRecord(0, {}, "ok", trainings=(_training(2.0, 30), _training(4.0, 10)))
    assert record.dev_m == 2.5
    assert record.gap_m == 1.5
    assert record.dev_se_m == 1.0
    assert record.epochs == 9


def test_a_trial_that_never_trained_has_no_error() -> None:
    record = TrialRecord(0, {}, "infeasible", "no pixels are left")
    assert math.isnan(record.dev_m)
    assert math.isnan(record.dev_se_m)
    assert record.epochs == 0
