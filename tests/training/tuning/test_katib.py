"""Experiments for Katib: what it would refuse is refused here, and what it draws is read back."""

import json
import math
import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from localizer.errors import ConfigError
from tests.training.tuning.katib_schema import EXPERIMENT
from training.config import load_network
from training.tuning.katib import ALGORITHMS, Goal, experiment, to_yaml
from training.tuning.katib_metric import FILTER, metric_line, metric_name
from training.tuning.katib_parameters import label
from training.tuning.katib_point import read_point
from training.tuning.katib_template import Export
from training.tuning.parameters import (
    AnyParameter,
    ChoiceParameter,
    FloatParameter,
    Infeasible,
    IntParameter,
)
from training.tuning.space import Space
from training.tuning.space_files import SPACES, load_space

RATE = FloatParameter(name="learning_rate", low=1e-5, high=0.1, log=True)
BETA = FloatParameter(name="beta1", low=0.7, high=0.99, log=True, complement=True)
DROPOUT = FloatParameter(name="dropout", low=0.0, high=0.4, step=0.1, default=0.1)
BATCH = IntParameter(name="batch_size", low=8, high=512, log=True)
UNITS = IntParameter(name="units", each="layers", low=20, high=100, step=16, default=52)
LAYERS = IntParameter(name="layers", low=1, high=3)
LOSS = ChoiceParameter(name="loss", values=("row_rmse", "euclid"))
BALANCED = ChoiceParameter(name="place_balanced", values=(True, False))
NORM = ChoiceParameter(name="batch_norm", values=(True, False), default=True)

PLACEHOLDER = re.compile(r"\$\{trialParameters\.(.+?)\}")


def space(*parameters: AnyParameter) -> Space:
    """Return a space over the DNN."""
    return Space(name="test", version=1, base=load_network("dnn"), parameters=parameters)


WHOLE = space(RATE, BETA, DROPOUT, BATCH, LAYERS, UNITS, LOSS, BALANCED, NORM)
COUNTED = space(DROPOUT, LAYERS, UNITS, LOSS, BALANCED, NORM)
EXPORT = Export(name="site", survey="/surveys/survey.sqlite", space="cisco-dnn-adam", flatten=True)
GOAL = Goal("error_cells", 1.2)


def export_for(algorithm: str) -> Export:
    """Return an export that the algorithm takes."""
    return replace(EXPORT, algorithm=algorithm, trials=90, parallel=81)


def space_for(algorithm: str) -> Space:
    """Return the largest space that the algorithm takes."""
    return COUNTED if algorithm == "grid" else WHOLE


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_experiment_is_one_that_katib_admits(algorithm: str) -> None:
    """By the schema, by what the webhook checks of a template, and as YAML."""
    document = experiment(space_for(algorithm), GOAL, export_for(algorithm))
    jsonschema.validate(document, EXPERIMENT)
    assert yaml.safe_load(to_yaml(document)) == document
    spec = document["spec"]
    template = spec["trialTemplate"]
    names = [one["name"] for one in spec["parameters"]]
    references = [one["reference"] for one in template["trialParameters"]]
    assert sorted(names) == sorted(set(names)) == sorted(references)
    used = set(PLACEHOLDER.findall(json.dumps(template["trialSpec"])))
    assert used == {one["name"] for one in template["trialParameters"]}
    assert spec["parallelTrialCount"] <= spec["maxTrialCount"]
    job = template["trialSpec"]
    assert "metadata" not in job
    kubernetes_validate.validate({**job, "metadata": {"name": "trial"}}, "1.37", strict=True)
    assert job["spec"]["backoffLimit"] == 0
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["name"] == template["primaryContainerName"]
    assert container["command"] == ["python", "-m", "training"]


