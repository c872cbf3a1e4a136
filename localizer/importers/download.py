"""Where the UCI files come from: LOCALIZER_DATA, the cache, or the archive's public address."""

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
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from localizer import __version__
from localizer.atomic import atomic_write
from localizer.errors import DownloadError
from localizer.importers.uci import LABELLED_NAME, SHA256, UNLABELLED_NAME, UciFiles

UCI_ZIP_URL: Final = (
    "https://archive.ics.uci.edu/static/public/435/"
    "ble+rssi+dataset+for+indoor+localization+and+navigation.zip"
)

TIMEOUT_S: Final = 60.0
"""For the whole download. The zip has less than 1 MB, so a slower line is as good as none."""

MAX_ZIP_BYTES: Final = 64 * 2**20
"""More than any version of this archive; what is larger is something else."""

MAX_MEMBER_BYTES: Final = 16 * 2**20
"""The larger of the two files has 0.4 MB; more than this is a zip bomb."""

_CHUNK_BYTES: Final = 64 * 2**10


_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # a password
    ValueError,
)


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
    if environ.get("LOCALIZER_DATA"):
        given = Path(environ["LOCALIZER_DATA"]).expanduser() / "uci-ble-rssi"
        files = _files_in(given, f"LOCALIZER_DATA ({given})")
        if files.labelled.is_file() and files.unlabelled.is_file():
            return files
    cache = cache_dir(environ) / "uci"
    files = _files_in(cache, f"cache ({cache})")
    if _is_published(files.labelled) and _is_published(files.unlabelled):
        return files
    return fetch_uci(cache, url=url, timeout_s=timeout_s)


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
    archive = _download(url, timeout_s)
    contents = {name: _member(archive, name, url) for name in SHA256}
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with atomic_write(cache / name) as unfinished:
                unfinished.write_bytes(content)
    except OSError as error:
        raise DownloadError(
            f"the cache must be writable, but {cache}: {error}; set XDG_CACHE_HOME"
        ) from error
    return _files_in(cache, f"download ({url})")


def _files_in(folder: Path, origin: str) -> UciFiles:
    return UciFiles(folder / LABELLED_NAME, folder / UNLABELLED_NAME, origin)


def _is_published(path: Path) -> bool:
    if not path.is_file():
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[path.name]


def _download(url: str, timeout_s: float) -> bytes:
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"an address must start with https:// or http://, but got {url!r}")
    deadline = time.monotonic() + timeout_s
    request = urllib.request.Request(url, headers={"User-Agent": f"localizer/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            body = _read_until(response, deadline, url)
            announced = response.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        with error:
            raise _failure(url, f"the server answered {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise _failure(url, f"it took longer than {timeout_s:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise _failure(url, str(error) or type(error).__name__) from error
    if announced is not None and announced.isdecimal() and int(announced) != len(body):
        raise _failure(url, f"it was cut off after {len(body)} of {announced} bytes")
    return body


def _read_until(response: _Body, deadline: float, url: str) -> bytes:
    """Read the body piece by piece: the socket's timeout alone never ends a trickle."""
    body = bytearray()
    while piece := response.read1(_CHUNK_BYTES):
        body += piece
        if len(body) > MAX_ZIP_BYTES:
            raise _failure(url, f"it is larger than {MAX_ZIP_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(body)


def _member(archive: bytes, name: str, url: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            content = _read_member(members, name, url)
    except _ZIP_ERRORS as error:
        raise _failure(url, f"the zip is damaged ({error})") from error
    got = hashlib.sha256(content).hexdigest()
    if got != SHA256[name]:
        raise _failure(url, f"{name} must have sha256 {SHA256[name]}, but got {got}")
    return content


def _read_member(members: zipfile.ZipFile, name: str, url: str) -> bytes:
    found = [info for info in members.infolist() if info.filename.rsplit("/", 1)[-1] == name]
    if not found:
        raise _failure(url, f"the zip must hold {name}, but holds {members.namelist()[:10]}")
    with members.open(found[0]) as member:
        content = member.read(MAX_MEMBER_BYTES + 1)
    if len(content) > MAX_MEMBER_BYTES:
        raise _failure(url, f"{name} is larger than {MAX_MEMBER_BYTES} bytes")
    return content


def _failure(url: str, reason: str) -> DownloadError:
    return DownloadError(
        f"the UCI survey must come whole from {url}, but {reason}; try again later, or fetch the "
        f"zip by hand and set LOCALIZER_DATA to a folder with uci-ble-rssi/{LABELLED_NAME} and "
        f"uci-ble-rssi/{UNLABELLED_NAME} in it"
    )
