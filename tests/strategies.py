"""Hypothesis strategies for the domain types, as wide as the survey file promises to keep."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.scans import WEAKEST_DBM, Fingerprint, Scan
from localizer.site import Position

SESSIONS = ("first", "zweite Sitzung", "第三")

_NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=8).map(
    lambda name: f"a{name}"
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
full_texts = texts.filter(bool)
finite = st.floats(allow_nan=False, allow_infinity=False)
not_negative = st.floats(0, allow_nan=False, allow_infinity=False)
rssi_dbm = st.floats(WEAKEST_DBM, 0, exclude_max=True)

beacon_ids = st.one_of(
    st.builds("name:{}:{}".format, _NAMES, _NAMES),
    st.builds("receiver:{}".format, _NAMES),
    st.builds("ibeacon:{}:{}:{}".format, st.uuids(), st.integers(0, 65535), st.integers(0, 65535)),
).map(BeaconId)

scans = st.builds(
    Scan,
    start_ns=st.integers(-(2**63), 2**63 - 1),
    duration_s=not_negative,
    readings=st.dictionaries(
        beacon_ids, st.lists(rssi_dbm, min_size=1, max_size=4).map(tuple), max_size=4
    ),
)

positions = st.builds(Position, x_m=finite, y_m=finite, floor=texts)

fingerprints = st.builds(
    Fingerprint,
    scan=scans,
    session=st.sampled_from(SESSIONS),
    visit=full_texts,
    device=texts,
    time_utc=st.datetimes(timezones=st.just(UTC)),
    local_date=st.dates(),
    position=st.none() | positions,
    position_sd_m=st.none() | not_negative,
    heading_deg=st.none() | finite,
    synthetic=st.none() | full_texts,
)


def fingerprint(
    second: int = 0,
    *,
    session: str = SESSIONS[0],
    readings: dict[str, tuple[float, ...]] | None = None,
    position: Position | None = Position(1.0, 2.0, "1"),  # noqa: B008
    visit: str = "visit",
) -> Fingerprint:
    """One plain fingerprint, `second` seconds after noon of a spring day."""
    heard = {"name:uci:b3001": (-70.0,)} if readings is None else readings
    return Fingerprint(
        Scan(second * 10**9, 1.0, {BeaconId(beacon): rssi for beacon, rssi in heard.items()}),
        session,
        visit,
        "phone",
        datetime(2016, 4, 19, 12, 0, second, tzinfo=UTC),
        date(2016, 4, 19),
        position,
    )
