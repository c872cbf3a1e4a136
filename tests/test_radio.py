from __future__ import annotations

import math

import pytest

from localizer.errors import ConfigError
from localizer.radio import RadioParameters


def test_the_defaults_are_valid() -> None:
    assert RadioParameters().rssi_at_1m_dbm < 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exponent", -1.0),
        ("wall_loss_db", -0.1),
        ("shadowing_sd_db", -1.0),
        ("shadowing_distance_m", 0.0),
        ("packet_loss", 1.0),
        ("packet_loss", -0.1),
        ("interval_ms", 0.0),
        ("jitter_ms", -1.0),
        ("body_loss_db", -1.0),
        ("height_m", -1.0),
        ("rssi_at_1m_dbm", 0.0),
        ("sensitivity_dbm", math.nan),
        ("sensitivity_dbm", -150.5),
        ("exponent", math.inf),
        ("rician_k_db", math.nan),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .*but got {value!r}"):
        RadioParameters(**{name: value})


@pytest.mark.parametrize("k_db", [math.inf, -math.inf])
def test_both_ends_of_rice_are_allowed(k_db: float) -> None:
    assert RadioParameters(rician_k_db=k_db).rician_k_db == k_db
