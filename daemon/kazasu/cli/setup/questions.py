"""What an installer is asked: each question with its default, its check, and its place in the configuration.

An answer has the type that it has in a file of answers (TOML), typed or not, and is named by the same key.
"""

from __future__ import annotations

import enum
import json
import os
import re
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from kazasu.cli.setup import files
from kazasu.cli.setup.files import PUBLIC, SECRET
from kazasu.errors import KazasuError, ReaderUnavailable
from kazasu.model.configuration import Keys
from kazasu.readers.presence import ReaderPattern
from kazasu.store.backlog import Backlog
from kazasu.store.keys import pepper_in, verifier_in

NONE = "none"
"""The answer where there is no relay, broker or collector."""

NEW = "new"
"""The answer where the site has no pepper yet."""

KEEP = "keep"
"""The answer where this terminal has its pepper already."""

Answer: TypeAlias = str | int | bool | list[str]
Answers: TypeAlias = Mapping[str, Any]

_SLOT = re.compile(r"(?P<name>.+?)(?: \[.*\])?(?: \([^()]*\))? (?P<index>[0-9A-F]{2}) (?P<slot>[0-9A-F]{2})")
_SAM = re.compile(r"\bSAM\b")


class Configured(NamedTuple):
    """A configuration that is there.

    Attributes:
        folder: where it is.
        document: as tomli reads it.
    """

    folder: Path
    document: Mapping[str, Any]


class Place(NamedTuple):
    """Where the terminal is set up.

    Attributes:
        folder: the configuration's.
        present: the configuration that is there, as tomli reads it; empty if there is none that can be used.
        here: where relative paths in answers begin.
        list_readers: asks pcscd for the readers' names.
        neighbours: the other terminals of this Pi.
    """

    folder: Path
    present: Mapping[str, Any]
    here: Path
    list_readers: Callable[[], list[str]]
    neighbours: tuple[Configured, ...] = ()

    def path(self, answer: str) -> Path:
        """The file that an answer names."""
        return Path(os.path.normpath(self.here / Path(answer).expanduser()))

    def readers(self) -> list[str]:
        """The names that pcscd gives to the readers it sees; none if it does not answer."""
        try:
            return self.list_readers()
        except ReaderUnavailable:
            return []


