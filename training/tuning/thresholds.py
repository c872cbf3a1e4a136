"""Where a measure of a trial becomes a finding: every bound of the diagnosis, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple


class Threshold(NamedTuple):
    """Where a measure becomes a finding."""

    value: float
    source: Literal["paper", "code", "ours"]
    """`code`: DNN-Tuner's published Prolog, where its paper gives no figure."""
    reason: str


THRESHOLDS: Final[Mapping[str, Threshold]] = {
    "gap in SE": Threshold(
        2.0, "ours", "a gap of two standard errors over folds is noise in 1 of 20 trials"
    ),
    "gap share": Threshold(
        1 / 3,
        "ours",
        "the code's 0.2 is of an accuracy; of an error in metres every network on held-out places "
        "has that much: a third means an error one and a half times that on the training rows",
    ),
    "train over simple": Threshold(
        1.0,
        "ours",
        "the paper asks for a figure a problem: a network that does worse on the rows it learnt "
        "than the best simple method on rows it never saw has not learnt them",
    ),
    "wobble": Threshold(
        0.08,
        "ours",
        "the code counts steps up and down, which every curve under 150 epochs passes; sound "
        "networks on the UCI survey have 0.02 to 0.05, SGD at 50 times its rate 0.27",
    ),
    "rise": Threshold(
        0.1,
        "ours",
        "the code's `more than half of the steps up` is true of a flat noisy curve in every "
        "second try; Adam at 100 times its rate rises by 0.58 on the UCI survey",
    ),
    "noise": Threshold(
        3.0, "ours", "a change of level of three standard errors is noise in 1 of 370 curves"
    ),
    "small gradient": Threshold(1e-8, "code", "below it, steps vanish in 32-bit weights"),
    "large gradient": Threshold(
        100.0, "code", "targets are scaled to about 1, so one step would throw the weights away"
    ),
    "early": Threshold(
        0.05, "code", "share of the fall in the first fifth; a straight line has 0.2"
    ),
    "fall": Threshold(0.2, "code", "a loss that falls by less has hardly been trained"),
    "area": Threshold(
        0.3,
        "ours",
        "0.5 is a straight line, the code's bound is 0.375; Adam at 0.01 of its rate has 0.38 on "
        "the UCI survey, sound networks 0.08 to 0.18",
    ),
    "falling": Threshold(
        0.05, "ours", "by a twentieth of its level in the last fifth: more epochs, or larger steps"
    ),
}
"""Every bound of the diagnosis, by the measure that it bounds."""


def bound(measure: str) -> float:
    """Return the value of a bound."""
    return THRESHOLDS[measure].value
