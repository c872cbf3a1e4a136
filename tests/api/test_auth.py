from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from localizer.api.app import create_app
from localizer.api.auth import COOKIE, Gate, check_token
from localizer.errors import ConfigError
from tests.api.survey.surveyor import Surveyor, surveying

TOKEN = "a-long-secret-of-the-floor"
PAGE = "/survey"


class Phone:
    """A browser on the network, which keeps its cookies."""

    def __init__(self, surveyor: Surveyor) -> None:
        self._surveyor = surveyor
        app = create_app(None, survey=surveyor.service, token=TOKEN)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://192.0.2.7:8080")

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        content = b'{"device": "Pi"}' if method == "POST" else None
        more = {"content-type": "application/json", **headers}
        asked = self.client.request(method, path, headers=more, content=content)
        return self._surveyor.runner.run(asked)


@pytest.fixture
def phone(surveyor: Surveyor) -> Phone:
    return Phone(surveyor)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo.survey"


@pytest.fixture
def surveyor(path: Path) -> Iterator[Surveyor]:
    with surveying(path) as made:
        yield made


@pytest.mark.parametrize(
    "where",
    ["/v1/survey", "/v1/survey/events", PAGE, "/v1/health", "/openapi.json", "/", "/v1/position"],
)
def test_on_a_network_nothing_comes_without_the_token(phone: Phone, where: str) -> None:
    for address in (where, f"{where}?token=wrong-token-of-someone"):
        answer = phone.ask("GET", address)
        assert (answer.status_code, answer.json()["code"]) == (401, "no-token")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert phone.ask("GET", where, authorization="Bearer wrong").status_code == 401


def test_a_browser_without_the_token_is_told_in_words(phone: Phone) -> None:
    answer = phone.ask("GET", PAGE, accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "open the address that `localizer survey` printed" in answer.text


def test_a_program_brings_the_token_in_a_header(phone: Phone) -> None:
    answer = phone.ask("GET", "/v1/survey", authorization=f"Bearer {TOKEN}")
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)


def test_a_phone_brings_it_once_in_the_address(phone: Phone) -> None:
    answer = phone.ask("GET", f"{PAGE}?token={TOKEN}")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in (COOKIE, "HttpOnly", "SameSite=Strict", "Path=/"))
    assert TOKEN not in cookie
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert phone.ask("GET", "/v1/survey").status_code == 200
    assert phone.ask("POST", "/v1/survey/sessions").status_code == 201
    assert "set-cookie" not in phone.ask("GET", PAGE).headers


def test_the_token_in_the_address_opens_pages_alone(phone: Phone) -> None:
    assert phone.ask("GET", f"/v1/survey?token={TOKEN}").status_code == 401
    assert phone.ask("POST", f"/v1/survey/sessions?token={TOKEN}").status_code == 401
    assert phone.ask("GET", PAGE, cookie=f"{COOKIE}={TOKEN}").status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://192.0.2.7:81"])
def test_pages_of_others_change_nothing(phone: Phone, origin: str) -> None:
    sent = {"authorization": f"Bearer {TOKEN}", "origin": origin}
    answer = phone.ask("POST", "/v1/survey/sessions", **sent)
    assert (answer.status_code, answer.json()["code"]) == (403, "other-origin")
    assert phone.ask("GET", "/v1/survey", authorization=f"Bearer {TOKEN}").json()["sessions"] == []
    own = {"authorization": f"Bearer {TOKEN}", "origin": "http://192.0.2.7:8080"}
    assert phone.ask("POST", "/v1/survey/sessions", **own).status_code == 201


def test_without_a_token_only_this_machine_is_served(surveyor: Surveyor) -> None:
    for name in ("localhost:8080", "127.0.0.1", "[::1]:80", "LOCALHOST"):
        assert surveyor.get("/v1/survey", headers={"host": name}).status_code == 200
    for name in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "192.0.2.7", ""):
        answer = surveyor.get("/v1/survey", headers={"host": name})
        assert (answer.status_code, answer.json()["code"]) == (403, "other-host")
    origin = {"origin": "http://evil.example"}
    assert surveyor.ask("POST", "/undo", headers=origin).json()["code"] == "other-origin"


@pytest.mark.parametrize("token", ["", "short", "with spaces in it", "ümläüt-ümläüt"])
def test_a_token_that_protects_nothing_is_refused(token: str, surveyor: Surveyor) -> None:
    with pytest.raises(ConfigError, match="token must have"):
        check_token(token)
    with pytest.raises(ConfigError):
        create_app(None, survey=surveyor.service, token=token)


def test_a_websocket_needs_the_token_too(surveyor: Surveyor) -> None:
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def never(*_: object) -> None:
        raise AssertionError("nobody may come in")

    gate = Gate(never, token=TOKEN, pages=())
    scope = {"type": "websocket", "path": "/v1/ws", "headers": [], "query_string": b""}
    surveyor.runner.run(gate(scope, receive, send))
    assert sent[0]["type"] == "websocket.close"
