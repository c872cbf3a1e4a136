"""What arXiv:2006.08925 prints, and how each of its runs was made.

Every number here is the paper's or that of its public code, github.com/CiscoAI/
deep-learning-wireless-localization at commit c55339f; none is ours.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal, NamedTuple

from training.config import NetworkConfig, load_network

PAPER: Final = "arXiv:2006.08925"
CODE: Final = "github.com/CiscoAI/deep-learning-wireless-localization, commit c55339f"

EPOCHS: Final = 100
"""Table I."""
CELL_FT: Final = 10.0
"""Table II: "2.2 means 2.2 x 10ft"."""
TRIALS: Final = 15
"""Section IV: at most so many trials a search; its tuned figures are the best of these."""
TEST_SHARE: Final = 0.2
"""Table I, and `test_size=.2, shuffle=False` of the code: the last fifth of whatever it read."""
TABLE_1_BATCH: Final = 100
"""Table I, for both networks; the code of the CNN has 20."""

Setting = Literal["default", "tuned"]


class PaperRow(NamedTuple):
    """One of the eight losses of Table II."""

    network: Literal["dnn", "cnn"]
    optimizer: Literal["adam", "sgd"]
    setting: Setting
    learning_rate: float
    momentum: float
    """beta1 of Adam, momentum of SGD."""
    loss_cells: float
    """As printed, grid cells."""

    @property
    def model(self) -> str:
        """What files and progress bars call it."""
        return f"{self.network}-{self.optimizer}-{self.setting}"

    @property
    def title(self) -> str:
        """What the page calls it."""
        return f"{self.network.upper()} + {OPTIMIZERS[self.optimizer]}, {self.setting}"

    def config(self, *, epochs: int) -> NetworkConfig:
        """Return the configuration of the run: one initialisation, dead or not, as published."""
        config = dataclasses.replace(
            load_network(f"paper-{self.network}"),
            name=self.model,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            epochs=epochs,
            dead_output_tries=1,
        )
        if self.optimizer == "adam":
            return dataclasses.replace(config, beta1=self.momentum)
        return dataclasses.replace(config, momentum=self.momentum)


OPTIMIZERS: Final = {"adam": "Adam", "sgd": "SGD"}

TABLE_2: Final = (
    PaperRow("dnn", "adam", "default", 0.001, 0.9, 2.32),
    PaperRow("dnn", "adam", "tuned", 0.00197, 0.89177, 2.2),
    PaperRow("dnn", "sgd", "default", 0.01, 0.9, 2.10),
    PaperRow("dnn", "sgd", "tuned", 0.015, 0.905, 1.97),
    PaperRow("cnn", "adam", "default", 0.001, 0.9, 2.4),
    PaperRow("cnn", "adam", "tuned", 0.00177, 0.885, 2.11),
    PaperRow("cnn", "sgd", "default", 0.01, 0.9, 2.36),
    PaperRow("cnn", "sgd", "tuned", 0.01375, 0.885, 2.10),
)
"""Table II: mean Euclidean error over the test rows at the last epoch, which the code prints as
`l2_loss` and the search minimises; not the training loss, which is another mean."""

PAIRS: Final = tuple(zip(TABLE_2[::2], TABLE_2[1::2], strict=True))
"""Default and tuned."""

BASE: Final = TABLE_2[0]
"""The network of Figure 9: "a DNN model with Adam optimizer and default hyperparameters"."""

FIGURE_6: Final = tuple(row for row in TABLE_2 if row.optimizer == "adam")
"""The four models of Figure 6, "all with Adam optimizer"."""

FIGURE_6_STEPS: Final = (1, 2, 3, 4, 5)
"""Cells; the code prints the shares of test rows within them. The paper prints no values."""

FIGURE_6_CLAIMS: Final = (
    ("dnn-adam-tuned", "dnn-adam-default", "the base DNN model performs the worst"),
    ("cnn-adam-default", "dnn-adam-default", "the base DNN model performs the worst"),
    ("cnn-adam-tuned", "dnn-adam-default", "the base DNN model performs the worst"),
    (
        "cnn-adam-tuned",
        "cnn-adam-default",
        "the CNN with HP-tuning does show a noticeable improvement",
    ),
    (
        "cnn-adam-tuned",
        "dnn-adam-tuned",
        "the CNN with HP-tuning does show a noticeable improvement",
    ),
)
"""Section V.E in pairs, the better model first; it calls the other two "very close"."""

FIGURE_9_FT: Final = {"none": 23.2, "naive": 21.9, "autoencoder": 20.7, "hybrid": 19.7}
"""Figure 9 and section VI: mean error by augmentation, feet."""

AUGMENTED_ROWS: Final = {"none": 0, "naive": 188, "autoencoder": 158, "hybrid": 346}
"""Section VI: rows added to the labelled ones."""
