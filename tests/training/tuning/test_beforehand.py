"""What is said before a search starts."""

from dataclasses import replace
from typing import Any

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
    assert beforehand(request, 3000) == ["The grid has 2,880 points"]
    (told,) = beforehand(request, 100)
    assert told == "The grid has 2,880 points; 100 of them are tried, drawn at random"


def test_brackets_are_told_and_a_round_that_stays_unfinished() -> None:
    request = _request("cisco-dnn-adam", sampler="hyperband")
    whole = beforehand(request, 1000)
    assert whole[0].startswith("Hyperband: ")
    assert len(whole) == 4
    few = beforehand(request, 3)
    assert few[:4] == whole
    assert "less than a round" in few[4]
    by_pruner = _request("cisco-dnn-adam", pruner="hyperband")
    assert beforehand(by_pruner, 1000) == whole


def test_of_other_searches_there_is_nothing_to_tell() -> None:
    assert beforehand(_request("cisco-dnn-adam"), 10) == []
    assert beforehand(_request("cisco-dnn-adam", sampler="bohb", pruner="none"), 10) == []
