"""Where a study lies: a file, PostgreSQL, or a gRPC proxy in front of one; and its absence.

A storage that goes away for a while is waited for, with every call: a study on several machines
outlives a restart of its database. What a call did that was cut off in the middle is not known, so
whoever writes must be able to write twice (`training.tuning.budget` says how).
"""

from __future__ import annotations

import errno
import logging
import random
import time
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage
from optuna.storages._cached_storage import _CachedStorage

from localizer.errors import ConfigError, LocalizerError

POSTGRES: Final = "postgresql"
GRPC: Final = "grpc"

_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 5.0
"""Pauses between two tries double from the first to the longest, and are drawn between half of it
and all: a database that comes back would fall over 64 workers that all call in the same moment."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_POSTGRES_FULL: Final = "53100"
_GONE: Final = frozenset(
    {errno.ENOENT, errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT}
)
"""What a folder of the network says while its server is away."""
_GRPC_AWAY: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "UNKNOWN", "INTERNAL"})
"""UNKNOWN: the proxy answers, and the database behind it does not."""

_OPENING_S: Final = 60.0
"""How long a storage may be away when it is opened, seconds: the place may be a wrong one."""

_POOL: Final[dict[str, Any]] = {
    # A worker's loop and the thread that renews its leases: two connections, and one at rest.
    "pool_size": 1,
    "max_overflow": 1,
    "pool_pre_ping": True,
    "connect_args": {
        "connect_timeout": 10,
        # A machine that has vanished answers nothing at all: half a minute, not two hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": 30_000,
    },
}

_TABLES_LOCK: Final = int.from_bytes(b"localize", "big") >> 1
"""The key of PostgreSQL's advisory lock under which the tables are made, any 63 bits."""

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class StorageError(LocalizerError):
    """A storage that is full, or was away for longer than anybody wanted to wait."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a storage that does not answer is waited for, and who hears of it."""

    seconds: float = 600.0
    """Longer than a database takes to restart or to move to another machine."""
    tell: Callable[[str], None] = _log.warning
    """Called when a storage stops answering, and when it answers again."""
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    """Seconds."""

    def call(self, function: Callable[..., _Result], *arguments: Any, **named: Any) -> _Result:
        """Return what a function returns, called until the storage answers.

        Raises:
            StorageError: the disk is full, or nothing answered for `seconds`.
        """
        gone_since: float | None = None
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                result = function(*arguments, **named)
            except Exception as error:
                _refuse_full(error)
                if not is_away(error):
                    raise
                if gone_since is None:
                    gone_since = self.clock()
                    self.tell(f"the storage does not answer; waiting for it ({_words(error)})")
                self._give_up_after(gone_since, error)
                self.pause(wait_s * random.uniform(0.5, 1))
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            else:
                if gone_since is not None:
                    self.tell(f"the storage answers again, {self.clock() - gone_since:.0f} s later")
                return result

    def _give_up_after(self, gone_since: float, error: Exception) -> None:
        away_s = self.clock() - gone_since
        if away_s >= self.seconds:
            raise StorageError(
                f"the storage must answer within {self.seconds:.0f} s, but has not for "
                f"{away_s:.0f} s ({_words(error)}); nothing is lost: start it and run this again"
            ) from error


def open_storage(place: str | Path, *, patience: Patience | None = None) -> BaseStorage:
    """Open what studies lie in, and make it where there is nothing yet.

    Args:
        place: a file; `postgresql://user@host/database`; `grpc://host:port` of Optuna's proxy.
        patience: with a storage that does not answer.

    Raises:
        ConfigError: a place of another kind, or a package that it needs is not installed.
        StorageError: the disk is full, or nothing answered for as long as patience lasts.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    patience = patience or Patience()
    opening = replace(patience, seconds=min(patience.seconds, _OPENING_S))
    parts = urlsplit(str(place))
    if "://" not in str(place):
        opened = opening.call(_open_file, Path(place))
    elif parts.scheme == POSTGRES:
        opened = opening.call(_open_postgres, str(place))
    elif parts.scheme == GRPC and parts.hostname and parts.port:
        opened = _open_grpc(parts.hostname, parts.port)
    else:
        raise ConfigError(
            "--storage must be a file, postgresql://user@host/database or grpc://host:port, "
            f"but got {str(place)!r}"
        )
    storage = cast(BaseStorage, _SteadyStorage(opened, patience))
    weakref.finalize(storage, _closer(opened))
    return storage


def _closer(opened: BaseStorage) -> Callable[[], None]:
    """Return what closes a storage's connections: nobody else does, and they outlive it."""
    if isinstance(opened, _CachedStorage):
        return opened._backend.engine.dispose
    if isinstance(opened, optuna.storages.GrpcStorageProxy):
        return opened.close
    return lambda: None


