"""What is said before a search starts."""

from dataclasses import replace
from typing import Any

from localizer.sites import built_in_site
from training.tuning.beforehand import beforehand
from training.tuning.requests import Request
from training.tuning.space_files import load_space


def _request(preset: str, **other: Any) -> Request:
    space = load_space(preset)
    made = Request(
        space=space,
        split="sessions",
        folds=5,
        repeats=1,
        rungs=(11, 33, 100),
        sampler="tpe",
        pruner="auto",
        executor="stack",
        seed=0,
        rules=(),
        every=10,
    )
    return replace(made, **other)


def test_a_grid_tells_its_size_and_how_much_of_it_is_tried() -> None:
    request = _request("molnar", sampler="grid")
    assert beforehand(request, request.space, 3000) == ["The grid has 2,880 points"]
    (told,) = beforehand(request, request.space, 100)
    assert told == "The grid has 2,880 points; 100 of them are tried, drawn at random"


def test_brackets_are_told_and_a_round_that_stays_unfinished() -> None:
    request = _request("cisco-dnn-adam", sampler="hyperband")
    whole = beforehand(request, request.space, 1000)
    assert whole[0].startswith("Hyperband: ")
    assert len(whole) == 4
    few = beforehand(request, request.space, 3)
    assert few[:4] == whole
    assert "less than a round" in few[4]
    by_pruner = _request("cisco-dnn-adam", pruner="hyperband")
    assert beforehand(by_pruner, by_pruner.space, 1000) == whole


def test_of_other_searches_there_is_nothing_to_tell() -> None:
    for other in ({}, {"sampler": "bohb", "pruner": "none"}):
        request = _request("cisco-dnn-adam", **other)
        assert beforehand(request, request.space, 10) == []


def test_a_target_that_the_site_cannot_have_is_told() -> None:
    asked = load_space("cisco-dnn-adam")
    request = _request("cisco-dnn-adam", space=asked.for_site(built_in_site("demo")))
    (told,) = beforehand(request, asked, 10)
    assert "target 'paper'" in told
    assert "'box'" in told
