import pytest
from optuna.pruners import MedianPruner, NopPruner

from localizer.errors import ConfigError
from training.tuning.pruners import BracketPruner, brackets_of, pruner_of, rungs_of


def test_the_rungs_of_100_epochs_are_11_33_and_100() -> None:
    assert rungs_of(100) == (11, 33, 100)
    assert rungs_of(1) == (1,)
    assert rungs_of(25) == (2, 8, 25)


@pytest.mark.parametrize("epochs", [1, 2, 7, 25, 100, 200])
def test_every_rung_of_a_bracket_is_a_rung_at_which_trials_are_scored(epochs: int) -> None:
    rungs = rungs_of(epochs)
    for bracket in brackets_of(rungs).brackets:
        assert {rung.epochs for rung in bracket.rungs} <= set(rungs)
        assert bracket.rungs[-1].epochs == epochs


def test_auto_takes_brackets_for_the_samplers_that_have_them() -> None:
    assert isinstance(pruner_of("auto", "bohb", (1, 3)), BracketPruner)
    assert isinstance(pruner_of("auto", "tpe", (1, 3)), MedianPruner)
    assert isinstance(pruner_of("none", "tpe", (1, 3)), NopPruner)


def test_a_population_has_no_pruner_and_says_why() -> None:
    for name in ("auto", "none"):
        assert isinstance(pruner_of(name, "pbt", (1, 3)), NopPruner)
    for name in ("median", "hyperband"):
        with pytest.raises(ConfigError, match="leave --pruner out"):
            pruner_of(name, "pbt", (1, 3))


def test_another_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="pruner"):
        pruner_of("wilcoxon", "tpe", (1, 3))
