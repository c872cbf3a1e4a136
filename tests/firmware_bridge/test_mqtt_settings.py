import ssl
from pathlib import Path

import pytest

from firmware_bridge.mqtt.settings import MqttSettings, read_settings
from localizer.cli_sources import RADIO_OPENERS
from localizer.errors import SourceError
from localizer.sources import open_source
from localizer.sources.address import parse_source

SECRET = "s3cret"


def settings(text: str) -> MqttSettings:
    return read_settings(parse_source(text))


def test_a_host_alone_listens_where_gateways_usually_report() -> None:
    found = settings("mqtt://broker")
    assert (found.host, found.port, found.qos, found.tls) == ("broker", 1883, 0, None)
    assert found.topics == (
        "localizer/+/adverts",
        "espresense/devices/+/+",
        "home/+/BTtoMQTT/+",
    )


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("mqtt://b/espresense", ("espresense/devices/+/+",)),
        ("mqtt://b/home/", ("home/+/BTtoMQTT/+",)),
        ("mqtt://b/localizer", ("localizer/+/adverts",)),
        (
            "mqtt://b/site/floor%202",
            (
                "site/floor 2/+/adverts",
                "site/floor 2/devices/+/+",
                "site/floor 2/+/BTtoMQTT/+",
            ),
        ),
        ("mqtt://b/x?topic=a/%2B/adverts,b/%23", ("a/+/adverts", "b/#")),
    ],
)
def test_topics(text: str, topics: tuple[str, ...]) -> None:
    assert settings(text).topics == topics


def test_everything_that_can_be_said() -> None:
    found = settings(
        "mqtt://us%40er:p%3Aw@[::1]:1884/home?qos=1&direction=tags-move&tag=name:tag:A"
    )
    assert (found.host, found.port, found.user, found.password) == ("::1", 1884, "us@er", "p:w")
    assert (found.qos, found.tag) == (1, "name:tag:a")
    assert "p:w" not in repr(found)


def test_tls_checks_certificate_and_host_name() -> None:
    tls = settings("mqtts://broker").tls
    assert tls is not None
    assert tls.check_hostname
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert settings("mqtts://broker").port == 8883


def test_a_password_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    assert settings(f"mqtt://user@b?password_file={file}").password == SECRET
    monkeypatch.setenv("BROKER_PASSWORD", SECRET)
    assert settings("mqtt://user@b?password_env=BROKER_PASSWORD").password == SECRET


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mqtt:", "bad_address"),
        ("mqtt://", "bad_address"),
        ("mqtt:///prefix", "bad_address"),
        ("mqtt://b:port", "bad_address"),
        ("mqtt://b:70000", "bad_address"),
        ("mqtt://b/a/%23", "bad_address"),
        ("mqtt://b?topic=", "bad_topic"),
        ("mqtt://b?topic=a,", "bad_topic"),
        ("mqtt://b?topic=a%23", "bad_topic"),
        ("mqtt://b?topic=%23/a", "bad_topic"),
        ("mqtt://b?topic=a/b%2B/c", "bad_topic"),
        ("mqtt://b?topic=a%00b", "bad_topic"),
        (f"mqtt://:{SECRET}@b", "bad_address"),
        (f"mqtt://u:{SECRET}/x@b", "bad_address"),
        (f"mqtt://u:{SECRET}?x@b", "bad_option"),
        (f"mqtt://u:{SECRET}@b?password_env=X", "bad_option"),
        ("mqtt://u@b?password_env=NO_SUCH_VARIABLE", "no_password"),
        ("mqtt://u@b?password_file=/no/such/file", "no_password"),
        (f"mqtt://u:{SECRET}@b?qos=2", "bad_choice"),
        (f"mqtt://u:{SECRET}@b?direction=up", "bad_choice"),
        ("mqtt://b?direction=tags-move", "bad_choice"),
        ("mqtt://b?tag=name:tag:1", "bad_choice"),
        ("mqtt://b?direction=tags-move&tag=1A:2B", "bad_tag"),
        (f"mqtt://u:{SECRET}@b?speed=1", "unknown_option"),
        (f"mqtt://u:{SECRET}@b?qos=1&qos=1", "repeated_option"),
        ("mqtt://b?ca=/no/such/file", "bad_option"),
        (f"mqtts://u:{SECRET}@b?ca=/no/such/file", "bad_ca"),
        (f"amqp://u:{SECRET}@b", "unknown_scheme"),
    ],
)
def test_an_address_that_cannot_be_used_shows_no_password(text: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(text, openers=RADIO_OPENERS)
    assert caught.value.reason == reason
    assert SECRET not in f"{caught.value} {caught.value.source} {caught.value!r}"


def test_an_empty_password_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(SourceError, match="is empty"):
        settings(f"mqtt://u@b?password_file={tmp_path / 'empty'}")


def test_the_name_has_no_password() -> None:
    source = open_source(f"mqtt://user:{SECRET}@broker/home", openers=RADIO_OPENERS)
    assert source.name == "mqtt://user:***@broker/home"
    assert source.status.state == "opening"


def test_without_aiomqtt_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_bridge.mqtt.opening.find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"ble-localizer\[mqtt\]") as caught:
        open_source("mqtt://broker", openers=RADIO_OPENERS)
    assert caught.value.reason == "missing_extra"