@pytest.mark.parametrize("name", SPACES)
def test_every_preset_can_be_exported(name: str) -> None:
    """What Katib draws of it is a point of it; conditions are flattened where there are any."""
    where = load_space(name)
    document = experiment(where, GOAL, replace(EXPORT, space=name))
    jsonschema.validate(document, EXPERIMENT)
    for words in trials(document, 20, shell=False):
        with suppress(Infeasible):
            where.config(read_point(where, words), name="trial")


def test_the_schema_would_notice() -> None:
    """A number where Katib wants text, and a key that it does not know."""
    document = experiment(space(RATE), GOAL, EXPORT)
    jsonschema.validate(document, EXPERIMENT)
    for path, value in (("min", 1e-5), ("maximum", "0.1")):
        wrong = json.loads(json.dumps(document))
        wrong["spec"]["parameters"][0]["feasibleSpace"][path] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, EXPERIMENT)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_katib_draws_is_a_point_of_the_space(algorithm: str) -> None:
    """Drawn as its services draw, put into the template as text, through a real shell."""
    where = space_for(algorithm)
    document = experiment(where, GOAL, export_for(algorithm))
    points = [read_point(where, words) for words in trials(document, 40)]
    for point in points:
        config = where.config(point, name="trial")
        assert len(config.hidden) == point["layers"]
        assert {name for name in point if name.startswith("units_")} == {
            f"units_{layer}" for layer in range(1, point["layers"] + 1)
        }
    assert {point["layers"] for point in points} == {1, 2, 3}


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "grid"])
def test_a_logarithmic_parameter_is_drawn_so_by_every_algorithm(algorithm: str) -> None:
    """Half of the draws lie below the geometric middle, though some services know no logarithm."""
    document = experiment(WHOLE, GOAL, export_for(algorithm))
    points = [read_point(WHOLE, words) for words in trials(document, 400, shell=False)]
    for name, middle in (("learning_rate", 1e-3), ("batch_size", 64.0)):
        below = sum(point[name] < middle for point in points) / len(points)
        assert 0.4 < below < 0.6, name
    below = sum(1 - point["beta1"] < math.sqrt(0.01 * 0.3) for point in points) / len(points)
    assert 0.4 < below < 0.6


def test_a_linear_parameter_stays_linear_where_doubles_are_logarithmic() -> None:
    """scikit-optimize would draw dropout from 0 on by its logarithm, which fails."""
    where = space(FloatParameter(name="dropout", low=0.0, high=0.4, default=0.1), RATE)
    document = experiment(where, GOAL, export_for("bayesianoptimization"))
    first = document["spec"]["parameters"][0]
    assert (first["name"], first["parameterType"]) == ("dropout-per-10000", "int")
    drawn = [read_point(where, words)["dropout"] for words in trials(document, 400, shell=False)]
    assert 0.4 < sum(value < 0.2 for value in drawn) / len(drawn) < 0.6
    assert 0 <= min(drawn) < 0.02
    assert 0.38 < max(drawn) <= 0.4


def trials(document: dict[str, Any], count: int, *, shell: bool = True) -> Iterator[list[str]]:
    """Yield the words after `--` of trials that Katib would run."""
    spec = document["spec"]
    rng = random.Random(3)
    for _ in range(count):
        text = json.dumps(spec["trialTemplate"]["trialSpec"])
        for parameter in spec["parameters"]:
            value = draw(parameter, spec["algorithm"]["algorithmName"], rng)
            text = text.replace(f"${{trialParameters.{parameter['name']}}}", value)
        (container,) = json.loads(text)["spec"]["template"]["spec"]["containers"]
        args = container["args"]
        yield (through_a_shell(args) if shell else args)[args.index("--") + 1 :]


