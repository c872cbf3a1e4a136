"""The table of rules, its state, and what the rules make of findings."""

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import optuna
import pytest

from localizer.errors import ConfigError
from training.config import load_network
from training.tuning.apply_rules import Step, apply_rules
from training.tuning.diagnosis import DIAGNOSES, Diagnosis, Finding
from training.tuning.explain import explain
from training.tuning.parameters import ChoiceParameter, FloatParameter, IntParameter
from training.tuning.rules import RulesState, load_rules
from training.tuning.space import Space
from training.tuning.space_files import load_space
from training.tuning.trials import Training, TrialRecord, Verdict

RULES = load_rules()
SURE = tuple(replace(rule, prior=0.9999) for rule in RULES)
"""The same table, of rules that act whenever their time has come."""

SPACE = Space(
    "test",
    1,
    load_network("dnn"),
    (
        FloatParameter(name="learning_rate", low=1e-5, high=0.1, log=True),
        ChoiceParameter(name="batch_size", values=(8, 16, 32, 50, 64, 128), default=50),
        IntParameter(name="units", low=8, high=128, each="layers"),
        FloatParameter(name="dropout", low=0.0, high=0.5, default=0.2),
        ChoiceParameter(name="output", values=("linear", "relu")),
    ),
)
SPACES = sorted(
    one.name.removesuffix(".toml") for one in (files("training.tuning") / "spaces").iterdir()
)
POINT = {
    "learning_rate": 0.01,
    "batch_size": 32,
    "units_1": 20,
    "units_2": 30,
    "units_3": 40,
    "dropout": 0.1,
    "output": "linear",
}


def trial(
    number: int,
    found: Diagnosis | None = None,
    *,
    dev_m: float = 6.0,
    verdict: Verdict = "ok",
    version: int = 1,
    **params: Any,
) -> TrialRecord:
    findings = () if found is None else (Finding(found, f"{found}!", 0.5, {}).to_json(),)
    trained = verdict in ("ok", "stopped")
    trainings = (Training(0, 0, 10, 100, dev_m, 4.0, {100: dev_m}),) if trained else ()
    return TrialRecord(
        number, {**POINT, **params}, verdict, space_version=version, trainings=trainings,
        findings=findings,
    )  # fmt: skip


def after(
    records: list[TrialRecord], space: Space = SPACE, state: RulesState | None = None
) -> Step:
    return apply_rules(SURE, space, records, state or RulesState(), every=4, seed=1)


def changes(step: Step) -> Mapping[str, tuple[str, str]]:
    told = [change for action in step.actions for change in action.changes]
    return {change.parameter: (change.before, change.after) for change in told}


def draws(space: Space, count: int = 20) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.suggest(study.ask()) for _ in range(count)]


def test_the_table_answers_every_diagnosis_and_says_why() -> None:
    assert {rule.when for rule in RULES} == set(DIAGNOSES)
    assert all(rule.why for rule in RULES)
    for rule in RULES:
        assert sum(rule.beta) == pytest.approx(5)


def test_overfitting_adds_parameters_and_keeps_old_trials_in_the_space() -> None:
    step = after([trial(0, "overfitting"), trial(1, "overfitting", dev_m=5.0), trial(2), trial(3)])
    assert changes(step)["l2"] == ("not in the space", "1e-08 to 0.01 (log)")
    assert changes(step)["batch_norm"][0] == "not in the space"
    assert changes(step)["dropout"] == ("0 to 0.5", "0.099 to 0.5")
    assert "conv_batch_norm" not in changes(step)
    assert step.space.version == 1 + sum(action.acted for action in step.actions)
    # An old point is a point of the new space, with the defaults of what it lacks.
    old = step.space.point(SPACE.params_for_enqueue(POINT))
    assert old["l2"] == 1e-8
    assert (old["batch_norm_1"], old["batch_norm_2"]) == (True, False)
    step.space.config(old, name="old")


def test_what_was_added_is_tried_on_the_best_point() -> None:
    step = after([trial(n, "overfitting", dev_m=6.0 - n, units_1=30 + n) for n in range(4)])
    assert [point["units_1"] for point in step.points] == [33, 33]
    assert [point["l2"] for point in step.points] == [1e-4, 1e-8]
    assert [point["batch_norm_3"] for point in step.points] == [False, True]
    for point in step.points:
        step.space.config(point, name="first")


def test_underfitting_removes_small_units_from_all_later_draws() -> None:
    step = after([trial(n, "underfitting") for n in range(4)])
    assert changes(step)["units"] == (
        "8 to 128, one for each of layers",
        "20 to 128, one for each of layers",
    )
    assert all(min(v for k, v in p.items() if "units" in k) >= 20 for p in draws(step.space))


