"""The tables of a survey file: schema 1, and the step from there to schema 2."""

from __future__ import annotations

from typing import Final

SURVEY_SCHEMA: Final = 2
"""Version of the survey file (PRAGMA user_version); raised when an older reader would misread."""

APPLICATION_ID: Final = 0x4C4F4353
"""`LOCS`, in bytes 68 to 71 of the file: tells a survey from every other SQLite file."""

# Columns of floats have no declared type on purpose: SQLite would store 3.0 in a REAL column as an
# integer and lose the sign of -0.0. The checks hold the type instead. An RSSI is below 0, so that
# REAL loses nothing there and a whole number of dBm takes 1 byte instead of 8; text sorts above
# every number, so that its check refuses text too. STRICT would keep SQLite before 3.37 from
# opening the file at all.
SCHEMA_1: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE site (one INTEGER PRIMARY KEY CHECK (one = 1), toml TEXT NOT NULL)",
    """CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('development', 'sealed')),
    device TEXT NOT NULL,
    note TEXT NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE fingerprints (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES sessions (id),
    visit TEXT NOT NULL,
    device TEXT NOT NULL,
    time_utc_us INTEGER NOT NULL CHECK (typeof(time_utc_us) = 'integer'),
    local_date TEXT NOT NULL,
    start_ns INTEGER NOT NULL CHECK (typeof(start_ns) = 'integer'),
    duration_s NOT NULL CHECK (typeof(duration_s) = 'real'),
    x_m CHECK (typeof(x_m) IN ('real', 'null')),
    y_m CHECK (typeof(y_m) = typeof(x_m)),
    floor TEXT CHECK ((floor IS NULL) = (x_m IS NULL)),
    position_sd_m CHECK (typeof(position_sd_m) IN ('real', 'null')),
    heading_deg CHECK (typeof(heading_deg) IN ('real', 'null')),
    synthetic TEXT
)""",
    "CREATE INDEX fingerprints_in_time ON fingerprints (time_utc_us, id)",
    "CREATE TABLE beacons (id INTEGER PRIMARY KEY, canonical TEXT NOT NULL UNIQUE)",
    """CREATE TABLE readings (
    fingerprint INTEGER NOT NULL REFERENCES fingerprints (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    beacon INTEGER NOT NULL REFERENCES beacons (id),
    rssi_dbm REAL NOT NULL CHECK (rssi_dbm < 0),
    PRIMARY KEY (fingerprint, number)
) WITHOUT ROWID""",
)