class Form(enum.Enum):
    """What an answer looks like."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes or no"
    LIST = "list"

    def read(self, typed: str) -> Answer:
        """See Question.read."""
        match self:
            case Form.NUMBER if typed.isascii() and typed.isdecimal():
                return int(typed)
            case Form.YES_NO if typed.lower() in _YES_NO:
                return _YES_NO[typed.lower()]
            case Form.LIST:
                try:
                    return shlex.split(typed.replace(",", " "))
                except ValueError:  # a quotation mark that does not end
                    return typed.split()
            case _:
                return typed


_YES_NO = {"y": True, "yes": True, "はい": True, "true": True, "n": False, "no": False, "いいえ": False, "false": False}


class Question(NamedTuple):
    """One question.

    Attributes:
        key: its name in a file of answers.
        english: how it is asked.
        japanese: the same.
        form: what an answer looks like.
        table: where its value stands in the configuration: the tables, and the key.
        example: an answer, where there is no default.
        asked: whether these answers leave it open.
        default: the answer if nothing is typed; None if there has to be one.
        check: what is wrong with an answer that the configuration cannot know of; raises KazasuError.
        brings: where a file that the answer names is copied to; its own name is kept in a list.
        mode: the copy's.
        options: the only answers, if they are few; typed, their beginnings will do.
        or_none: whether `none` is an answer.
        unset: what the configuration means where it has the table, but not the key; None if that is `default`'s.
        shared: whether the terminals of a Pi mostly have the same answer.
        silent: not asked of a person; a file of answers may hold it.
    """

    key: str
    english: str
    japanese: str
    form: Form = Form.TEXT
    table: tuple[str, ...] = ()
    example: Answer = ""
    asked: Callable[[Answers], bool] = lambda _: True
    default: Callable[[Answers, Place], Answer | None] = lambda _answers, _place: None
    check: Callable[[Any, Answers, Place], None] = lambda _answer, _answers, _place: None
    brings: Path | None = None
    mode: int = PUBLIC
    options: tuple[str, ...] = ()
    or_none: bool = False
    unset: Answer | None = None
    shared: bool = False
    silent: bool = False

    def read(self, typed: str) -> Answer:
        """Make an answer of what was typed; what does not look like one stays text, which its check then names."""
        if self.or_none and typed.lower() == NONE:
            return NONE
        begun = [option for option in self.options if option.startswith(typed.lower())]
        return begun[0] if len(begun) == 1 else self.form.read(typed)


class Wrong(KazasuError):
    """An answer that cannot be taken, in words."""


def propose(names: list[str]) -> dict[str, str]:
    """Find a pattern for each reader that fits it again after it was plugged in anew, and no other reader.

    PC/SC names end in two hexadecimal numbers, of the reader and of its slot; the first changes with the order in which
    readers are plugged in. A serial number in round brackets, which Sony's have, would keep a spare one out.

    Args:
        names: as pcscd gives them.

    Returns:
        Pattern by name; slots for SAMs, which no card reaches, are left out.
    """
    usable = [name for name in names if not _SAM.search(name)]
    found = {}
    for name in usable:
        match = _SLOT.fullmatch(name)
        patterns = [] if match is None else [f"{match['name']}*", f"{match['name']}* {match['slot']}"]
        if "PICC" in name:
            patterns.insert(0, "*PICC*")
        fitting = (each for each in patterns if [other for other in names if fits(each, other)] == [name])
        # Two alike: only the whole name tells them apart.
        found[name] = next(fitting, name)
    return found


def fits(pattern: str, pcsc_name: str) -> bool:
    """Whether a pattern of the configuration means a PC/SC reader."""
    return ReaderPattern(name="", match=pattern).fits(pcsc_name)


def value_at(document: Mapping[str, Any], table: tuple[str, ...]) -> Any:
    """Look a value up; the first of several [[readers]] is the one that is asked about."""
    found: Any = document
    for name in table:
        if isinstance(found, list):
            found = found[0] if found else None
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _check_state_dir(answer: str, _answers: Answers, _place: Place) -> None:
    if not Path(answer).is_absolute():
        raise Wrong(f"{answer!r} has to begin with /")


def _check_owner(name: str) -> Callable[[Any, Answers, Place], None]:
    """A journal is one terminal's for ever."""

    def check(answer: str, answers: Answers, _place: Place) -> None:
        path = Path(answers["state_dir"]) / "journal.db"
        backlog = Backlog(path)
        try:
            newest = backlog.after(backlog.last_seq() - 1, 1) if path.exists() else ()
        finally:
            backlog.close()
        for _, body in newest:
            owner = json.loads(body)[name]
            if owner != answer:
                raise Wrong(
                    f"the journal here, {path}, is of the {name} {owner}: keep that name, or move it away first"
                )

    return check


def _check_reader(answer: str, _answers: Answers, place: Place) -> None:
    """A pattern that fits nothing may be meant for a reader that comes later; one that fits two is a mistake."""
    fitting = [name for name in place.readers() if fits(answer, name)]
    if len(fitting) > 1:
        raise Wrong(f"{answer!r} fits more than one: {', '.join(fitting)}")


def _check_outputs(answer: str, answers: Answers, _place: Place) -> None:
    if answer != "gpio" and answers.get("direction") == "button":
        raise Wrong("the buttons that were chosen before need gpio")


def _check_pin(question_key: str) -> Callable[[Any, Answers, Place], None]:
    def check(answer: object, answers: Answers, place: Place) -> None:
        for other in QUESTIONS:
            taken = other.key in _PINS and other.key != question_key and answers.get(other.key) == answer
            if taken and answer != NONE:
                raise Wrong(f"GPIO{answer} is taken: {other.english.partition(':')[0]}")
        for neighbour in place.neighbours:
            if answer in _pins_of(neighbour):
                raise Wrong(f"GPIO{answer} is taken by {neighbour.folder.name}, another terminal of this Pi")

    return check


def _pins_of(configured: Configured) -> set[object]:
    tables = [value_at(configured.document, table) or {} for table in (("outputs", "gpio"), ("buttons",))]
    return {part["pin"] for table in tables for part in table.values()}


def _check_jpki_ca(answer: list[str], _answers: Answers, place: Place) -> None:
    from kazasu.cards.certificates import TrustedIssuers

    paths = [place.path(each) for each in answer]
    TrustedIssuers.load(paths)
    if len({path.name for path in paths}) != len(paths):
        raise Wrong("two of the files have the same name")


