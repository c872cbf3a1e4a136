from collections import Counter

import pytest

from localizer.errors import ConfigError
from training.tuning.brackets import Rung, hyperband, kept, ranked
from training.tuning.trials import Training, TrialRecord


def test_the_brackets_of_81_epochs_are_those_of_the_paper() -> None:
    """Li et al., 2018, table 1."""
    found = hyperband(81)
    assert [[(rung.trials, rung.epochs) for rung in one.rungs] for one in found.brackets] == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]
    assert [bracket.number for bracket in found.brackets] == [4, 3, 2, 1, 0]
    assert found.trials == 143


def test_epochs_are_counted_once_a_trial_goes_on() -> None:
    found = hyperband(9, least_epochs=1)
    # 9 to 1, 3 to 3, 1 to 9: 9 + 3 * 2 + 6; then 5 to 3, 1 to 9: 15 + 6; then 3 to 9.
    assert [bracket.epochs for bracket in found.brackets] == [21, 21, 27]
    assert found.epochs == 69
    assert found.epochs < found.trials * found.most_epochs


def test_the_rungs_of_100_epochs() -> None:
    found = hyperband(100, least_epochs=11)
    assert [rung.epochs for rung in found.brackets[0].rungs] == [11, 33, 100]
    assert found.lines()[1] == "  bracket 2: 9 to 11, 3 to 33, 1 to 100 epochs"


def test_every_trial_has_a_bracket_and_a_round_has_all_of_each() -> None:
    found = hyperband(81)
    numbers = [found.bracket_of(rank).number for rank in range(2 * found.trials)]
    assert numbers[: found.trials] == numbers[found.trials :]
    assert Counter(numbers[: found.trials]) == {4: 81, 3: 34, 2: 15, 1: 8, 0: 5}
    # After a third of a round, each has had about a third of its trials.
    assert Counter(numbers[:48]) == {4: 27, 3: 11, 2: 5, 1: 3, 0: 2}


@pytest.mark.parametrize(
    ("eta", "least", "words"), [(1, 1, "`eta >= 2`"), (3, 0, "least epochs"), (3, 82, "<= 81")]
)
def test_a_budget_without_brackets_is_refused(eta: int, least: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        hyperband(81, least_epochs=least, eta=eta)


def test_the_best_third_goes_on() -> None:
    rung, after = Rung(11, 9), Rung(33, 3)
    errors = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert [kept(rung, after, errors, error) for error in errors] == [True, True] + [False] * 4
    assert kept(rung, after, [7.0], 7.0), "the first has nobody to be compared with"
    assert not kept(rung, after, [1.0, float("nan")], float("nan"))


def test_only_trials_of_the_full_budget_are_ranked() -> None:
    def record(number: int, epochs: int, dev_m: float, verdict: str = "ok") -> TrialRecord:
        training = Training(0, 0, 10, epochs, dev_m, 1.0, {epochs: dev_m})
        return TrialRecord(number, {}, verdict, trainings=(training,))  # type: ignore[arg-type]

    records = [
        record(0, 100, 3.0),
        record(1, 11, 1.0, "stopped"),
        record(2, 11, 1.0),
        record(3, 100, 2.0),
    ]
    assert [one.number for one in ranked(records, 100)] == [3, 0]
