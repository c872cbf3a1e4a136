"""Where published surveys come from: LOCALIZER_DATA, the cache, or their public addresses."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from localizer import __version__
from localizer.atomic import atomic_write
from localizer.errors import DownloadError
from localizer.importers.source_files import DataFolder, DataSet
from localizer.importers.tetam_files import TETAM, TETAM_CITATION
from localizer.importers.uci import LABELLED_NAME, SHA256, UNLABELLED_NAME, UciFiles
from localizer.importers.uji import UJI

UCI_ZIP_URL: Final = (
    "https://archive.ics.uci.edu/static/public/435/"
    "ble+rssi+dataset+for+indoor+localization+and+navigation.zip"
)

UJI_ZIP_URL: Final = "https://zenodo.org/records/1618692/files/UJI_BLE_DB.zip"
"""The record is that of doi:10.5281/zenodo.1618692. The zip's name is known from other programs
alone: the address could not be reached when this was written, so nobody has seen it answer. What
comes from it counts only if every file has its checksum."""

UCI: Final = DataSet("UCI", "uci-ble-rssi", "uci", SHA256)

TIMEOUT_S: Final = 60.0
"""For the whole download. The files of a survey have 2 MB at most, so a slower line is as good as
none."""

MAX_ZIP_BYTES: Final = 64 * 2**20
"""More than any version of these archives; what is larger is something else."""

MAX_MEMBER_BYTES: Final = 16 * 2**20
"""The largest of the files has 0.4 MB; more than this is a zip bomb."""

_CHUNK_BYTES: Final = 64 * 2**10


_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # a password
    ValueError,
)


_Fail = Callable[[str], DownloadError]
"""Makes the error of one download from what went wrong."""


class _Body(Protocol):
    def read1(self, n: int = -1, /) -> bytes: ...


def find_uci(
    environ: Mapping[str, str] = os.environ, *, url: str = UCI_ZIP_URL, timeout_s: float = TIMEOUT_S
) -> UciFiles:
    """Find the UCI files, and download them only if they are nowhere.

    The order is the folder `uci-ble-rssi` in LOCALIZER_DATA, the cache, the download into the
    cache. `UciFiles.origin` says which it was. Files in the cache are checked, and fetched again
    if they are damaged; files in LOCALIZER_DATA are checked by the import.

    Raises:
        DownloadError: they are nowhere and cannot be fetched.
    """
    return _uci_files(_find(UCI, environ, url, timeout_s))


def find_uji(
    environ: Mapping[str, str] = os.environ, *, url: str = UJI_ZIP_URL, timeout_s: float = TIMEOUT_S
) -> DataFolder:
    """Find the files of both zones of the UJI survey, as `find_uci` does: in `uji-ble`.

    Raises:
        DownloadError: they are nowhere and cannot be fetched.
    """
    return _find(UJI, environ, url, timeout_s)


def find_tetam(environ: Mapping[str, str] = os.environ) -> DataFolder:
    """Find the files of the TETAM survey in the folder `danis-tetam` of LOCALIZER_DATA.

    Its static windows are derived from packets that its authors publish, so no download has them.

    Raises:
        DownloadError: they are not there, with the files that are missing.
    """
    given = _given(TETAM, environ)
    if given is not None and not TETAM.missing(given):
        return DataFolder(given, f"LOCALIZER_DATA ({given})")
    where = "that is not set" if given is None else f"{given} lacks them"
    missing = list(TETAM.sha256) if given is None else TETAM.missing(given)
    raise DownloadError(
        f"the TETAM survey must lie in the folder {TETAM.folder} of LOCALIZER_DATA, but {where}; "
        f"put there {', '.join(missing)} ({TETAM_CITATION})"
    )


def _find(data: DataSet, environ: Mapping[str, str], url: str, timeout_s: float) -> DataFolder:
    given = _given(data, environ)
    if given is not None and not data.missing(given):
        return DataFolder(given, f"LOCALIZER_DATA ({given})")
    cache = cache_dir(environ) / data.cache
    if data.lies_in(cache):
        return DataFolder(cache, f"cache ({cache})")
    return _fetch(data, cache, url, timeout_s)


def _given(data: DataSet, environ: Mapping[str, str]) -> Path | None:
    root = environ.get("LOCALIZER_DATA")
    return Path(root).expanduser() / data.folder if root else None


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what can be fetched again: XDG_CACHE_HOME or ~/.cache."""
    base = environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is invalid and is to be ignored.
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "localizer"