def _check_broker_ca(answer: str, _answers: Answers, place: Place) -> None:
    files.check_ca(place.path(answer), datetime.now(UTC))


def _check_client_certificate(answer: str, answers: Answers, place: Place) -> None:
    files.check_client_certificate(place.path(answer), answers.get("terminal", ""), datetime.now(UTC))


def _check_client_key(answer: str, answers: Answers, place: Place) -> None:
    certificate = answers.get("client_certificate")
    files.check_client_key(place.path(answer), None if certificate is None else place.path(certificate))


def _check_public_key(answer: str, _answers: Answers, place: Place) -> None:
    if answer != NONE:
        path = place.path(answer)
        verifier_in(files.read(path, "public key"), path)


def pepper_path(folder: Path, document: Mapping[str, Any]) -> Path:
    """Where a configuration's pepper is."""
    return folder / (value_at(document, ("keys", "pepper")) or _PEPPER)


def _check_pepper(answer: str, answers: Answers, place: Place) -> None:
    there = pepper_path(place.folder, place.present)
    if answer == KEEP:
        if not there.exists():
            raise Wrong(f"there is no pepper yet in {there}")
        return
    if answer == NEW:
        if there.exists():
            raise Wrong(f"there is a pepper already, {there}: keep it, or move it away first")
        roster = Path(answers["state_dir"]) / "roster.db"
        if roster.exists():
            raise Wrong(f"cards are enrolled here, in {roster}, under a pepper that is missing: bring it back")
        return
    path = place.path(answer)
    pepper = pepper_in(files.read(path, "pepper"), path)
    if there.exists() and pepper_in(files.read(there, "pepper"), there) != pepper:
        raise Wrong(
            f"{there} holds another pepper, under which cards may be enrolled here: keep it, or move it away first"
        )


_PEPPER = Keys().pepper
_PINS = ("green", "red", "buzzer", "relay", "button_in", "button_out")


def _schedule(answers: Answers) -> bool:
    return answers.get("direction") == "schedule"


def _lights(answers: Answers) -> bool:
    return answers.get("outputs") == "gpio"


def _relay(answers: Answers) -> bool:
    return _lights(answers) and answers.get("relay", NONE) != NONE


def _buttons(answers: Answers) -> bool:
    return _lights(answers) and answers.get("direction") == "button"


def _jpki(answers: Answers) -> bool:
    return bool("jpki" in answers.get("cards", ()))


def _broker(answers: Answers) -> bool:
    return bool(answers.get("broker", NONE) != NONE)


def _default_out(answers: Answers, _place: Place) -> Answer:
    return ["15:00-05:00"] if answers.get("in") == ["05:00-12:00"] else NONE


def _check_out(answer: object, answers: Answers, _place: Place) -> None:
    if answer == answers.get("in") == NONE:
        raise Wrong("at no time in, and at no time out: that is no schedule")


def _default_reader(_answers: Answers, place: Place) -> Answer:
    """The first that is no neighbour's."""
    proposals = propose(place.readers())
    theirs = [value_at(neighbour.document, ("readers", "match")) or "*" for neighbour in place.neighbours]
    free = [pattern for name, pattern in proposals.items() if not any(fits(match, name) for match in theirs)]
    return next(iter([*free, *proposals.values()]), "*")


def _default_state_dir(_answers: Answers, place: Place) -> Answer:
    """kazasu@door.service keeps its state in /var/lib/kazasu@door."""
    return f"/var/lib/{place.folder.name}" if place.folder.parent == Path("/etc") else str(place.folder / "state")


def _default_jpki_ca(_answers: Answers, place: Place) -> Answer | None:
    return [str(path) for path in sorted((place.folder / "jpki-ca").glob("*.pem"))] or None


def _default_pepper(_answers: Answers, place: Place) -> Answer:
    """All terminals of a site have the same."""
    if pepper_path(place.folder, place.present).exists():
        return KEEP
    others = [pepper_path(*neighbour) for neighbour in place.neighbours]
    return next((str(path) for path in others if path.exists()), NEW)


def _there(path: str) -> Callable[[Answers, Place], Answer | None]:
    """A file that lies where it belongs already."""
    return lambda _, place: str(place.folder / path) if (place.folder / path).exists() else None