def through_a_shell(args: list[str]) -> list[str]:
    """Return the arguments as a program gets them after Katib has joined them for `sh -c`."""
    done = subprocess.run(
        ["sh", "-c", " ".join(["printf '%s\\n'", *args])],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.splitlines()


def draw(parameter: dict[str, Any], algorithm: str, rng: random.Random) -> str:
    """Draw as the services of Katib 0.19 do, quirks included."""
    kind, feasible = parameter["parameterType"], parameter["feasibleSpace"]
    if "list" in feasible:
        return str(rng.choice(feasible["list"]))
    low, high = float(feasible["min"]), float(feasible["max"])
    log = feasible.get("distribution") == "logUniform"
    if algorithm in ("cmaes", "hyperband"):
        log = False
    elif algorithm == "bayesianoptimization":
        log = kind == "double"
    if log:
        assert low > 0
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if log else rng.uniform(low, high)
    step = float(feasible.get("step") or (1 if kind == "int" else 0))
    if step and algorithm in ("random", "tpe"):
        value = round(value / step) * step
    elif step and algorithm != "bayesianoptimization":
        value = low + round((value - low) / step) * step
    return str(round(value)) if kind == "int" else repr(value)


def test_choices_are_labels_and_come_back_as_they_were() -> None:
    """Truth values, numbers and lists too."""
    values = (True, 20, 0.5, "adam", (7, 5), (7,), ())
    labels = [label(value) for value in values]
    assert labels == ["true", "20", "0.5", "adam", "7,5", "7,", ","]
    assert read_point(space(BALANCED), ["--place_balanced", "false"]) == {"place_balanced": False}
    with pytest.raises(ConfigError, match="shell"):
        label("a; rm")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--learning_rate=1"], "value <= 0.1"),
        (["--learning_rate=nan"], "must be a number"),
        (["--learning_rate=10^99999"], "must be a number"),
        (["--learning_rate=1/0"], "must be a number"),
        (["--learning_rate"], "--NAME=VALUE"),
        (["learning_rate=0.1"], "--NAME=VALUE"),
        (["--learning_rate=0.1", "--learning_rate=0.1"], "twice"),
        (["--rate=0.1"], "must be one of"),
        ([], "needs a value for 'learning_rate'"),
    ],
)
def test_words_that_give_no_point_are_refused(words: list[str], said: str) -> None:
    """With the name and what came."""
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_point(space(RATE), words)


def test_numbers_are_read_in_every_form() -> None:
    """Plain, as a power of ten, in parts, and each from 1; a bound may be missed by rounding."""
    where = space(RATE, BETA, BATCH)
    words = ["--learning_rate=10^-5.0000000000001", "--beta1=1-10^-1", "--batch_size=31.7"]
    assert read_point(where, words) == {
        "learning_rate": 1e-5,
        "beta1": pytest.approx(0.9),
        "batch_size": 32,
    }
    words = ["--learning_rate", "1e-05", "--beta1=93/100", "--batch_size=512"]
    assert read_point(where, words) == {"learning_rate": 1e-5, "beta1": 0.93, "batch_size": 512}


def test_conditions_are_refused_or_flattened_with_a_note() -> None:
    """Katib has none; the first layer is there in every point and needs none."""
    with pytest.raises(ConfigError, match=r"\['units_2', 'units_3'\]"):
        experiment(WHOLE, GOAL, replace(EXPORT, flatten=False))
    notes = experiment(WHOLE, GOAL, EXPORT)["metadata"]["annotations"]["localizer/notes"]
    assert "units_2, units_3" in notes
    assert "units_1" not in notes
    plain = experiment(space(RATE), GOAL, replace(EXPORT, flatten=False))
    assert "annotations" not in plain["metadata"]


