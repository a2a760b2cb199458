"""Questions for the way to the broker: where it is, whom the two sides trust, and who may command this terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli.setup.brought_along import (
    check_broker_ca,
    check_client_certificate,
    check_client_key,
    check_public_key,
    there,
)
from kazasu.cli.setup.files import SECRET
from kazasu.cli.setup.question import NONE, Form, Question, always

if TYPE_CHECKING:
    from kazasu.cli.setup.question import Answers


def has_broker(answers: Answers) -> bool:
    """Whether there is one."""
    return bool(answers.get("broker", NONE) != NONE)


def has_site(answers: Answers) -> bool:
    """Whether rosters and commands come over it."""
    return has_broker(answers) and answers.get("site_key", NONE) != NONE


BROKER_QUESTIONS = (
    Question(
        "broker",
        "MQTT broker: the host name in its certificate, or none (stand-alone)",
        "MQTT ブローカーのホスト名(証明書と同じ名前。単独なら none)",
        table=("mqtt", "host"),
        example="broker.town-hall.example",
        or_none=True,
        shared=True,
    ),
    Question(
        "broker_port",
        "Broker's port",
        "ブローカーのポート",
        Form.NUMBER,
        ("mqtt", "port"),
        asked=has_broker,
        default=always(8883),
        shared=True,
    ),
    Question(
        "broker_ca",
        "File with the site's CA certificate (PEM)",
        "組織の認証局証明書のファイル(PEM)",
        table=("mqtt", "ca"),
        example="ca.pem",
        asked=has_broker,
        default=there("mqtt/ca.pem"),
        check=check_broker_ca,
        brings=Path("mqtt/ca.pem"),
        shared=True,
    ),
    Question(
        "client_certificate",
        "File with this terminal's certificate (PEM)",
        "この端末の証明書のファイル(PEM)",
        table=("mqtt", "certificate"),
        example="client.pem",
        asked=has_broker,
        default=there("mqtt/client.pem"),
        check=check_client_certificate,
        brings=Path("mqtt/client.pem"),
    ),
    Question(
        "client_key",
        "File with the key to it (PEM)",
        "その秘密鍵のファイル(PEM)",
        table=("mqtt", "key"),
        example="client.key",
        asked=has_broker,
        default=there("keys/client.key"),
        check=check_client_key,
        brings=Path("keys/client.key"),
        mode=SECRET,
    ),
    Question(
        "collector_key",
        "File with the collector's public key, or none",
        "コレクターの公開鍵のファイル(なければ none)",
        table=("collector", "key"),
        asked=has_broker,
        default=lambda answers, place: there("collector.pub")(answers, place) or NONE,
        check=check_public_key,
        brings=Path("collector.pub"),
        or_none=True,
        shared=True,
    ),
    Question(
        "site_key",
        "File with the site's public key, for rosters and commands over MQTT, or none",
        "MQTT で名簿や指示を受け取るための組織の公開鍵ファイル(なければ none)",
        table=("site", "key"),
        asked=has_broker,
        default=lambda answers, place: there("site.pub")(answers, place) or NONE,
        check=check_public_key,
        brings=Path("site.pub"),
        or_none=True,
        shared=True,
        silent=True,
    ),
)