def _always(answer: Answer) -> Callable[[Answers, Place], Answer | None]:
    return lambda _answers, _place: answer


def _first_free(*numbers: int) -> Callable[[Answers, Place], Answer | None]:
    """The pins of docs/wiring.md, or of docs/install.md for a second terminal."""

    def free(_answers: Answers, place: Place) -> Answer | None:
        taken = {pin for neighbour in place.neighbours for pin in _pins_of(neighbour)}
        return next((number for number in numbers if number not in taken), None)

    return free


def _pin(key: str, english: str, japanese: str, asked: Callable[[Answers], bool], *numbers: int) -> Question:
    button = key.removeprefix("button_")
    return Question(
        key,
        english,
        japanese,
        Form.NUMBER,
        ("outputs", "gpio", key, "pin") if button == key else ("buttons", button, "pin"),
        asked=asked,
        default=_first_free(*numbers) if numbers else _always(NONE),
        check=_check_pin(key),
        or_none=not numbers,
    )


QUESTIONS = (
    Question(
        "state_dir",
        "Folder for journal, roster and send cursor; has to survive a reboot",
        "記録の保存先(再起動後も残る場所)",
        table=("terminal", "state_dir"),
        default=_default_state_dir,
        check=_check_state_dir,
        unset="/var/lib/kazasu",
        silent=True,
    ),
    Question(
        "site",
        "Site: the organisation's short name, one for all its terminals (a-z, 0-9, -)",
        "組織の短い名前。全端末で共通(英小文字・数字・ハイフン)",
        table=("terminal", "site"),
        example="town-hall",
        check=_check_owner("site"),
        shared=True,
    ),
    Question(
        "terminal",
        "Terminal: this one's own name, the only one of the site (a-z, 0-9, -)",
        "この端末の名前。組織内で重複しないもの(英小文字・数字・ハイフン)",
        table=("terminal", "id"),
        example="entrance-1",
        check=_check_owner("terminal"),
    ),
    Question(
        "timezone",
        "Time zone",
        "タイムゾーン",
        table=("terminal", "timezone"),
        default=_always("Asia/Tokyo"),
        shared=True,
    ),
    Question(
        "direction",
        "In or out: alternate (by turns), button (pressed before), schedule (by time)",
        "出勤・退勤の決め方: alternate(交互)、button(事前のボタン)、schedule(時間帯)",
        table=("services", "attendance", "direction"),
        default=_always("alternate"),
        options=("alternate", "button", "schedule"),
    ),
    Question(
        "in",
        "Times of day that mean in, or none; several with spaces",
        "「出勤」とする時間帯。なければ none (複数は空白区切り)",
        Form.LIST,
        ("services", "attendance", "in"),
        asked=_schedule,
        default=_always(["05:00-12:00"]),
        or_none=True,
    ),
    Question(
        "out",
        "Times of day that mean out, or none; at other times by turns",
        "「退勤」とする時間帯。なければ none (その他の時間は交互)",
        Form.LIST,
        ("services", "attendance", "out"),
        asked=_schedule,
        default=_default_out,
        check=_check_out,
        or_none=True,
    ),
    Question(
        "reader",
        "Reader: its PC/SC name, with * and ? for what may change",
        "リーダーの PC/SC 名(変わりうる部分は * と ?)",
        table=("readers", "match"),
        default=_default_reader,
        check=_check_reader,
        unset="*",
    ),
    Question(
        "reader_name",
        "What events call this reader (a-z, 0-9, _)",
        "記録に載るリーダーの名前(英小文字・数字・下線)",
        table=("readers", "name"),
        default=_always("desk"),
    ),
    Question(
        "cards",
        "Cards: jpki (My Number Card), felica, mifare",
        "カードの種類: jpki(マイナンバーカード)、felica、mifare",
        Form.LIST,
        ("cards", "kinds"),
        default=_always(["jpki", "felica", "mifare"]),
        shared=True,
    ),
    Question(
        "jpki_ca",
        "My Number Card: files with the CA certificates (PEM)",
        "マイナンバーカード: 認証局の証明書ファイル(PEM)",
        Form.LIST,
        ("cards", "jpki", "ca"),
        example=["authca02.pem", "authca03.pem"],
        asked=_jpki,
        default=_default_jpki_ca,
        check=_check_jpki_ca,
        brings=Path("jpki-ca/ca.pem"),
        shared=True,
    ),
    Question(
        "outputs",
        "Lights and buzzer: gpio (the Pi's pins), terminal (drawn as text)",
        "表示: gpio(端子の LED とブザー)、terminal(文字で表示)",
        table=("outputs", "driver"),
        default=_always("gpio"),
        check=_check_outputs,
        options=("gpio", "terminal"),
    ),
    _pin("green", "Green LED: GPIO (BCM) number", "緑 LED の GPIO(BCM)番号", _lights, 17, 16),
    _pin("red", "Red LED: GPIO number", "赤 LED の GPIO 番号", _lights, 27, 26),
    _pin("buzzer", "Buzzer: GPIO number", "ブザーの GPIO 番号", _lights, 22, 13),
    _pin("relay", "Relay: GPIO number, or none", "リレーの GPIO 番号(なければ none)", _lights),
    Question(
        "relay_active_low",
        "Does the relay switch on when its pin is low? Most boards do",
        "リレーはピンが Low のとき動作しますか(多くの基板は yes)",
        Form.YES_NO,
        ("outputs", "gpio", "relay", "active_low"),
        asked=_relay,
        default=_always(True),
        unset=False,
    ),
    _pin("button_in", 'Button "in": GPIO number', "「出勤」ボタンの GPIO 番号", _buttons, 23, 12),
    _pin("button_out", 'Button "out": GPIO number', "「退勤」ボタンの GPIO 番号", _buttons, 24, 25),
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
        asked=_broker,
        default=_always(8883),
        shared=True,
    ),
    Question(
        "broker_ca",
        "File with the site's CA certificate (PEM)",
        "組織の認証局証明書のファイル(PEM)",
        table=("mqtt", "ca"),
        example="ca.pem",
        asked=_broker,
        default=_there("mqtt/ca.pem"),
        check=_check_broker_ca,
        brings=Path("mqtt/ca.pem"),
        shared=True,
    ),
    Question(
        "client_certificate",
        "File with this terminal's certificate (PEM)",
        "この端末の証明書のファイル(PEM)",
        table=("mqtt", "certificate"),
        example="client.pem",
        asked=_broker,
        default=_there("mqtt/client.pem"),
        check=_check_client_certificate,
        brings=Path("mqtt/client.pem"),
    ),
    Question(
        "client_key",
        "File with the key to it (PEM)",
        "その秘密鍵のファイル(PEM)",
        table=("mqtt", "key"),
        example="client.key",
        asked=_broker,
        default=_there("keys/client.key"),
        check=_check_client_key,
        brings=Path("keys/client.key"),
        mode=SECRET,
    ),
    Question(
        "collector_key",
        "File with the collector's public key, or none",
        "コレクターの公開鍵のファイル(なければ none)",
        table=("collector", "key"),
        asked=_broker,
        default=lambda answers, place: _there("collector.pub")(answers, place) or NONE,
        check=_check_public_key,
        brings=Path("collector.pub"),
        or_none=True,
        shared=True,
    ),
    Question(
        "site_key",
        "File with the site's public key, for rosters and commands over MQTT, or none",
        "MQTT で名簿や指示を受け取るための組織の公開鍵ファイル(なければ none)",
        table=("site", "key"),
        asked=_broker,
        default=lambda answers, place: _there("site.pub")(answers, place) or NONE,
        check=_check_public_key,
        brings=Path("site.pub"),
        or_none=True,
        shared=True,
        silent=True,
    ),
    Question(
        "pepper",
        "The site's pepper: its file, from another terminal; new, if this is the first",
        "組織のペッパー: 他の端末からコピーしたファイル。1 台目なら new",
        example="pepper.key",
        default=_default_pepper,
        check=_check_pepper,
        brings=_PEPPER,
        mode=SECRET,
    ),
)

OPTIONAL_TABLES: dict[tuple[str, ...], Callable[[Answers], bool]] = {
    ("cards", "jpki"): _jpki,
    ("outputs", "gpio"): _lights,
    ("outputs", "gpio", "relay"): _relay,
    ("buttons",): _buttons,
    ("mqtt",): _broker,
    ("site",): lambda answers: _broker(answers) and answers.get("site_key", NONE) != NONE,
}
"""Tables that go as a whole when an answer leaves them without a use."""
