"""Figure 9: augmentation for the DNN with Adam at its defaults, by two readings and clean."""

from __future__ import annotations

from training.reproduction.paper import AUGMENTED_ROWS, BASE, CELL_FT, FIGURE_9_FT
from training.reproduction.protocol import Side
from training.reproduction.records import NetworkRun, Reproduction, Spread
from training.reproduction.seed_statistics import Gain, gain
from training.reproduction.wording import in_feet, number, paragraph, signed, table

BARS = tuple(FIGURE_9_FT)


def lines(found: Reproduction) -> list[str]:
    """Return the section."""
    return [
        "## Figure 9: augmentation",
        "",
        *paragraph(
            "Mean error in feet of the DNN with Adam at its defaults, live",
            "seeds. The paper does not",
            "say which rows it tests on, so there are two readings, both augmented from the whole",
            "labelled file before the split. *Code*: the published code's rules, augmented rows",
            "first, and the last 20 % of all rows test, which are more rows the more were added.",
            "*Text*: the text's rules, and the last 284 labelled rows test. The",
            "last column augments",
            "the clean training rows alone, by the text's rules.",
        ),
        *_errors(found),
        *_rows(found),
        *_gains(found),
    ]


def bar_runs(found: Reproduction, bar: str, side: Side) -> list[NetworkRun]:
    """Return the runs of a bar; without augmentation those of Table II."""
    return found.runs(BASE.model if bar == "none" else bar, _side(bar, side))


def bar_gain(found: Reproduction, bar: str, side: Side) -> Gain:
    """Return what augmentation gains over none, cells, paired by seed."""
    return gain(bar_runs(found, "none", side), bar_runs(found, bar, side))


def bar_spread(found: Reproduction, bar: str, side: Side) -> Spread:
    """Return the error of a bar's live runs."""
    model = BASE.model if bar == "none" else bar
    return found.live(model, _side(bar, side))


def _side(bar: str, side: Side) -> Side:
    # Without augmentation both readings are the published split.
    return "published" if bar == "none" and side != "clean" else side


def _errors(found: Reproduction) -> list[str]:
    rows = []
    for bar in BARS:
        model = BASE.model if bar == "none" else bar
        last = found.live(model, _side(bar, "code"), lambda run: run.last_rows_cells)
        rows.append(
            [
                bar,
                number(FIGURE_9_FT[bar], 1),
                in_feet(bar_spread(found, bar, "code")),
                in_feet(last),
                in_feet(bar_spread(found, bar, "text")),
                in_feet(bar_spread(found, bar, "clean")),
            ]
        )
    header = (
        "augmentation", "paper", "code", "code, its last 284 rows", "text",
        "without leaks and copies",
    )  # fmt: skip
    return table(header, rows)


def _rows(found: Reproduction) -> list[str]:
    rows = [
        [
            f"{facts.model}, {facts.side}",
            f"{facts.added}"
            + ("" if facts.side == "clean" else f" ({AUGMENTED_ROWS[facts.model]})"),
            f"{facts.train}",
            f"{facts.test}",
            f"{facts.made_from_test}",
            f"{facts.test_rows_in_training}",
        ]
        for facts in found.evidence.augmented
    ]
    header = (
        "rows", "added (paper)", "training", "test", "added rows made from test rows",
        "test rows they were made from",
    )  # fmt: skip
    return [
        *paragraph(
            "The rows of each. An added row has the label of the scans that it was made from, and",
            "readings near theirs: where those test, it is a clone of the answer. The paper counts",
            "188 naive rows and 158 of the autoencoder; ours that hear no beacon are dropped, and",
            "the autoencoder's number hangs on its seed.",
        ),
        *table(header, rows),
    ]


def _gains(found: Reproduction) -> list[str]:
    rows = []
    for bar in BARS[1:]:
        paper = FIGURE_9_FT["none"] - FIGURE_9_FT[bar]
        sides: tuple[Side, ...] = ("code", "text", "clean")
        ours = [bar_gain(found, bar, side) for side in sides]
        rows.append([bar, f"{paper:+.1f}", *(_gain_ft(one) for one in ours)])
    return [
        "Gain over no augmentation, feet, paired by seed, with a 95 % interval over seeds:",
        "",
        *table(("augmentation", "paper", "code", "text", "without leaks and copies"), rows),
    ]


def _gain_ft(found: Gain) -> str:
    return signed(*(value * CELL_FT for value in found[:3]), digits=1)
