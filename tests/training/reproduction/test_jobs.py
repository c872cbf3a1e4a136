import numpy as np

from training.config import NetworkConfig
from training.reproduction.figure9_rows import AugmentedSide
from training.reproduction.jobs import (
    BATCH_CONTROL,
    BEST_OF_SEEDS,
    STEPS_CONTROL,
    Job,
    Plan,
    network_jobs,
    simple_jobs,
)
from training.reproduction.paper import TABLE_2
from training.reproduction.protocol import Rows

PUBLISHED = Rows("published", np.arange(40), np.arange(40, 50))
CLEAN = Rows("clean", np.arange(20), np.arange(40, 50))
NAIVE = AugmentedSide("naive", Rows("code", np.arange(50, 95), np.arange(38, 50)), 5, 2, 2)
PLAN = Plan(seeds=4, epochs=100, dead=(2, 0, 1, 0, 1, 0))


def jobs_of(model: str, side: str) -> list[Job]:
    jobs = network_jobs(PLAN, PUBLISHED, CLEAN, [NAIVE])
    return [job for job in jobs if job.model == model and job.side == side]


def test_every_row_of_table_2_is_trained_on_both_sides() -> None:
    for row in TABLE_2:
        assert jobs_of(row.model, "published")
        assert jobs_of(row.model, "clean")
    assert len(jobs_of("dnn-adam-default", "published")) == BEST_OF_SEEDS * PLAN.seeds
    assert len(jobs_of("dnn-sgd-tuned", "published")) == PLAN.seeds
    assert len(jobs_of("naive", "code")) == PLAN.seeds


def test_the_cnn_has_its_seeds_as_they_come_and_seeds_that_start_alive() -> None:
    jobs = jobs_of("cnn-adam-default", "published")
    assert {job.task.seed: job.drawn for job in jobs} == {0: True, 1: True, 3: False}
    assert {job.task.seed for job in jobs_of("cnn-adam-default", "clean")} == {1, 3}


def test_only_a_network_without_any_gradient_is_left_as_it_starts() -> None:
    epochs = {
        job.task.seed: job.task.config.epochs
        for job in jobs_of("cnn-sgd-tuned", "published")
        if job.task.config is not None
    }
    assert epochs == {0: 1, 1: 100, 3: 100}


def test_the_controls_have_table_1s_batch_and_as_many_steps() -> None:
    (wide, *_) = jobs_of(BATCH_CONTROL, "published")
    assert isinstance(wide.task.config, NetworkConfig)
    assert wide.task.config.batch_size == 100
    (long, *_) = jobs_of(STEPS_CONTROL, "clean")
    assert long.task.config is not None
    assert long.task.config.epochs == 200


def test_the_longest_come_first() -> None:
    jobs = network_jobs(PLAN, PUBLISHED, CLEAN, [NAIVE])
    networks = [job.task.config.network for job in jobs if job.task.config is not None]
    assert networks[0] == "cnn"
    assert networks[-1] in {"dnn", "cnn"}
    assert networks.index("dnn") > networks.index("cnn")


def test_simple_methods_choose_by_days_where_days_are_held_out() -> None:
    jobs = simple_jobs(PUBLISHED, CLEAN)
    assert {(job.side, job.task.split) for job in jobs} == {
        ("published", "published"),
        ("clean", "sessions"),
    }
