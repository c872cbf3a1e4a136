import numpy as np

from tests.training.reproduction.real import uci_rows
from training.reproduction.protocol import clean_rows, published_rows


def test_the_clean_side_tests_the_same_rows_and_trains_on_other_days_and_no_copies() -> None:
    table = uci_rows().labelled
    published, clean = published_rows(table), clean_rows(table)
    assert (len(published.train), len(published.test)) == (1136, 284)
    assert np.array_equal(clean.test, published.test)
    assert set(clean.train.tolist()) < set(published.train.tolist())
    assert not table.synthetic[clean.train].any()
    assert not table.synthetic[clean.test].any()
    assert not set(table.session[clean.train]) & set(table.session[clean.test])
    assert set(table.session[published.train]) & set(table.session[published.test])
    assert len(clean.train) == 486