def test_fluctuating_loss_takes_larger_batches_and_smaller_steps() -> None:
    step = after([trial(n, "fluctuating loss") for n in range(4)])
    assert step.space.named("batch_size").candidates() == (32, 50, 64, 128)
    assert changes(step)["learning_rate"][1] == "1e-05 to 0.015 (log)"


def test_rising_loss_ends_at_one_and_a_half_times_the_rate() -> None:
    step = after([trial(0, "rising loss", learning_rate=0.02), trial(1), trial(2), trial(3)])
    assert step.actions == ()  # one in four is below the share of the rule
    records = [trial(n, "rising loss", dev_m=6.0 + n, learning_rate=0.02 + n) for n in range(2)]
    step = after([*records, trial(2), trial(3)])
    assert changes(step) == {"learning_rate": ("1e-05 to 0.1 (log)", "1e-05 to 0.03 (log)")}
    assert all(point["learning_rate"] <= 0.03 for point in draws(step.space))


def test_what_diverged_is_bounded_by_the_least_rate_that_did() -> None:
    rates = (0.09, 0.03, 0.05)
    diverged = [
        trial(n, "exploding gradients", verdict="diverged", learning_rate=rate)
        for n, rate in enumerate(rates)
    ]
    assert changes(after([*diverged, trial(3)]))["learning_rate"][1] == "1e-05 to 0.03 (log)"


def test_a_plateau_is_left_towards_the_other_half() -> None:
    small = after([trial(n, "plateau", learning_rate=1e-4) for n in range(4)])
    large = after([trial(n, "plateau", learning_rate=0.02) for n in range(4)])
    assert changes(small)["learning_rate"][1] == "6.7e-05 to 0.1 (log)"
    assert changes(large)["learning_rate"][1] == "1e-05 to 0.03 (log)"


def test_a_space_that_ends_too_early_is_widened() -> None:
    step = after([trial(n, "low learning rate", learning_rate=0.06) for n in range(4)])
    low, high = step.space.named("learning_rate").ends()
    assert (low, high) == (0.0402, 0.3)


def test_a_dead_output_leaves_the_rectified_output_out() -> None:
    records = [trial(n, "dead output", verdict="dead output", output="relu") for n in range(4)]
    assert changes(after(records))["output"] == ("linear | relu", "linear")


def test_the_best_point_stays_inside() -> None:
    best = trial(9, dev_m=3.0, learning_rate=0.0234567, units_1=11)
    step = after([*(trial(n, "rising loss", learning_rate=0.01) for n in range(3)), best])
    assert changes(step)["learning_rate"][1] == "1e-05 to 0.0235 (log)"
    step = after([*(trial(n, "underfitting", learning_rate=1e-4) for n in range(3)), best])
    assert changes(step)["units"][1].startswith("11 to 128")
    step.space.params_for_enqueue(dict(best.params))


def test_no_rule_leaves_less_than_a_tenth() -> None:
    step = after([trial(n, "rising loss", learning_rate=1.1e-5) for n in range(4)])
    (held,) = step.actions
    assert not held.acted
    assert "would leave 5 % of learning_rate" in held.held_back
    assert step.space is SPACE


def test_rules_wait_for_as_many_trials_as_told_and_look_at_each_once() -> None:
    records = [trial(n, "rising loss") for n in range(3)]
    crashed = [trial(9, verdict="crashed"), trial(10, verdict="infeasible")]
    assert after([*records, *crashed]).actions == ()
    step = after([*records, trial(3)])
    assert step.actions
    again = after([*records, trial(3), trial(4)], step.space, step.state)
    assert again.actions == ()
    assert again.space is step.space


def test_without_rules_nothing_is_done() -> None:
    records = [trial(n, "rising loss") for n in range(8)]
    step = apply_rules((), SPACE, records, RulesState(), every=4, seed=0)
    assert step == (SPACE, RulesState(), (), ())


def test_an_action_is_credited_with_the_share_of_better_pairs() -> None:
    before = [trial(n, "rising loss", dev_m=6.0 + n) for n in range(4)]
    step = after(before)
    (action,) = step.actions
    later = [trial(10 + n, dev_m=6.5 + n, version=2) for n in range(4)]
    done = after([*before, *later], step.space, step.state).state
    # Of 16 pairs (6.5, 7.5, 8.5, 9.5 against 6, 7, 8, 9) the later one is better in 6.
    assert done.log[0].better == pytest.approx(6 / 16)
    assert done.records[action.rule] == pytest.approx((6 / 16, 10 / 16))