def fetch_uci(cache: Path, *, url: str = UCI_ZIP_URL, timeout_s: float = TIMEOUT_S) -> UciFiles:
    """Download the archive's zip and put its two files, once checked, into the folder `cache`.

    Args:
        cache: made if it is missing; each file appears in it whole or not at all.
        url: where the zip is.
        timeout_s: for the connection and the transfer together, seconds; the look-up of the host
            name has the operating system's own limit.

    Raises:
        DownloadError: no network, an answer that is no success, a transfer that stops or takes too
            long, a damaged zip, a wrong checksum, or a cache that cannot be written.
    """
    return _uci_files(_fetch(UCI, cache, url, timeout_s))


def _uci_files(found: DataFolder) -> UciFiles:
    return UciFiles(found.folder / LABELLED_NAME, found.folder / UNLABELLED_NAME, found.origin)


def _fetch(data: DataSet, cache: Path, url: str, timeout_s: float) -> DataFolder:
    fail = partial(_failure, data, url)
    archive = _download(url, timeout_s, fail)
    contents = {name: _member(archive, name, sha, fail) for name, sha in data.sha256.items()}
    try:
        for name, content in contents.items():
            (cache / name).parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(cache / name) as unfinished:
                unfinished.write_bytes(content)
    except OSError as error:
        raise DownloadError(
            f"the cache must be writable, but {cache}: {error}; set XDG_CACHE_HOME"
        ) from error
    return DataFolder(cache, f"download ({url})")


def _download(url: str, timeout_s: float, fail: _Fail) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"an address must start with https:// or http://, but got {url!r}")
    deadline = time.monotonic() + timeout_s
    request = urllib.request.Request(url, headers={"User-Agent": f"localizer/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            body = _read_until(response, deadline, fail)
            announced = response.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        with error:
            raise fail(f"the server answered {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise fail(f"it took longer than {timeout_s:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise fail(str(error) or type(error).__name__) from error
    if announced is not None and announced.isdecimal() and int(announced) != len(body):
        raise fail(f"it was cut off after {len(body)} of {announced} bytes")
    return body


def _read_until(response: _Body, deadline: float, fail: _Fail) -> bytes:
    """Read the body piece by piece: the socket's timeout alone never ends a trickle."""
    body = bytearray()
    while piece := response.read1(_CHUNK_BYTES):
        body += piece
        if len(body) > MAX_ZIP_BYTES:
            raise fail(f"it is larger than {MAX_ZIP_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(body)


def _member(archive: bytes, name: str, sha256: str, fail: _Fail) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            content = _read_member(members, name, fail)
    except _ZIP_ERRORS as error:
        raise fail(f"the zip is damaged ({error})") from error
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise fail(f"{name} must have sha256 {sha256}, but got {got}")
    return content


def _read_member(members: zipfile.ZipFile, name: str, fail: _Fail) -> bytes:
    # Under whatever folder the zip puts it: "/" before both, so that "b.csv" is no "ab.csv".
    found = [info for info in members.infolist() if f"/{info.filename}".endswith(f"/{name}")]
    if not found:
        raise fail(f"the zip must hold {name}, but holds {members.namelist()[:10]}")
    with members.open(found[0]) as member:
        content = member.read(MAX_MEMBER_BYTES + 1)
    if len(content) > MAX_MEMBER_BYTES:
        raise fail(f"{name} is larger than {MAX_MEMBER_BYTES} bytes")
    return content


def _failure(data: DataSet, url: str, reason: str) -> DownloadError:
    files = ", ".join(f"{data.folder}/{name}" for name in data.sha256)
    return DownloadError(
        f"the {data.name} survey must come whole from {url}, but {reason}; try again later, or "
        f"fetch the zip by hand and set LOCALIZER_DATA to a folder with these files in it: {files}"
    )
