"""What stands and what does not, in words whose figures and verdicts come from the records."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from training.catalogue import SIMPLE_METHODS
from training.reproduction import figure6, figure9, table2
from training.reproduction.paper import (
    BASE,
    CELL_FT,
    FIGURE_6_CLAIMS,
    FIGURE_9_FT,
    PAIRS,
    TABLE_2,
    TRIALS,
    PaperRow,
)
from training.reproduction.protocol import Side
from training.reproduction.records import Reproduction, SimpleRun, spread
from training.reproduction.seed_statistics import Gain, best_of, gain, share_above
from training.reproduction.wording import in_cells, number, percent, signed


class Verdict(NamedTuple):
    """One claim of the paper, or one trait of its protocol, and what we found."""

    about: str
    verdict: str
    because: str


STANDS: Final = "stands"
FALLS: Final = "does not stand"
LOOK_UPS: Final = ("knn", "weighted-knn", "kernel-mean", "kernel-median")
"""Simple methods that only compare a scan with the training rows."""
FLAW: Final = "a flaw of the protocol"


def lines(found: Reproduction) -> list[str]:
    """Return the section."""
    bullets = []
    for judge in JUDGES:
        said = judge(found)
        bullets.append(f"- **{said.about}: {said.verdict}.** {said.because}")
    return ["## What stands and what does not", "", *bullets, ""]


def figures(found: Reproduction) -> Verdict:
    """Whether the eight losses come out again."""
    inside = [row for row in TABLE_2 if table2.inside(found, row)]
    outside = [f"{row.title} ({number(row.loss_cells)})" for row in TABLE_2 if row not in inside]
    rest = f" Outside: {', '.join(outside)}." if outside else ""
    return Verdict(
        "The eight losses of Table II, as figures",
        f"{len(inside)} of {len(TABLE_2)} {_verb(len(inside), 'stands', 'stand')}",
        "So many of the paper's single figures lie between the 5 and 95 % of our live seeds, on "
        f"its own rows by its own protocol.{rest}",
    )


def copies(found: Reproduction) -> Verdict:
    """What the day of copies does to the figures."""
    facts = found.evidence.copies
    days = "; ".join(
        f"{copy['matched']} of the {copy['rows']} rows of {copy['session']} match, one to one, a "
        f"row of another day within 1 dB, and between the other days {copy['others_matched']} of "
        f"{copy['others_rows']} do"
        for copy in facts.copies
    )
    published, clean = _both(found, BASE)
    best = _best_simple(found, "published", LOOK_UPS)
    top = min(TABLE_2, key=lambda row: row.loss_cells)
    lookup = _verb(best.error_cells < top.loss_cells, "beats", "does not beat")
    return Verdict(
        "Errors near 20 ft on scans that were never seen",
        FALLS if clean > published else STANDS,
        f"A day of copies trains: {days}. {facts.near_published} of the {facts.test} test rows "
        f"have a near copy in training, against {facts.near_clean} without that day and without "
        f"the test days. There the median of {BASE.title} goes from {_ft(published)} to "
        f"{_ft(clean)} on the same test rows. What is measured is looking up: the method "
        f"'{SIMPLE_METHODS[best.method].title}', which looks rows up and no more, has "
        f"{_ft(best.error_cells)} as published and {lookup} the paper's best network "
        f"({_ft(top.loss_cells)}).",
    )


def tuned_on_test(found: Reproduction) -> Verdict:
    """What choosing on the test rows is worth by itself."""
    said = []
    for default, tuned in PAIRS:
        best = best_of(found.runs(default.model, "published"), TRIALS, tuned.loss_cells)
        said.append(
            f"{_name(default)} {number(best.spread.median)} (paper {number(tuned.loss_cells)}, "
            f"reached in {percent(best.reached)} of drawings)"
        )
    return Verdict(
        "Tuned on the test rows",
        FLAW,
        f"Each trial is scored on the 284 rows that the table reports, and the best of {TRIALS} "
        f"is printed. The best of {TRIALS} *seeds at the default*, so without any tuning, has in "
        f"the median: {'; '.join(said)}.",
    )


def tuning(found: Reproduction) -> Verdict:
    """Whether tuning gains anything beyond the seeds."""
    said, sure = [], 0
    for default, tuned in PAIRS:
        published = _gain(found, default, tuned, "published")
        clean = _gain(found, default, tuned, "clean")
        span = found.live(default.model, "published")
        sure += clean.sure
        said.append(
            f"{_name(default)}: the paper's gain is {default.loss_cells - tuned.loss_cells:.2f}, "
            f"seeds at the default span {number(span.high - span.low)}, ours is "
            f"{signed(*published[:3])} as published and {signed(*clean[:3])} without leaks and "
            "copies"
        )
    return Verdict(
        "Tuning improves the networks",
        f"{sure} of {len(PAIRS)} {_verb(sure, 'gain', 'gains')} without leaks and copies",
        f"{'; '.join(said)} (cells, 95 % intervals over seeds).",
    )


def sgd(found: Reproduction) -> Verdict:
    """Whether SGD is the better optimizer of the DNN."""
    adam, momentum = TABLE_2[0], TABLE_2[2]
    published, clean = (_gain(found, adam, momentum, side) for side in ("published", "clean"))
    return Verdict(
        '"The SGD optimizer is a better optimizer for this problem"',
        _on_both(published, clean),
        f"At the defaults of the DNN, SGD gains {signed(*published[:3])} cells as published and "
        f"{signed(*clean[:3])} without leaks and copies.",
    )


def dead_outputs(found: Reproduction) -> Verdict:
    """What "the range is much higher for the CNN" comes from."""
    facts = found.evidence.starts
    dead = facts.one_dead + facts.both_dead
    cnn = [row.model for row in TABLE_2 if row.network == "cnn"]
    runs = [run for model in cnn for run in found.runs(model, "published") if run.drawn]
    lost = spread([run.error_cells for run in runs if run.dead_at_start])
    live = spread([run.error_cells for run in runs if not run.dead_at_start])
    return Verdict(
        '"Hyperparameter search is more relevant with the use of CNN", by its wider range',
        "the range is that of dead outputs" if lost.median > live.high else FALLS,
        f"{dead} of {facts.tried} initialisations of the CNN ({percent(dead / facts.tried)}) have "
        f"an output that is 0 for every training row before the first step, {facts.both_dead} of "
        "them both: a ReLU output on an image that is almost constant gets no gradient. Runs that "
        f"start dead end at {in_cells(lost)} cells, live ones at {in_cells(live)}.",
    )


def curves(found: Reproduction) -> Verdict:
    """Whether the curves of Figure 6 lie as the paper says."""
    held = {
        side: [
            share_above(found.runs(better, side), found.runs(worse, side))
            for better, worse, _ in FIGURE_6_CLAIMS
        ]
        for side in SIDES
    }
    counts = {side: sum(share > 0.5 for share in shares) for side, shares in held.items()}
    orders = {
        side: " > ".join(figure6.TITLES[model] for model in figure6.order(found, side))
        for side in SIDES
    }
    total = len(FIGURE_6_CLAIMS)
    return Verdict(
        "The order of the curves in Figure 6",
        f"{counts['published']} of {total} relations as published, {counts['clean']} of {total} "
        "without leaks and copies",
        f"Ours: {orders['published']} as published, {orders['clean']} without leaks and copies. "
        "The section below says how often each relation holds between two seeds.",
    )


def augmentation(found: Reproduction) -> Verdict:
    """Whether augmentation gains what Figure 9 shows."""
    paper = FIGURE_9_FT["none"] - FIGURE_9_FT["hybrid"]
    gains = {side: figure9.bar_gain(found, "hybrid", side) for side in ("code", "text", "clean")}
    hybrid = [facts for facts in found.evidence.augmented if facts.model == "hybrid"]
    cloned = next(facts for facts in hybrid if facts.side == "code")
    return Verdict(
        f"Augmentation gains {paper:.1f} ft ({paper / FIGURE_9_FT['none']:.0%})",
        STANDS if gains["clean"].sure else f"{FALLS} without leaks",
        f"The hybrid gains {_feet(gains['code'])} ft by the reading of the code, "
        f"{_feet(gains['text'])} by that of the text, and {_feet(gains['clean'])} where the clean "
        "training rows alone are augmented. It is made from the whole file before the split: "
        f"{cloned.made_from_test} of its {cloned.added} rows are made from test rows, of which "
        f"{cloned.test_rows_in_training} so stand in training. And each bar tests on other rows: "
        f"the last 284 to {max(facts.test for facts in hybrid)}.",
    )


def turned(found: Reproduction) -> Verdict:
    """Labels against beacons."""
    facts = found.evidence.frame
    return Verdict(
        "Labels turned by 180 degrees against the beacons",
        FLAW,
        "The code counts columns from the right and rows from the top, and leaves the beacons as "
        f"they are. So a beacon is heard {number(facts.paper_cells, 1)} cells from its pixel, and "
        f"RSSI falls with distance for {facts.paper_falling} of {facts.beacons} beacons; in one "
        f"frame for both it is {number(facts.ours_cells, 1)} cells, and RSSI falls for "
        f"{facts.ours_falling}. Errors between labels are the same in both, so the DNN's figures "
        "do not change; the CNN's image shows each scan at the other end of the floor.",
    )


def brightest(found: Reproduction) -> Verdict:
    """Silence against readings in the image."""
    facts = found.evidence.pixels
    return Verdict(
        '"Not heard" as the brightest pixel',
        FLAW,
        f"RSSI / -200 makes silence {number(facts.silent)}, the loudest reading "
        f"{number(facts.loudest)} and the quietest {number(facts.quietest)}: louder is darker, "
        f"and {percent(facts.silent_share)} of all beacon pixels are silence at full brightness. "
        f"{percent(facts.one_beacon_share)} of the genuine scans hear one beacon, so two images "
        "differ in few pixels.",
    )


def no_network(found: Reproduction) -> Verdict:
    """Whether the networks beat what is simple."""
    best = _best_simple(found, "clean")
    network = min(TABLE_2, key=lambda row: found.live(row.model, "clean").median)
    ours = found.live(network.model, "clean")
    return Verdict(
        "Networks locate better than simple methods",
        FALLS if best.error_cells < ours.median else STANDS,
        f"Without leaks and copies the best of the eight is {network.title}, "
        f"{in_cells(ours)} cells; {SIMPLE_METHODS[best.method].title} has "
        f"{number(best.error_cells)} on the same rows. The paper compares with none.",
    )


JUDGES: Final[tuple[Callable[[Reproduction], Verdict], ...]] = (
    figures,
    copies,
    no_network,
    tuned_on_test,
    tuning,
    sgd,
    dead_outputs,
    curves,
    augmentation,
    turned,
    brightest,
)

SIDES: Final[tuple[Side, ...]] = ("published", "clean")


def _verb(one: bool | int, singular: str, plural: str) -> str:
    return singular if one == 1 else plural


def _ft(cells: float) -> str:
    return f"{number(cells * CELL_FT, 1)} ft"


def _feet(found: Gain) -> str:
    return signed(*(value * CELL_FT for value in found[:3]), digits=1)


def _name(row: PaperRow) -> str:
    return row.title.rpartition(",")[0]


def _both(found: Reproduction, row: PaperRow) -> tuple[float, float]:
    return found.live(row.model, "published").median, found.live(row.model, "clean").median


def _gain(found: Reproduction, worse: PaperRow, better: PaperRow, side: Side) -> Gain:
    return gain(found.runs(worse.model, side), found.runs(better.model, side))


def _best_simple(
    found: Reproduction, side: Side, among: Collection[str] = tuple(SIMPLE_METHODS)
) -> SimpleRun:
    runs = [run for run in found.simple if run.side == side and run.method in among]
    return min(runs, key=lambda run: run.error_cells)


def _on_both(published: Gain, clean: Gain) -> str:
    if published.sure:
        return STANDS if clean.sure else "stands as published alone"
    return "stands without leaks and copies alone" if clean.sure else FALLS