# A new file is made by the same steps as an old one is migrated by: there is one schema 2, not two
# that must be kept alike. `adverts` has no rowid: its rows lie recording by recording in the order
# in which they were heard, and need no index. `heard` repeats what `adverts` says, because the
# coverage of ten million of them must be there in seconds.
SCHEMA_2: Final = (
    "ALTER TABLE sessions ADD COLUMN person TEXT",
    "ALTER TABLE sessions ADD COLUMN started_utc_us INTEGER",
    "ALTER TABLE sessions ADD COLUMN utc_offset_s INTEGER",
    "ALTER TABLE sessions ADD COLUMN state TEXT NOT NULL DEFAULT 'closed' "
    "CHECK (state IN ('open', 'closed'))",
    "ALTER TABLE sessions ADD COLUMN expires_utc_us INTEGER",
    """CREATE TABLE points (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    x_m NOT NULL CHECK (typeof(x_m) = 'real'),
    y_m NOT NULL CHECK (typeof(y_m) = 'real'),
    floor TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('grid', 'free', 'imported'))
)""",
    """CREATE TABLE recordings (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL REFERENCES sessions (id),
    kind TEXT NOT NULL CHECK (kind IN ('point', 'walk', 'unlabelled')),
    point TEXT REFERENCES points (id) CHECK ((point IS NOT NULL) = (kind = 'point')),
    heading_deg CHECK (typeof(heading_deg) IN ('real', 'null')),
    started_ns INTEGER NOT NULL CHECK (typeof(started_ns) = 'integer'),
    started_utc_us INTEGER NOT NULL CHECK (typeof(started_utc_us) = 'integer'),
    ended_ns INTEGER CHECK (ended_ns >= started_ns),
    status TEXT NOT NULL CHECK (status IN ('open', 'complete', 'incomplete', 'discarded')),
    resumes TEXT,
    window_s CHECK (typeof(window_s) IN ('real', 'null'))
)""",
    "CREATE INDEX recordings_of_session ON recordings (session)",
    "CREATE INDEX recordings_of_point ON recordings (point) WHERE point IS NOT NULL",
    "ALTER TABLE fingerprints ADD COLUMN recording INTEGER REFERENCES recordings (number)",
    "CREATE INDEX fingerprints_of_recording ON fingerprints (recording) "
    "WHERE recording IS NOT NULL",
    """CREATE TABLE waypoints (
    recording INTEGER NOT NULL REFERENCES recordings (number),
    number INTEGER NOT NULL,
    time_ns INTEGER NOT NULL CHECK (typeof(time_ns) = 'integer'),
    x_m NOT NULL CHECK (typeof(x_m) = 'real'),
    y_m NOT NULL CHECK (typeof(y_m) = 'real'),
    floor TEXT NOT NULL,
    PRIMARY KEY (recording, number)
) WITHOUT ROWID""",
    "CREATE TABLE receivers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE adverts (
    recording INTEGER NOT NULL REFERENCES recordings (number),
    number INTEGER NOT NULL,
    time_ns INTEGER NOT NULL CHECK (typeof(time_ns) = 'integer'),
    beacon INTEGER NOT NULL REFERENCES beacons (id),
    rssi_dbm REAL NOT NULL CHECK (rssi_dbm < 0),
    measured_power_dbm REAL CHECK (typeof(measured_power_dbm) IN ('real', 'null')),
    receiver INTEGER REFERENCES receivers (id),
    PRIMARY KEY (recording, number)
) WITHOUT ROWID""",
    """CREATE TABLE heard (
    recording INTEGER NOT NULL REFERENCES recordings (number),
    beacon INTEGER NOT NULL REFERENCES beacons (id),
    count INTEGER NOT NULL,
    sum_dbm NOT NULL,
    sum_squares NOT NULL,
    min_dbm REAL NOT NULL,
    max_dbm REAL NOT NULL,
    PRIMARY KEY (recording, beacon)
) WITHOUT ROWID""",
    """CREATE TABLE plans (
    floor TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    width_px INTEGER,
    height_px INTEGER,
    data BLOB NOT NULL,
    transform TEXT,
    distances TEXT NOT NULL
)""",
    """CREATE TABLE beacon_changes (
    number INTEGER PRIMARY KEY,
    beacon TEXT NOT NULL,
    replacement TEXT CHECK (replacement <> beacon),
    since_utc_us INTEGER NOT NULL CHECK (typeof(since_utc_us) = 'integer'),
    note TEXT NOT NULL
)""",
    """CREATE TABLE site_edits (
    number INTEGER PRIMARY KEY,
    time_utc_us INTEGER NOT NULL,
    what TEXT NOT NULL,
    toml_before TEXT NOT NULL,
    beacon_change INTEGER REFERENCES beacon_changes (number)
)""",
)

TABLES: Final = ";\n".join((*SCHEMA_1, *SCHEMA_2)) + ";"

_NEW_TABLES: Final = tuple(
    statement for statement in SCHEMA_2 if statement.startswith("CREATE TABLE")
)
_NEW_NAMES: Final = tuple(statement.split()[2] for statement in _NEW_TABLES)

# A file that is only read stays as it is: what schema 2 has and it has not is seen as empty. SQLite
# looks for a name among the temporary tables first.
SHOW_AS_SCHEMA_2: Final = (
    *(s.replace("CREATE TABLE", "CREATE TEMP TABLE") for s in _NEW_TABLES),
    "CREATE TEMP VIEW sessions AS SELECT id, role, device, note, NULL AS person, "
    "NULL AS started_utc_us, NULL AS utc_offset_s, 'closed' AS state, NULL AS expires_utc_us "
    "FROM main.sessions",
    "CREATE TEMP VIEW fingerprints AS SELECT *, NULL AS recording FROM main.fingerprints",
)
HIDE_SCHEMA_2: Final = (
    "DROP VIEW temp.fingerprints",
    "DROP VIEW temp.sessions",
    *(f"DROP TABLE temp.{name}" for name in reversed(_NEW_NAMES)),
)
