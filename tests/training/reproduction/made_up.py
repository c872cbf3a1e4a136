"""A reproduction with figures that nobody measured: what the page makes of any."""

from __future__ import annotations

from training.reproduction.evidence import (
    AugmentedFacts,
    CopyFacts,
    Evidence,
    FrameFacts,
    PixelFacts,
    StartFacts,
)
from training.reproduction.figure9_rows import AUGMENTED
from training.reproduction.jobs import BATCH_CONTROL, STEPS_CONTROL
from training.reproduction.paper import TABLE_2
from training.reproduction.protocol import Side
from training.reproduction.records import NetworkRun, Reproduction, RunFacts, SimpleRun

SEEDS = range(4)


def network_run(
    model: str,
    side: Side,
    seed: int,
    error_cells: float,
    *,
    dead: bool = False,
    drawn: bool = True,
) -> NetworkRun:
    return NetworkRun(
        model=model,
        side=side,
        seed=seed,
        drawn=drawn,
        dead_at_start=dead,
        dead_at_end=dead,
        error_cells=error_cells,
        last_rows_cells=error_cells,
        copied_cells=error_cells,
        own_cells=error_cells,
        within=tuple(min(1.0, step / (2 * error_cells)) for step in range(1, 6)),
    )


def networks() -> list[NetworkRun]:
    """The paper's figures as published, one cell more without leaks; seeds 0.01 cells apart."""
    found = []
    for row in TABLE_2:
        for seed in SEEDS:
            error = row.loss_cells + 0.01 * seed - 0.015
            found.append(network_run(row.model, "published", seed, error))
            found.append(network_run(row.model, "clean", seed, error + 1))
    for bar in AUGMENTED:
        for side in ("code", "text", "clean"):
            found += [network_run(bar, side, seed, 2.0 + 0.01 * seed) for seed in SEEDS]
    found += [network_run(BATCH_CONTROL, "published", seed, 2.4) for seed in SEEDS]
    found += [network_run(STEPS_CONTROL, "clean", seed, 3.4) for seed in SEEDS]
    return found


def reproduction() -> Reproduction:
    steps = (0.1, 0.2, 0.3, 0.4, 0.5)
    return Reproduction(
        facts=RunFacts(
            seeds=4,
            epochs=100,
            workers=2,
            cores=2,
            load_before=0.25,
            wall_s=600.0,
            cpu_s=900.0,
            data_sha256="d" * 64,
            git_commit="c" * 40,
            git_dirty=False,
            versions={"python": "3.11"},
        ),
        networks=tuple(networks()),
        simple=(
            SimpleRun("knn", "published", 1.91, steps),
            SimpleRun("knn", "clean", 2.87, steps),
            SimpleRun("weighted-centroid", "published", 2.79, steps),
            SimpleRun("weighted-centroid", "clean", 2.79, steps),
        ),
        evidence=evidence(),
    )


def evidence() -> Evidence:
    copied = {
        "session": "2016-10-18",
        "rows": 600,
        "matched": 599,
        "like": [],
        "others_rows": 431,
        "others_matched": 61,
    }
    return Evidence(
        copies=CopyFacts(1420, 820, (copied,), 1136, 486, 284, 231, 214, 13, 254, 1, 195),
        frame=FrameFacts(1176, 2.5, 11.4, 13, 4, 13),
        pixels=PixelFacts(1.0, 0.275, 0.44, 0.89, 0.64),
        starts=StartFacts(40, 12, 5),
        augmented=tuple(
            AugmentedFacts(bar, side, 1286, 322, 188, 65, 37)
            for side in ("code", "text", "clean")
            for bar in AUGMENTED
        ),
    )
