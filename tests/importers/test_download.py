import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from localizer.errors import DownloadError
from localizer.importers import download, uji
from localizer.importers.download import cache_dir, fetch_uci, find_tetam, find_uci, find_uji
from localizer.importers.tetam_files import TETAM
from localizer.importers.uci import LABELLED_NAME, SHA256, UNLABELLED_NAME, import_uci
from tests.real_data import tetam_folder, uci_files, uji_folder

CONTENTS = {LABELLED_NAME: b"labelled rows\r\n" * 1000, UNLABELLED_NAME: b"unlabelled rows\r\n"}


def _zip(contents: dict[str, bytes], folder: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(f"{folder}{name}", content)
        archive.writestr("iBeacon_Layout.jpg", b"a picture")
    return buffer.getvalue()


class _Server(ThreadingHTTPServer):
    """What the archive's server does by path; it counts requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.released = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def serve(self, path: str, body: bytes) -> str:
        self.bodies[path] = body
        return self.url(path)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        elif self.path == "/rude":
            self.wfile.write(b"what?\r\n\r\n")
        elif self.path not in self.server.bodies:
            self.send_error(404)
        else:
            self._send(self.server.bodies[self.path])

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        if self.path != "/endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/truncated":
            self.wfile.write(body[: len(body) // 2])
        elif self.path == "/slow":
            self.wfile.write(body[:1])
            self.server.released.wait(30)
        elif self.path == "/trickle":
            for at in range(len(body)):
                self.wfile.write(body[at : at + 1])
                if self.server.released.wait(0.05):
                    return
        elif self.path == "/endless":
            while not self.server.released.is_set():
                self.wfile.write(body)
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.setenv("no_proxy", "*")
    for name, content in CONTENTS.items():
        monkeypatch.setitem(SHA256, name, hashlib.sha256(content).hexdigest())
    with _Server() as server:
        server.serve("/good", _zip(CONTENTS))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/good", "/moved"])
def test_a_good_zip_fills_the_cache(server: _Server, tmp_path: Path, path: str) -> None:
    cache = tmp_path / "deep" / "cache"
    files = fetch_uci(cache, url=server.url(path))
    assert files.labelled.read_bytes() == CONTENTS[LABELLED_NAME]
    assert files.unlabelled.read_bytes() == CONTENTS[UNLABELLED_NAME]
    assert server.url(path) in files.origin
    assert sorted(path.name for path in cache.iterdir()) == sorted(CONTENTS)


def test_a_folder_in_the_zip_does_not_matter(server: _Server, tmp_path: Path) -> None:
    url = server.serve("/nested", _zip(CONTENTS, "data set/"))
    assert fetch_uci(tmp_path, url=url).labelled.read_bytes() == CONTENTS[LABELLED_NAME]


def _refused(server: _Server, cache: Path, path: str, timeout_s: float = 20.0) -> str:
    with pytest.raises(DownloadError) as caught:
        fetch_uci(cache, url=server.url(path), timeout_s=timeout_s)
    assert list(cache.glob("**/*")) == []
    assert "LOCALIZER_DATA" in str(caught.value)
    return str(caught.value)


def test_not_found(server: _Server, tmp_path: Path) -> None:
    assert "the server answered 404" in _refused(server, tmp_path, "/missing")


def test_a_transfer_cut_off(server: _Server, tmp_path: Path) -> None:
    whole = len(server.bodies["/good"])
    server.serve("/truncated", server.bodies["/good"])
    assert f"cut off after {whole // 2} of {whole} bytes" in _refused(
        server, tmp_path, "/truncated"
    )


def test_a_zip_cut_off_before_it_was_served(server: _Server, tmp_path: Path) -> None:
    server.serve("/half", server.bodies["/good"][:-40])
    assert "the zip is damaged" in _refused(server, tmp_path, "/half")


def test_a_zip_with_a_flipped_bit(server: _Server, tmp_path: Path) -> None:
    body = bytearray(server.bodies["/good"])
    body[60] ^= 0x10  # in the first member's data
    server.serve("/flipped", bytes(body))
    assert "damaged" in _refused(server, tmp_path, "/flipped")


def test_a_page_in_place_of_the_zip(server: _Server, tmp_path: Path) -> None:
    server.serve("/login", b"<html>Please log in to the network</html>")
    assert "the zip is damaged" in _refused(server, tmp_path, "/login")


def test_a_wrong_checksum_gives_both(server: _Server, tmp_path: Path) -> None:
    other = {**CONTENTS, UNLABELLED_NAME: b"other rows"}
    server.serve("/other", _zip(other))
    message = _refused(server, tmp_path, "/other")
    assert SHA256[UNLABELLED_NAME] in message
    assert hashlib.sha256(b"other rows").hexdigest() in message


def test_a_zip_without_the_files(server: _Server, tmp_path: Path) -> None:
    server.serve("/renamed", _zip({"a.csv": b"a"}))
    assert f"must hold {LABELLED_NAME}" in _refused(server, tmp_path, "/renamed")


def test_an_answer_that_is_no_http(server: _Server, tmp_path: Path) -> None:
    assert "what?" in _refused(server, tmp_path, "/rude")


@pytest.mark.parametrize("path", ["/slow", "/trickle"])
def test_a_slow_server_ends_at_the_timeout(server: _Server, tmp_path: Path, path: str) -> None:
    server.serve(path, server.bodies["/good"])
    assert "longer than 0.3 s" in _refused(server, tmp_path, path, timeout_s=0.3)


def test_an_endless_body_ends(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_ZIP_BYTES", 100_000)
    server.serve("/endless", bytes(50_000))
    assert "larger than 100000 bytes" in _refused(server, tmp_path, "/endless")


def test_a_zip_bomb_is_not_unpacked(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_MEMBER_BYTES", 1_000)
    assert "larger than 1000 bytes" in _refused(server, tmp_path, "/good")


def test_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match="refused"):
        fetch_uci(tmp_path, url=f"http://127.0.0.1:{port}/", timeout_s=5)


def test_only_the_web_is_asked(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="https://"):
        fetch_uci(tmp_path, url="file:///etc/hostname")


def test_a_cache_that_cannot_be_written(server: _Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="XDG_CACHE_HOME"):
        fetch_uci(tmp_path / "file" / "uci", url=server.url("/good"))


def _environ(tmp_path: Path) -> dict[str, str]:
    return {
        "LOCALIZER_DATA": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def test_given_data_comes_first_and_nothing_is_downloaded(server: _Server, tmp_path: Path) -> None:
    given = tmp_path / "data" / "uci-ble-rssi"
    given.mkdir(parents=True)
    for name in CONTENTS:
        (given / name).touch()
    files = find_uci(_environ(tmp_path), url=server.url("/good"))
    assert files.labelled.parent == given
    assert files.origin.startswith("LOCALIZER_DATA")
    assert server.requests == []


def test_then_the_cache_which_one_download_fills(server: _Server, tmp_path: Path) -> None:
    first, second = (find_uci(_environ(tmp_path), url=server.url("/good")) for _ in range(2))
    assert first.labelled == second.labelled == tmp_path / "cache/localizer/uci" / LABELLED_NAME
    assert first.origin.startswith("download")
    assert second.origin.startswith("cache")
    assert server.requests == ["/good"]


def test_a_damaged_cache_is_fetched_again(server: _Server, tmp_path: Path) -> None:
    files = find_uci(_environ(tmp_path), url=server.url("/good"))
    files.unlabelled.write_bytes(b"damaged")
    again = find_uci(_environ(tmp_path), url=server.url("/good"))
    assert again.unlabelled.read_bytes() == CONTENTS[UNLABELLED_NAME]
    assert server.requests == ["/good", "/good"]


def test_nowhere_and_no_network_is_an_error(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="404"):
        find_uci(_environ(tmp_path), url=server.url("/missing"))


@pytest.mark.parametrize("environ", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}])
def test_the_cache_is_in_the_home_by_default(environ: dict[str, str]) -> None:
    assert cache_dir(environ) == Path.home() / ".cache" / "localizer"


def test_the_published_files_come_through_a_zip(tmp_path: Path) -> None:
    real = uci_files()
    contents = {path.name: path.read_bytes() for path in (real.labelled, real.unlabelled)}
    with pytest.MonkeyPatch.context() as patch, _Server() as server:
        patch.setenv("no_proxy", "*")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        files = fetch_uci(tmp_path, url=server.serve("/real", _zip(contents)))
        server.shutdown()
        thread.join()
    assert import_uci(files, tmp_path / "uci.survey").fingerprints == 6_611


def test_uji_files_of_one_name_in_two_folders_stay_apart(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {name: f"rows of {name}".encode() for name in uji.SHA256}
    for name, content in contents.items():
        monkeypatch.setitem(uji.SHA256, name, hashlib.sha256(content).hexdigest())
    url = server.serve("/uji", _zip(contents, "data/"))
    files = find_uji(_environ(tmp_path), url=url)
    assert files.origin == f"download ({url})"
    assert {name: (files.folder / name).read_bytes() for name in contents} == contents
    again = find_uji(_environ(tmp_path), url=url)
    assert (again.folder, again.origin) == (files.folder, f"cache ({files.folder})")
    assert server.requests == ["/uji"]


def test_uji_files_that_are_given_come_first(server: _Server, tmp_path: Path) -> None:
    given = tmp_path / "data/uji-ble"
    for name in uji.SHA256:
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).touch()
    assert find_uji(_environ(tmp_path), url=server.url("/missing")).folder == given
    (given / "dep/lib.csv").unlink()
    with pytest.raises(DownloadError, match=r"the UJI survey .* answered 404 .*uji-ble/dep/lib"):
        find_uji(_environ(tmp_path), url=server.url("/missing"))


def test_the_published_uji_files_come_through_a_zip(server: _Server, tmp_path: Path) -> None:
    real = uji_folder().folder
    contents = {name: (real / name).read_bytes() for name in uji.SHA256}
    files = find_uji(_environ(tmp_path), url=server.serve("/uji", _zip(contents, "UJI_BLE_DB/")))
    assert uji.import_uji(files, tmp_path / "geo.survey", zone="geo").fingerprints == 2_448


def test_tetam_says_which_files_are_missing_and_downloads_nothing(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"not set; put there fingerprints_1s_windows\.csv\.gz"):
        find_tetam({})
    given = tmp_path / "data/danis-tetam"
    for name in TETAM.sha256:
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).touch()
    assert find_tetam(_environ(tmp_path)).folder == given
    (given / "raw/tetam.dev").unlink()
    with pytest.raises(DownloadError, match=r"lacks them; put there raw/tetam\.dev \(Danis"):
        find_tetam(_environ(tmp_path))


def test_every_file_of_uji_and_tetam_is_the_published_one() -> None:
    assert uji.UJI.lies_in(uji_folder().folder)
    assert TETAM.lies_in(tetam_folder().folder)
