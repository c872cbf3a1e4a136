import re
from functools import cache
from pathlib import Path

import pytest

from tests.training.evaluated import evaluation, with_distributions
from tests.training.simulated import small_survey
from training.catalogue import SIMPLE_METHODS
from training.evaluation import Evaluation
from training.html_report import in_short
from training.recipe import Recipe
from training.splits import SPLITS
from training.workdir import write_run


@cache
def run_folder(*, distributions: bool = False) -> Path:
    """The work directory of a run that is written once."""
    done = with_distributions() if distributions else evaluation()
    folder = Path(small_survey().path).parent / f"run-{distributions}"
    write_run(folder, small_survey(), Recipe([done.split], [], [], (0, 1)), [done])
    return folder


def page(*, distributions: bool = False) -> str:
    return (run_folder(distributions=distributions) / "report.html").read_text()


def test_the_page_needs_nothing_from_outside() -> None:
    text = page(distributions=True)
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)", text)
    assert "<script" not in text
    pictures = len(list((run_folder(distributions=True) / "plots").glob("*.png")))
    assert text.count("data:image/png;base64,") == pictures


def test_it_names_every_method_and_says_what_each_does() -> None:
    text = page()
    for result in evaluation().results:
        title = SIMPLE_METHODS[result.method].title if result.is_baseline else "dnn network"
        assert title in text
    assert SIMPLE_METHODS["weighted-centroid"].what in text
    assert "Simple methods that were not asked for: strongest beacon" in text
    assert "Honest splits that were not asked for: cells, blocks, devices" in text


def test_it_tells_who_wins_and_by_how_much_with_the_interval() -> None:
    done = evaluation()
    said = in_short(done)
    network = next(result for result in done.results if not result.is_baseline)
    gain, low, high = done.gain(network)
    assert f"{done.best.summary.mean:.2f} m on average" in said
    assert f"{abs(gain):.2f} m" in said
    assert "the network loses" in said
    assert f"({-high:.2f} to {-low:.2f})" in said
    assert said in page()


def test_without_a_network_it_says_so() -> None:
    done = evaluation()
    simple = tuple(result for result in done.results if result.is_baseline)
    without = Evaluation(done.survey, done.split, done.rows, done.fold, simple, done.leaks)
    assert in_short(without).endswith("No network took part.")


def test_distributions_and_calibration_stand_where_there_are_any() -> None:
    assert "how unsure they are" in page(distributions=True)
    assert "how unsure they are" not in page()
    assert (run_folder(distributions=True) / "plots" / "calibration-sessions.png").is_file()
    assert not (run_folder() / "plots" / "calibration-sessions.png").exists()


@pytest.mark.parametrize("name", SPLITS)
def test_every_split_has_a_meaning_in_plain_words(name: str) -> None:
    assert SPLITS[name].meaning
    assert SPLITS["sessions"].meaning in page()


def test_the_markdown_has_the_same_tables() -> None:
    text = (run_folder(distributions=True) / "report.md").read_text()
    done = with_distributions()
    assert text.startswith("# ")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(done.results) + 2 + 1
    assert all(line.count("|") == rows[0].count("|") for line in rows[: 2 + len(done.results)])
