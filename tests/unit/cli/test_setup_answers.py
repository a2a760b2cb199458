"""What can be answered, and what comes of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from fakes.setting_up import answered
from kazasu.cards.registry import KINDS
from kazasu.cli.setup.answers import brought, default, document, fault, notes
from kazasu.cli.setup.configuration_text import EXAMPLE_PATH, write
from kazasu.cli.setup.files import PUBLIC, SECRET
from kazasu.cli.setup.place import Configured, Place
from kazasu.cli.setup.question import NONE
from kazasu.cli.setup.questions import QUESTIONS
from kazasu.config import parse
from kazasu.errors import ReaderUnavailable
from kazasu.model.event import Draft
from kazasu.runtime.clock import SystemClock
from kazasu.store.journal import Journal
from kazasu.store.keys import (
    generate_pepper,
    generate_signer,
    load_pepper,
    new_pepper,
    pepper_text,
    write_public,
)
from kazasu.virtual.certificates import ThrowawayCa

if TYPE_CHECKING:
    from kazasu.virtual.issuer import JpkiIssuer

BY_KEY = {question.key: question for question in QUESTIONS}
ACR1252 = [
    "ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00",
    "ACS ACR1252 Dual Reader [ACR1252 Dual Reader SAM] 01 00",
]
RC_S300 = "SONY FeliCa RC-S300/P (0123456) 00 00"


@pytest.fixture
def stick(tmp_path: Path, issuer: JpkiIssuer) -> Path:
    """What an installer brings: certificates, keys, and files that are none."""
    stick = tmp_path / "stick"
    stick.mkdir()
    ca = ThrowawayCa(stick)
    ca.client("entrance-1")
    ca.client("entrance-2")
    ca.client("late", valid_for=-dt.timedelta(days=1))
    (stick / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    (stick / "authca.der").write_bytes(issuer.ca_certificate.public_bytes(Encoding.DER))
    (stick / "other").mkdir()
    (stick / "other" / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    write_public(stick / "collector.pub", generate_signer(stick / "collector.key"))
    generate_pepper(stick / "pepper.key")
    generate_pepper(stick / "other.pepper")
    key = load_pem_private_key((stick / "entrance-1.key").read_bytes(), None)
    (stick / "locked.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    (stick / "words").write_text("Dear installer,\n")
    (stick / "large").write_bytes(bytes(300_000))
    return stick


@pytest.fixture
def place(tmp_path: Path, stick: Path) -> Place:
    return Place(tmp_path / "etc", {}, stick, lambda: [*ACR1252, RC_S300])


STAND_ALONE: dict[str, Any] = {
    "site": "town-hall",
    "terminal": "entrance-1",
    "jpki_ca": ["authca.pem"],
    "broker": NONE,
}
WITH_BROKER = STAND_ALONE | {
    "broker": "broker.town-hall.example",
    "broker_ca": "ca.pem",
    "client_certificate": "entrance-1.pem",
    "client_key": "entrance-1.key",
    "collector_key": "collector.pub",
    "pepper": "pepper.key",
}
BEFORE = {"state_dir": "/nowhere", "terminal": "entrance-1", "outputs": "gpio", "green": 17, "red": 27}


@pytest.mark.parametrize(
    ("key", "answer", "words"),
    [
        ("site", "Town Hall", "'Town Hall' is not 1 to 32 of a-z, 0-9 and -, not - first"),
        ("site", 5, "5 is not a text"),
        ("site", "", "'' is not a text"),
        ("site", "a\nb", "is not a text"),
        ("terminal", "-a", "not - first"),
        ("timezone", "Tokyo", "'Tokyo' is no time zone, such as \"Asia/Tokyo\""),
        ("state_dir", "state", "'state' has to begin with /"),
        ("direction", "both", "Invalid enum value 'both'; there are: alternate, button, schedule"),
        ("in", ["5-12"], "'5' is no time of day, such as \"05:00\""),
        ("in", [], "it needs at least one of them"),
        ("in", [5], "[5] is not a list of texts"),
        ("out", ["04:00-06:00"], "overlap at 05:00"),
        ("reader", "ACS*", "fits more than one: ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00, ACS"),
        ("reader_name", "The desk", "is not 1 to 16 of a-z, 0-9 and _"),
        ("cards", ["suica"], f"'suica' is no kind of card; there are: {', '.join(KINDS)}"),
        ("cards", [], "Expected"),
        ("cards", ["jpki", "jpki"], "kinds names a kind twice"),
        ("jpki_ca", ["nowhere.pem"], "nowhere.pem: the CA certificate cannot be read: No such file"),
        ("jpki_ca", ["words"], "holds no certificate in PEM"),
        ("jpki_ca", ["authca.der"], "openssl x509 -inform DER"),
        ("jpki_ca", ["entrance-1.pem"], "it is not a CA's"),
        ("jpki_ca", ["authca.pem", "other/authca.pem"], "two of the files have the same name"),
        ("jpki_ca", [], "[] is not a list of one PEM file or more"),
        ("outputs", "lamp", "there are: gpio, terminal"),
        ("buzzer", 17, "GPIO17 is taken: Green LED"),
        ("buzzer", 28, "28 is not a GPIO (BCM) number, 0 to 27"),
        ("buzzer", "none", "'none' is not a GPIO (BCM) number"),
        ("buzzer", True, "True is not a number"),
        ("relay", "five", "'five' is not a GPIO (BCM) number"),
        ("relay", 27, "GPIO27 is taken: Red LED"),
        ("relay_active_low", "perhaps", "'perhaps' is not yes (true) or no (false)"),
        ("broker", "", "'' is not a text"),
        ("broker_port", 70_000, "70000 is not a port, 1 to 65535"),
        ("broker_ca", "nowhere.pem", "nowhere.pem: No such file or directory"),
        ("broker_ca", "words", "holds no certificate in PEM"),
        ("broker_ca", "other", "Is a directory"),
        ("client_certificate", "entrance-2.pem", "issued for CN=entrance-2 and not for this terminal, entrance-1"),
        ("client_certificate", "large", "larger than 256 KiB: this is no certificate"),
        ("client_key", "entrance-2.key", "entrance-2.key is not the key to "),
        ("client_key", "entrance-1.pem", "holds no private key in PEM"),
        ("client_key", "locked.key", "takes it off"),
        ("collector_key", "entrance-1.pem", "holds no public key in PEM"),
        ("collector_key", "collector.key", "holds no public key in PEM"),
        ("pepper", "words", "exactly 64 hexadecimal digits"),
        ("pepper", "keep", "there is no pepper yet"),
    ],
)
def test_what_cannot_be_taken_is_said_in_words(place: Place, key: str, answer: object, words: str) -> None:
    before = BEFORE | {
        "relay": 5 if key == "relay_active_low" else NONE,
        "direction": "schedule" if key in {"in", "out"} else "alternate",
        "cards": ["jpki"],
        "broker": "broker",
        "client_certificate": "entrance-1.pem",
    }
    assert words in fault(BY_KEY[key], answer, before, place)


def test_a_certificate_that_has_expired_is_refused(place: Place) -> None:
    words = fault(BY_KEY["client_certificate"], "late.pem", {"broker": "b", "terminal": "late"}, place)
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    assert f"late.pem expired on {yesterday:%Y-%m-%d}: get a new one" in words


def test_buttons_need_pins(place: Place) -> None:
    assert "need gpio" in fault(BY_KEY["outputs"], "terminal", {"direction": "button"}, place)


def test_a_journal_keeps_its_names(place: Place, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    signer = generate_signer(tmp_path / "event.key")
    journal = Journal(state / "journal.db", "town-hall", "gate", signer, max_events=1000, keep_s=86400, collector=False)
    answers = {"state_dir": str(state)}
    assert fault(BY_KEY["terminal"], "entrance-1", answers, place) == ""
    now = SystemClock(dt.UTC).now()
    journal.append(Draft(event_type="attendance.in", moment=now, fields={}))
    journal.close()
    assert fault(BY_KEY["terminal"], "gate", answers, place) == ""
    assert fault(BY_KEY["site"], "town-hall", answers, place) == ""
    assert "is of the terminal gate: keep that name" in fault(BY_KEY["terminal"], "entrance-1", answers, place)
    assert "is of the site town-hall: keep that name" in fault(BY_KEY["site"], "school", answers, place)


def test_the_pepper_is_never_replaced(place: Place, stick: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    question, answers = BY_KEY["pepper"], {"state_dir": str(state)}
    assert default(question, answers, place) == "new"
    (state / "roster.db").touch()
    assert "under a pepper that is missing" in fault(question, "new", answers, place)
    assert default(question, answers, place) is None
    keys = place.folder / "keys"
    keys.mkdir(parents=True)
    (keys / "pepper.key").write_bytes((stick / "pepper.key").read_bytes())
    assert default(question, answers, place) == "keep"
    assert fault(question, "pepper.key", answers, place) == ""
    assert "holds another pepper" in fault(question, "other.pepper", answers, place)
    assert "there is a pepper already" in fault(question, "new", answers, place)


def test_a_pepper_gets_the_layers_that_a_bundle_brings_and_loses_none(
    place: Place, stick: Path, tmp_path: Path
) -> None:
    question, answers = BY_KEY["pepper"], {"state_dir": str(tmp_path)}
    there, one = place.folder / "keys/pepper.key", load_pepper(stick / "pepper.key")
    there.parent.mkdir(parents=True)
    there.write_bytes(pepper_text(one))
    (stick / "pepper.key").write_bytes(pepper_text(new_pepper(one)))
    assert fault(question, "pepper.key", answers, place) == ""
    there.write_bytes(pepper_text(new_pepper(one)))
    assert "another pepper, or more layers of it" in fault(question, "pepper.key", answers, place)


def test_without_an_answer_what_suits_most_is_taken(place: Place) -> None:
    answers = answered(place, **STAND_ALONE)
    assert answers["reader"] == "*PICC*"
    assert answers["timezone"] == "Asia/Tokyo"
    assert (answers["green"], answers["red"], answers["buzzer"], answers["relay"]) == (17, 27, 22, NONE)
    assert answers["state_dir"] == str(place.folder / "state")
    assert answers["pepper"] == "new"


@pytest.mark.parametrize("folder", ["kazasu", "kazasu@door"])
def test_each_terminal_of_a_pi_has_a_state_of_its_own(place: Place, folder: str) -> None:
    assert default(BY_KEY["state_dir"], {}, place._replace(folder=Path("/etc") / folder)) == f"/var/lib/{folder}"


def test_where_pcscd_does_not_answer_any_reader_will_do(place: Place) -> None:
    def silent() -> list[str]:
        raise ReaderUnavailable("pcscd does not answer")

    assert default(BY_KEY["reader"], {}, place._replace(list_readers=silent)) == "*"


CASES: list[dict[str, Any]] = [
    STAND_ALONE,
    WITH_BROKER,
    STAND_ALONE | {"cards": ["felica", "mifare"]},
    STAND_ALONE | {"direction": "schedule", "in": ["22:00-12:00"], "out": ["12:00-22:00"]},
    STAND_ALONE | {"direction": "schedule", "out": NONE},
    STAND_ALONE | {"direction": "button", "button_in": 5, "button_out": 6},
    STAND_ALONE | {"relay": 5},
    STAND_ALONE | {"relay": 16, "relay_active_low": False},
    STAND_ALONE | {"outputs": "terminal"},
]


@pytest.mark.parametrize("given", CASES)
def test_answers_become_a_file_and_the_file_the_same_answers(place: Place, given: dict[str, Any]) -> None:
    answers = answered(place, **given)
    made = document(answers, place)
    config_file = place.folder / "kazasu.toml"
    config = parse(write(made).encode(), config_file)
    assert (config.terminal.site, config.terminal.id) == ("town-hall", "entrance-1")
    assert (config.mqtt is None) == (answers["broker"] == NONE)
    assert config.collector.present == ("collector_key" in answers and answers["collector_key"] != NONE)

    # Once more, with [Enter] to everything.
    for file in brought(answers, place):
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_bytes(file.content)
    if answers["pepper"] == "new":
        (place.folder / "keys").mkdir(parents=True, exist_ok=True)
        generate_pepper(place.folder / "keys" / "pepper.key")
    again = place._replace(present=tomli.loads(write(made)), here=Path("/"))
    assert write(document(answered(again), again)) == write(made)
    assert all(file.there or file.mode == SECRET for file in brought(answered(again), again))


def test_files_go_where_the_configuration_looks_for_them(place: Place, stick: Path) -> None:
    answers = answered(place, **WITH_BROKER)
    found = {str(file.path.relative_to(place.folder)): file for file in brought(answers, place)}
    assert {path: file.mode for path, file in found.items()} == {
        "jpki-ca/authca.pem": PUBLIC,
        "mqtt/ca.pem": PUBLIC,
        "mqtt/client.pem": PUBLIC,
        "keys/client.key": SECRET,
        "collector.pub": PUBLIC,
        "keys/pepper.key": SECRET,
    }
    assert found["keys/client.key"].content == (stick / "entrance-1.key").read_bytes()
    config = parse(write(document(answers, place)).encode(), place.folder / "kazasu.toml")
    assert config.mqtt is not None
    assert config.mqtt.key == place.folder / "keys/client.key"
    assert config.keys.pepper == place.folder / "keys/pepper.key"


HAND_MADE: dict[str, Any] = tomli.loads(
    EXAMPLE_PATH.read_text(encoding="utf-8").replace('# keep = "90d"', 'keep = "30d"')
    + """
