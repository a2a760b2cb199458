"""What an installer is asked, in this order: each question with its default and its check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kazasu.cli.setup.broker import BROKER_QUESTIONS, has_broker, has_site
from kazasu.cli.setup.brought_along import (
    PEPPER,
    check_jpki_ca,
    check_pepper,
    default_jpki_ca,
    default_pepper,
    state_dir_of,
)
from kazasu.cli.setup.files import SECRET
from kazasu.cli.setup.pins import PIN_QUESTIONS, has_buttons, has_lights, has_relay
from kazasu.cli.setup.place import Place, value_at
from kazasu.cli.setup.question import NONE, Answer, Answers, Form, Question, Wrong, always
from kazasu.cli.setup.reader_pattern import fits, propose
from kazasu.store.backlog import Backlog

if TYPE_CHECKING:
    from collections.abc import Callable


def _check_state_dir(answer: str, _answers: Answers, _place: Place) -> None:
    if not Path(answer).is_absolute():
        raise Wrong(f"{answer!r} has to begin with /")


def _check_owner(name: str) -> Callable[[Any, Answers, Place], None]:
    """A journal is one terminal's for ever."""

    def check(answer: str, answers: Answers, _place: Place) -> None:
        path = state_dir_of(answers) / "journal.db"
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


def _schedule(answers: Answers) -> bool:
    return answers.get("direction") == "schedule"


def _jpki(answers: Answers) -> bool:
    return bool("jpki" in answers.get("cards", ()))


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
        default=always("Asia/Tokyo"),
        shared=True,
    ),
    Question(
        "direction",
        "In or out: alternate (by turns), button (pressed before), schedule (by time)",
        "出勤・退勤の決め方: alternate(交互)、button(事前のボタン)、schedule(時間帯)",
        table=("services", "attendance", "direction"),
        default=always("alternate"),
        options=("alternate", "button", "schedule"),
    ),
    Question(
        "in",
        "Times of day that mean in, or none; several with spaces",
        "「出勤」とする時間帯。なければ none (複数は空白区切り)",
        Form.LIST,
        ("services", "attendance", "in"),
        asked=_schedule,
        default=always(["05:00-12:00"]),
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
        example="Sony RC-S300/S*",
        default=_default_reader,
        check=_check_reader,
        unset="*",
    ),
    Question(
        "reader_name",
        "What events call this reader (a-z, 0-9, _)",
        "記録に載るリーダーの名前(英小文字・数字・下線)",
        table=("readers", "name"),
        default=always("desk"),
    ),
    Question(
        "cards",
        "Cards: jpki (My Number Card), felica, mifare",
        "カードの種類: jpki(マイナンバーカード)、felica、mifare",
        Form.LIST,
        ("cards", "kinds"),
        default=always(["jpki", "felica", "mifare"]),
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
        default=default_jpki_ca,
        check=check_jpki_ca,
        brings=Path("jpki-ca/ca.pem"),
        shared=True,
    ),
    Question(
        "outputs",
        "Lights and buzzer: gpio (the Pi's pins), terminal (drawn as text)",
        "表示: gpio(端子の LED とブザー)、terminal(文字で表示)",
        table=("outputs", "driver"),
        default=always("gpio"),
        check=_check_outputs,
        options=("gpio", "terminal"),
    ),
    *PIN_QUESTIONS,
    *BROKER_QUESTIONS,
    Question(
        "pepper",
        "The site's pepper: its file, from another terminal; new, if this is the first",
        "組織のペッパー: 他の端末からコピーしたファイル。1 台目なら new",
        example="pepper.key",
        default=default_pepper,
        check=check_pepper,
        brings=PEPPER,
        mode=SECRET,
    ),
)


OPTIONAL_TABLES: dict[tuple[str, ...], Callable[[Answers], bool]] = {
    ("cards", "jpki"): _jpki,
    ("outputs", "gpio"): has_lights,
    ("outputs", "gpio", "relay"): has_relay,
    ("buttons",): has_buttons,
    ("mqtt",): has_broker,
    ("site",): has_site,
}
"""Tables that go as a whole when an answer leaves them without a use."""
