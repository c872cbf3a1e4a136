import pytest

from training.reproduction.paper import FIGURE_9_FT, PAIRS, TABLE_2, PaperRow


@pytest.mark.parametrize("row", TABLE_2, ids=lambda row: row.model)
def test_a_row_is_trained_as_the_paper_says(row: PaperRow) -> None:
    config = row.config(epochs=100)
    assert (config.network, config.optimizer) == (row.network, row.optimizer)
    assert config.learning_rate == row.learning_rate
    assert row.momentum == (config.beta1 if row.optimizer == "adam" else config.momentum)
    assert config.batch_size == (100 if row.network == "dnn" else 20)
    assert (config.loss, config.output, config.target) == ("row_rmse", "relu", "paper")
    assert (config.convention, config.dead_output_tries) == ("paper", 1)
    assert config.augment == ()


def test_pairs_are_default_and_tuned_of_one_network() -> None:
    assert len(PAIRS) == 4
    for default, tuned in PAIRS:
        assert (default.setting, tuned.setting) == ("default", "tuned")
        assert (default.network, default.optimizer) == (tuned.network, tuned.optimizer)
        assert tuned.loss_cells < default.loss_cells


def test_figure_9_starts_where_table_2_does() -> None:
    assert FIGURE_9_FT["none"] == pytest.approx(10 * TABLE_2[0].loss_cells)