@pytest.mark.parametrize(
    ("changes", "parameters", "said"),
    [
        ({"algorithm": "pbt"}, (RATE,), "starts afresh"),
        ({"algorithm": "annealing"}, (RATE,), "must be one of"),
        ({"name": "Site"}, (RATE,), "lower-case"),
        ({"name": "s" * 41}, (RATE,), "40"),
        ({"survey": "$(reboot)"}, (RATE,), "shell"),
        ({"options": ("--folds=5; true",)}, (RATE,), "shell"),
        ({"parallel": 16}, (RATE,), "parallel <= trials"),
        ({"max_failed": 16}, (RATE,), "max_failed <= trials"),
        ({}, (), "must have a parameter"),
        ({"algorithm": "grid"}, (RATE,), "step"),
        ({"algorithm": "grid"}, (LOSS,), "15 for 2"),
        ({"algorithm": "cmaes"}, (RATE, LOSS), "two numeric"),
        ({"algorithm": "hyperband"}, (RATE,), "parallel >= 81"),
        ({"algorithm": "hyperband", "early_stopping": True}, (RATE,), "Hyperband waits"),
        ({"algorithm": "hyperband", "eta": 1}, (RATE,), "2 <= eta"),
        (
            {"algorithm": "hyperband"},
            (IntParameter(name="epochs", low=10, high=100),),
            "sets 'epochs' itself",
        ),
    ],
)
def test_what_katib_would_refuse_or_wait_for_is_refused(
    changes: dict[str, Any], parameters: tuple[AnyParameter, ...], said: str
) -> None:
    """Here and at once, with what to do."""
    with pytest.raises(ConfigError, match=re.escape(said)):
        experiment(space(*parameters), GOAL, replace(EXPORT, **changes))


def test_hyperband_hands_out_epochs() -> None:
    """As an option of the command, which a trial has, before the point."""
    document = experiment(space(RATE), GOAL, export_for("hyperband"))
    settings = {s["name"]: s["value"] for s in document["spec"]["algorithm"]["algorithmSettings"]}
    assert settings == {"resource_name": "epochs", "r_l": "100", "eta": "3"}
    job = document["spec"]["trialTemplate"]["trialSpec"]
    args = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args.index("--epochs=${trialParameters.epochs}") < args.index("--")


def test_early_stopping_asks_for_a_line_at_every_rung() -> None:
    """The median of one line a trial would stop nothing."""
    document = experiment(space(RATE), GOAL, replace(EXPORT, early_stopping=True))
    jsonschema.validate(document, EXPERIMENT)
    job = document["spec"]["trialTemplate"]["trialSpec"]
    assert "--each-rung" in job["spec"]["template"]["spec"]["containers"][0]["args"]
    document = experiment(space(RATE), GOAL, EXPORT)
    assert "earlyStopping" not in document["spec"]
    assert "--each-rung" not in json.dumps(document)


def test_goal_seed_and_metric_are_told() -> None:
    """And left out where there are none."""
    document = experiment(space(RATE), Goal("error_m"), replace(EXPORT, seed=7))
    objective = document["spec"]["objective"]
    assert objective["objectiveMetricName"] == "error_m"
    assert "goal" not in objective
    settings = document["spec"]["algorithm"]["algorithmSettings"]
    assert settings == [{"name": "random_state", "value": "7"}]
    assert experiment(space(RATE), GOAL, EXPORT)["spec"]["objective"]["goal"] == 1.2


@pytest.mark.parametrize("error_m", [0.0, 1e-7, 2.25, 1 / 3, 12345678.9, 1e22])
@pytest.mark.parametrize("cell_m", [None, 3.048])
def test_katib_finds_the_number_that_was_printed(error_m: float, cell_m: float | None) -> None:
    """One match, whole, and nothing lost of the value."""
    line = metric_line(error_m, cell_m)
    (found,) = re.findall(FILTER, line)
    assert found[0] == metric_name(cell_m)
    assert float(found[1]) == (error_m if cell_m is None else error_m / cell_m)
    timed = metric_line(error_m, cell_m, at=datetime(2026, 11, 21, 13, 0, tzinfo=UTC))
    assert timed == f"2026-11-21T13:00:00Z {line}"
    assert re.findall(FILTER, timed) == [found]


@pytest.mark.parametrize("error_m", [math.nan, math.inf, -1.0])
def test_no_line_for_what_is_no_error(error_m: float) -> None:
    """Katib would read an empty text, or half of a word."""
    with pytest.raises(ConfigError, match="finite"):
        metric_line(error_m, None)
