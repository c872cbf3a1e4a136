import pytest
from hypothesis import given

from localizer.beacons import parse_beacon_id
from localizer.errors import SiteError
from tests.strategies import beacon_ids

UUID = "74278bda-b644-4520-8f0c-720eaf059935"


@given(beacon_ids)
def test_a_canonical_id_stays_as_it_is(beacon: str) -> None:
    assert parse_beacon_id(beacon) == beacon


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (f"iBeacon:{UUID.upper()}:1:7", f"ibeacon:{UUID}:1:7"),
        (f"ibeacon:{UUID}:00001:007", f"ibeacon:{UUID}:1:7"),
        (" name:uci:B3001 ", "name:uci:b3001"),
        ("receiver:hall-2", "receiver:hall-2"),
    ],
)
def test_one_beacon_has_one_id(text: str, canonical: str) -> None:
    assert parse_beacon_id(text) == canonical


@pytest.mark.parametrize(
    "text",
    ["", "b3001", "aa:bb:cc:dd:ee:ff", f"ibeacon:{UUID}:65536:0", f"ibeacon:{UUID}:1", "name:uci"],
)
def test_what_is_no_id_is_refused_with_what_came(text: str) -> None:
    with pytest.raises(SiteError) as error:
        parse_beacon_id(text)
    assert repr(text) in str(error.value)
