import importlib

import numpy as np
import pytest

from tests.training.reproduction.real import uci_rows
from training.reproduction.figure9_rows import augment_sides


def test_each_bar_has_the_rows_of_its_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    # By its full name: the package has the function under the module's.
    module = importlib.import_module("training.augmentation.autoencoder")
    monkeypatch.setattr(module, "EPOCHS", 1)
    rows = uci_rows()
    labelled = rows.labelled
    joined, sides = augment_sides(labelled, rows.unlabelled, rows.site)
    found = {(side.rows.side, side.model): side for side in sides}
    assert len(found) == 9
    for (reading, model), side in found.items():
        added = side.rows.train[side.rows.train >= len(labelled)]
        assert len(added) == side.added
        assert joined.synthetic[added].all()
        last = side.rows.test[-284:]
        assert np.array_equal(last, np.arange(1136, 1420))
        if reading == "code":
            assert len(side.rows.test) == int(np.ceil((1420 + side.added) / 5))
        if reading == "clean":
            assert (side.made_from_test, side.test_rows_in_training) == (0, 0)
        else:
            assert side.made_from_test > 0, (reading, model)
    # The paper: 188 naive rows; the data set's traps: 37 test rows that they are made from.
    assert found["code", "naive"].added == 188
    assert found["code", "naive"].test_rows_in_training == 37