[[readers]]
name = "gate"
match = "*gate*"
"""
)


@pytest.fixture
def second(place: Place, tmp_path: Path) -> Place:
    """A Pi whose first terminal, kazasu@in, is set up already."""
    first = place._replace(folder=tmp_path / "kazasu@in", list_readers=lambda: [RC_S300])
    answers = answered(first, **WITH_BROKER, direction="button")
    for file in brought(answers, first):
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_bytes(file.content)
    return place._replace(
        folder=tmp_path / "kazasu@out",
        here=Path("/"),
        neighbours=(Configured(first.folder, document(answers, first)),),
    )


def test_a_second_terminal_of_a_pi_takes_over_what_is_the_sites(second: Place, stick: Path) -> None:
    own = {
        "terminal": "entrance-2",
        "client_certificate": str(stick / "entrance-2.pem"),
        "client_key": str(stick / "entrance-2.key"),
        "direction": "button",
    }
    answers = answered(second, **own)
    [(first, configured)] = second.neighbours
    assert (answers["site"], answers["broker"]) == ("town-hall", "broker.town-hall.example")
    assert answers["jpki_ca"] == [str(first / "jpki-ca/authca.pem")]
    assert answers["collector_key"] == str(first / "collector.pub")
    assert answers["pepper"] == str(first / "keys/pepper.key")
    assert answers["reader"] == "*PICC*", "the other one is the first terminal's"
    pins = [answers[key] for key in ("green", "red", "buzzer", "button_in", "button_out")]
    assert pins == [16, 26, 13, 12, 25]
    made = document(answers, second)
    assert made["mqtt"]["ca"] == configured["mqtt"]["ca"] == "mqtt/ca.pem", "each has a copy of its own"
    assert list(notes(parse(write(made).encode(), second.folder / "kazasu.toml"), second)) == []


def test_two_terminals_share_neither_pins_nor_readers(second: Place) -> None:
    assert "GPIO17 is taken by kazasu@in, another terminal of this Pi" in fault(BY_KEY["green"], 17, {}, second)
    assert "GPIO23 is taken by kazasu@in" in fault(BY_KEY["buzzer"], 23, {}, second)
    answers = answered(second, **STAND_ALONE | {"cards": ["felica"], "reader": "SONY*"})
    config = parse(write(document(answers, second)).encode(), second.folder / "kazasu.toml")
    assert list(notes(config, second)) == [
        f"kazasu@in reads {RC_S300}, too: give each terminal of this Pi a reader of its own"
    ]


def test_a_lane_that_leads_one_way_only(place: Place) -> None:
    day = ["00:00-12:00", "12:00-00:00"]
    inwards = answered(place, **STAND_ALONE, direction="schedule", **{"in": day})
    assert inwards["out"] == NONE
    outwards = answered(place, **STAND_ALONE, direction="schedule", **{"in": NONE, "out": day})
    for answers in (inwards, outwards):
        parse(write(document(answers, place)).encode(), place.folder / "kazasu.toml")
    no_schedule = {"direction": "schedule", "in": NONE}
    assert "that is no schedule" in fault(BY_KEY["out"], NONE, no_schedule, place)


def test_what_is_not_asked_stays_as_it_is(place: Place) -> None:
    present = {**HAND_MADE, "outputs": {**HAND_MADE["outputs"], "cues": "cues.toml"}}
    present["outputs"]["gpio"] = {**HAND_MADE["outputs"]["gpio"], "green": {"pin": 4, "active_low": True}}
    here = place._replace(present=present)
    made = document(answered(here, **WITH_BROKER), here)
    assert made["journal"] == {"keep": "30d"}
    assert made["readers"][1] == {"name": "gate", "match": "*gate*"}
    assert made["outputs"]["cues"] == "cues.toml"
    assert made["outputs"]["gpio"]["green"] == {"pin": 4, "active_low": True}
    assert here.present["readers"][0] == HAND_MADE["readers"][0], "what is there now is not touched"


def test_a_key_that_is_not_configured_means_what_it_means_to_the_daemon(place: Place) -> None:
    present = {**HAND_MADE, "outputs": {"gpio": {**HAND_MADE["outputs"]["gpio"], "relay": {"pin": 16}}}}
    here = place._replace(present=present, list_readers=lambda: [RC_S300])
    answers = answered(here, **WITH_BROKER)
    assert answers["relay_active_low"] is False
    assert answers["state_dir"] == "/var/lib/kazasu"
    assert answers["reader"] == "*"


def test_what_an_answer_leaves_without_a_use_goes(place: Place) -> None:
    present = {
        **HAND_MADE,
        "buttons": {"in": {"pin": 23, "active_low": False}, "out": {"pin": 24}},
        "services": {"attendance": {"direction": "button"}},
        "mqtt": {**HAND_MADE["mqtt"], "ack_timeout": "9s"},
    }
    here = place._replace(present=present)
    made = document(answered(here, **STAND_ALONE, cards=["felica"], direction="alternate", outputs="terminal"), here)
    assert not {"buttons", "mqtt"} & made.keys()
    assert made["outputs"] == {"driver": "terminal"}
    assert made["cards"] == {"kinds": ["felica"]}
    assert made["collector"] == {"present": False}
    parse(write(made).encode(), place.folder / "kazasu.toml")


def test_a_file_that_lies_in_its_place_already_keeps_its_name(place: Place, stick: Path) -> None:
    (place.folder / "mqtt").mkdir(parents=True)
    renewed = place.folder / "mqtt" / "client-2027.pem"
    renewed.write_bytes((stick / "entrance-1.pem").read_bytes())
    made = document(answered(place, **WITH_BROKER | {"client_certificate": str(renewed)}), place)
    assert made["mqtt"]["certificate"] == "mqtt/client-2027.pem"


def test_pins_that_move_before_the_start_are_noted(place: Place) -> None:
    def said(**given: Any) -> list[str]:
        made = document(answered(place, **STAND_ALONE, **given), place)
        return list(notes(parse(write(made).encode(), place.folder / "kazasu.toml"), place))

    assert said() == said(relay=5) == said(relay=16, relay_active_low=False) == said(outputs="terminal") == []
    [relay] = said(relay=16)
    assert "GPIO16 is pulled down at power-on, which switches the relay on until Kazasu starts" in relay
    [buzzer] = said(buzzer=5)
    assert "GPIO5 is pulled up at power-on, which switches the buzzer on until Kazasu starts" in buzzer
    assert [note for note in said(direction="button", button_in=14) if "serial console" in note]
