import numpy as np
import pytest

from training.pool.distribution import Spread, log_probability

XS, YS = np.meshgrid(np.arange(20) + 0.5, np.arange(12) + 0.5)
CELLS = np.stack([XS.ravel(), YS.ravel()], axis=1).astype(np.float32)


def two_hills() -> Spread:
    """Two hills for every scan, and no weight on what it hears."""
    hills = [np.exp(-0.5 * ((CELLS - at) ** 2).sum(axis=1)) for at in ([5.0, 6.0], [14.0, 6.0])]
    return Spread(
        np.zeros((3, len(CELLS)), np.float32),
        np.log(sum(hills) + 1e-6).astype(np.float32),
        CELLS,
        1.0,
    )


def said(position: list[float]) -> np.ndarray:
    spread, inputs = two_hills(), np.zeros((1, 3), np.float32)
    found = np.asarray(log_probability(spread, inputs, np.array([position], np.float32)))
    return np.asarray(np.exp(found[0]))


@pytest.mark.parametrize("position", [[9.5, 6.0], [7.0, 6.0], [13.0, 6.5], [5.0, 5.0]])
def test_its_mean_is_the_position(position: list[float]) -> None:
    share = said(position)
    assert share.sum() == pytest.approx(1.0, abs=1e-4)
    assert share @ CELLS == pytest.approx(position, abs=0.1)


@pytest.mark.parametrize("position", [[5.0, 1.2], [6.0, 2.5], [6.5, 1.5], [8.0, 2.5]])
def test_on_a_narrow_corridor_no_mass_tips_to_the_other_end(position: list[float]) -> None:
    hill = np.exp(-0.5 * ((CELLS - [4.5, 1.5]) ** 2).sum(axis=1) / 0.6**2)
    corridor = np.exp(-8.0 - 0.5 * ((CELLS[:, 1] - 1.5) / 0.6) ** 2)
    spread = two_hills()._replace(bias=np.log(hill + corridor + 1e-9).astype(np.float32))
    found = log_probability(spread, np.zeros((1, 3), np.float32), np.array([position], np.float32))
    mean = np.exp(np.asarray(found)[0]) @ CELLS
    assert np.hypot(*(mean - position)) < 0.3


def test_it_keeps_its_hills() -> None:
    share = said([8.0, 6.0]).reshape(XS.shape)
    near, far = share[:, :10].sum(), share[:, 10:].sum()
    assert near > far > 0.1
    assert share[6, 9] < share[6, 5]


@pytest.mark.parametrize("position", [[-30.0, 6.0], [200.0, 200.0]])
def test_a_position_beyond_the_floor_leaves_numbers(position: list[float]) -> None:
    share = said(position)
    assert np.isfinite(share).all()
    assert share.min() > 0
    assert share.sum() == pytest.approx(1.0, abs=1e-4)