def test_trials_of_the_old_space_that_end_later_are_no_credit() -> None:
    before = [trial(n, "rising loss") for n in range(4)]
    step = after(before)
    later = [trial(10 + n, dev_m=1.0, version=1) for n in range(4)]
    done = after([*before, *later], step.space, step.state).state
    assert done.log[0].better is None


@pytest.mark.parametrize(("record", "least", "most"), [((0, 10), 0, 2), ((10, 0), 58, 60)])
def test_a_poor_record_holds_a_rule_back(
    record: tuple[float, float], least: int, most: int
) -> None:
    (rule,) = [rule for rule in RULES if rule.name == "larger batches"]
    state = RulesState({rule.name: record})
    records = [trial(n, "fluctuating loss") for n in range(4)]
    steps = [apply_rules((rule,), SPACE, records, state, every=4, seed=s) for s in range(60)]
    assert least <= sum(step.actions[0].acted for step in steps) <= most
    held = [step.actions[0] for step in steps if not step.actions[0].acted]
    assert all("drawn from its record" in action.held_back for action in held)


def test_the_same_seed_gives_the_same_step() -> None:
    records = [trial(n, "overfitting") for n in range(4)]
    steps = [apply_rules(RULES, SPACE, records, RulesState(), every=4, seed=7) for _ in range(2)]
    assert steps[0] == steps[1]


def test_the_state_goes_through_json() -> None:
    state = after([trial(n, "overfitting") for n in range(4)]).state
    assert RulesState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert RulesState.from_json(RulesState().to_json()) == RulesState()
    with pytest.raises(ConfigError, match=r"as `RulesState\.to_json` writes them"):
        RulesState.from_json({"log": 3})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[rule", "must be readable TOML"),
        ('[[rule]]\nname = "a"\nwhen = "boredom"', "when"),
        ('[[rule]]\nname = "a"\nwhen = "plateau"\ndo = "add"\nof = "l2"\nprior = 0.5\n'
         'source = "ours"\nwhy = "so"', "must say `add`"),
        ('[[rule]]\nname = "a"\nwhen = "plateau"\ndo = "raise low"\nof = "l2"\nprior = 0.5\n'
         'source = "ours"\nwhy = "so"\nspeed = 3', "speed"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_rules(tmp_path / "own.toml")
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        load_rules(tmp_path / "missing.toml")


def test_explain_says_what_was_found_which_rule_acted_and_what_changed() -> None:
    step = after([trial(n, "rising loss", learning_rate=0.02) for n in range(4)])
    text = explain(trial(2, "rising loss", learning_rate=0.02), step.state.log, SURE)
    assert "Trial 2: ok" in text
    assert "6.00 m on held-out rows, 4.00 m on training rows" in text
    assert "rising loss (clear): rising loss!" in text
    assert "Rule `smaller steps`" in text
    assert "found in 4 of 4 trials" in text
    assert "Space 1 -> 2: learning_rate: 1e-05 to 0.1 (log) -> 1e-05 to 0.03 (log)." in text
    assert "Too few trials have followed" in text
    later = explain(trial(11, version=2), step.state.log, SURE)
    assert "version 2 of the space, which the rule `smaller steps` made" in later
    assert "found nothing wrong" in later


def test_explain_says_why_nothing_was_done() -> None:
    sick = trial(2, "plateau")
    assert "they are off" in explain(sick, (), ())
    assert "No rule acted on the trials around it" in explain(sick, (), RULES)
    state = RulesState({rule.name: (0.0, 1000.0) for rule in RULES})
    records = [trial(n, "fluctuating loss") for n in range(4)]
    step = apply_rules(RULES, SPACE, records, state, every=4, seed=0)
    text = explain(records[0], step.state.log, RULES)
    assert "It did nothing: 0.00 was drawn from its record" in text


@pytest.mark.parametrize("name", SPACES)
def test_no_rule_breaks_a_space_of_the_product(name: str) -> None:
    """Every rule acts on every preset where it can, and the best point stays one of the space."""
    space = load_space(name)
    points = draws(space, 12)
    for diagnosis in DIAGNOSES:
        told = (Finding(diagnosis, "so", 0.5, {}).to_json(),)
        trials = [replace(trial(n), params=point, findings=told) for n, point in enumerate(points)]
        step = apply_rules(SURE, space, trials, RulesState(), every=12, seed=3)
        assert step.space.version == space.version + sum(len(a.changes) for a in step.actions)
        assert step.space.point(space.params_for_enqueue(points[0])).items() >= points[0].items()
        for point in step.points:
            step.space.config(point, name="first")
