"""docs/reproduction.md: every figure of ours comes from the records."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from training.reproduction import figure6, figure9, table2, verdicts
from training.reproduction.jobs import BEST_OF_SEEDS, cnn_seeds
from training.reproduction.paper import CODE, EPOCHS, PAPER, TABLE_1_BATCH
from training.reproduction.plots import FIGURE_6_PNG, TABLE_2_PNG, plot_figure_6, plot_table_2
from training.reproduction.records import Reproduction
from training.reproduction.wording import number, paragraph, text_table

FIGURES: Final = "figures"
"""Folder beside the page."""


def write_page(found: Reproduction, path: Path) -> None:
    """Write the page, and its pictures into a folder beside it."""
    folder = path.parent / FIGURES
    plot_table_2(found, folder / TABLE_2_PNG)
    plot_figure_6(found, folder / FIGURE_6_PNG)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(found), encoding="utf-8")


def page(found: Reproduction) -> str:
    """Return the page."""
    return "\n".join(
        [
            *_head(found),
            *verdicts.lines(found),
            *_protocol(found),
            *table2.lines(found),
            f"![Every seed beside the paper's figures]({FIGURES}/{TABLE_2_PNG})",
            "",
            *figure6.lines(found),
            f"![Share of test rows within an error]({FIGURES}/{FIGURE_6_PNG})",
            "",
            *figure9.lines(found),
            *_made(found),
        ]
    )


def _head(found: Reproduction) -> list[str]:
    facts = found.facts
    trial = [
        f"> **A trial run, not a result:** {facts.epochs} epochs instead of the paper's {EPOCHS}.",
        "",
    ]
    return [
        f"# {PAPER}, measured again",
        "",
        *paragraph(
            "Written by `python -m training reproduce`; do not edit. Every figure called ours was",
            f"measured in that run: {len(found.networks)} networks and {len(found.simple)} fits of",
            "simple methods, on the UCI BLE RSSI survey.",
        ),
        *(trial if facts.epochs != EPOCHS else []),
    ]


def _protocol(found: Reproduction) -> list[str]:
    copies = found.evidence.copies
    rows = [
        ["test rows", "284 of 1,420, not said which", "the last 20 % of the file", "the last 284"],
        ["scored on", "not said", "the same rows, each epoch and after the last", "after the last"],
        ["chosen on", "not said", "the same rows (`l2_loss`)", "nothing is chosen"],
        ["epochs", f"{EPOCHS}", f"{EPOCHS}", f"{found.facts.epochs}"],
        ["batch", f"{TABLE_1_BATCH}", "100 (DNN), 20 (CNN)", "as the code; 100 as a control"],
        ["loss", "RMSE", "root of a row's mean squared coordinate error", "as the code"],
        ["learning rate of DNN + Adam, default", "0.001", "0.01", "0.001, as Table II"],
        ["trials of a search", "at most 15, goal 1.2", "12, goal 1.3 (CNN)", "none"],
        ["input of the DNN", "RSSI", "raw dBm, -200 for silence", "as the code"],
        ["pixel of the CNN", "RSSI / -200", "RSSI / -200", "as the code"],
        ["output", "ReLU", "ReLU, first initialisation", "as the code, and live ones apart"],
        ["seeds", "not said", "NumPy's alone is set", "all set, counted below"],
    ]
    return [
        "## What was run",
        "",
        *paragraph(f"The code is {CODE}; nothing of it is copied."),
        *text_table(("", "the paper", "its code", "here"), rows),
        *paragraph(
            f"*As published*: the first {copies.train_published:,} of the {copies.labelled:,}",
            "labelled rows train. *Without leaks and copies*: the same",
            f"{copies.test} test rows, which are measurements, and the {copies.train_clean}",
            "training rows that are measurements too and of other days than the test rows: without",
            "the day of copies, and without the rest of the two test days (as published,",
            f"{copies.same_session} test rows are of a day that also trains; visits to one place",
            f"that the cut divides: {copies.shared_visits}). Those two days are sealed for",
            "everything else in this product; this is a benchmark reading of them, after which",
            "nothing is chosen.",
        ),
        *paragraph(
            f"DNNs: seeds 0 to {found.facts.seeds - 1}, and {BEST_OF_SEEDS} times as many at the",
            f"default of Adam. CNNs: seeds 0 to {cnn_seeds(found.facts.seeds) - 1} as they come,",
            "dead or not, and as many that start alive, for which later seeds are added. With both",
            "outputs dead there is no gradient, so such a run is left as it starts. Where the code",
            "feeds -198 and -199 dBm (15 readings), they count as not heard here.",
        ),
    ]


def _made(found: Reproduction) -> list[str]:
    facts = found.facts
    minutes = f"{number(facts.wall_s / 60, 1)} minutes"
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    changed = " with local changes" if facts.git_dirty else ""
    return [
        "## How this was made",
        "",
        *paragraph(
            f"`python -m training reproduce --seeds {facts.seeds} --workers {facts.workers}` took",
            f"{minutes} with {facts.workers} processes of one thread on a machine of {facts.cores}",
            f"cores, on which {number(facts.load_before, 1)} other processes wanted a core in the",
            f"minute before. It used {number(facts.cpu_s / 60, 1)} minutes of processor time;",
            "others on the same cores make both longer.",
        ),
        *paragraph(
            f"Code {facts.git_commit[:12]}{changed}; development rows {facts.data_sha256[:12]};",
            f"{versions}.",
        ),
    ]