def _open_file(path: Path) -> BaseStorage:
    from training.tuning.journal import JournalFile

    if path.is_dir() or not path.parent.is_dir():
        raise ConfigError(
            f"--storage must be a file in a folder that exists, but got {path}; make the folder"
        )
    return optuna.storages.JournalStorage(JournalFile(path))


def _open_postgres(url: str) -> BaseStorage:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"--storage {POSTGRES}://… must have psycopg, but {error}; install the extra "
            "`postgres`: pip install '.[training,postgres]'"
        ) from error
    driven = url.replace(f"{POSTGRES}://", f"{POSTGRES}+psycopg://", 1)
    return optuna.storages.get_storage(_rdb_storage(driven))


def _rdb_storage(url: str) -> BaseStorage:
    import sqlalchemy
    from alembic.runtime.migration import MigrationContext

    from training.tuning.lean_storage import SCHEMA, LeanStorage

    # Optuna makes its tables in several steps, the last of which is the revision, and two openings
    # in one moment break them for each other. The lock is a transaction's: a pooler like PgBouncer
    # loses one of the session. Held no longer than that: workers open by the dozen.
    gate = sqlalchemy.create_engine(
        url, poolclass=sqlalchemy.NullPool, connect_args=_POOL["connect_args"]
    )
    with gate.begin() as connection:
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({_TABLES_LOCK})"))
        tables = MigrationContext.configure(connection)
        revision = tables.get_current_revision()
        if revision is None:
            optuna.storages.RDBStorage(url, engine_kwargs=dict(_POOL)).engine.dispose()
            revision = tables.get_current_revision()
    storage = LeanStorage if revision == SCHEMA else optuna.storages.RDBStorage
    return storage(url, engine_kwargs=dict(_POOL), skip_table_creation=True)


def _open_grpc(host: str, port: int) -> BaseStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return optuna.storages.GrpcStorageProxy(host=host, port=port)


def is_away(error: BaseException) -> bool:
    """Tell whether an error says that the storage does not answer now, but may do so again."""
    if isinstance(error, OSError):
        return error.errno in _GONE
    if isinstance(error, StorageInternalError) and error.__cause__ is not None:
        return is_away(error.__cause__)
    # By their modules' names: neither library is loaded where the study lies in a file.
    library = type(error).__module__.partition(".")[0]
    if library == "sqlalchemy":
        import sqlalchemy

        return isinstance(
            error,
            sqlalchemy.exc.OperationalError
            | sqlalchemy.exc.InterfaceError
            | sqlalchemy.exc.TimeoutError,
        ) or (isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated)
    if library == "grpc":
        code = getattr(error, "code", None)
        return code is not None and code().name in _GRPC_AWAY
    return False


def _refuse_full(error: Exception) -> None:
    database = getattr(error.__cause__, "orig", None)
    if (isinstance(error, OSError) and error.errno in _FULL) or (
        getattr(database, "sqlstate", None) == _POSTGRES_FULL
    ):
        raise StorageError(
            f"the disk must have room for the study, but {_words(error)}; the study holds all "
            "that was told before: free some space and run this again"
        ) from error


def _words(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    text = str(cause).strip() or type(cause).__name__
    return text.splitlines()[0][:200]


class _Delegating:
    def __init__(self, backend: BaseStorage, patience: Patience) -> None:
        self._backend = backend
        self._patience = patience


def _patiently(name: str) -> Callable[..., Any]:
    def method(self: _Delegating, *arguments: Any, **named: Any) -> Any:
        return self._patience.call(getattr(self._backend, name), *arguments, **named)

    method.__name__ = name
    return method


_SteadyStorage: Final[Callable[[BaseStorage, Patience], Any]] = type(
    "SteadyStorage",
    (_Delegating, BaseStorage),
    {
        name: _patiently(name)
        for name in dir(BaseStorage)
        if not name.startswith("_") and callable(getattr(BaseStorage, name))
    },
)
"""A storage all of whose methods are another one's, called with patience."""
