"""A file of answers: everything that is wrong with it is said at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tomli

from kazasu.cli.setup.answers_file import load, template
from kazasu.cli.setup.configuration_text import EXAMPLE_PATH
from kazasu.cli.setup.place import Place
from kazasu.cli.setup.questions import QUESTIONS
from kazasu.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

ENOUGH = 'site = "town-hall"\nterminal = "entrance-1"\ncards = ["felica"]\nbroker = "none"\n'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "etc", {}, tmp_path, list)


def mistakes(text: str, place: Place) -> list[str]:
    path = place.here / "answers.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load(path, place)
    return [line.removeprefix(f"{path}: ") for line in str(raised.value).splitlines()]


def test_a_few_answers_are_enough(place: Place) -> None:
    path = place.here / "answers.toml"
    path.write_text(ENOUGH)
    answers = load(path, place)
    assert (answers["site"], answers["green"], answers["pepper"]) == ("town-hall", 17, "new")


def test_all_that_is_missing_is_named_at_once_with_what_to_put(place: Place) -> None:
    lines = mistakes("", place)
    assert [line.partition(":")[0] for line in lines] == ["site", "terminal", "jpki_ca", "broker"]
    assert lines[0] == (
        "site: missing: Site: the organisation's short name, one for all its terminals (a-z, 0-9, -); put, say,"
        ' site = "town-hall"'
    )


def test_all_that_is_wrong_is_named_at_once(place: Place) -> None:
    lines = mistakes('site = "Town Hall"\ntermnal = "a"\ngreen = 99\nbroker = "b"\nclient_key = "no"\ncards=[]', place)
    assert [line.partition(":")[0] for line in lines] == [
        *("termnal", "site", "terminal", "cards", "green", "broker_ca", "client_certificate", "client_key"),
    ]
    assert lines[0] == "termnal: unknown; did you mean terminal?"


def test_an_unknown_key_that_resembles_none_is_told_what_there_is(place: Place) -> None:
    [line] = mistakes(f"{ENOUGH}xyz = 1", place)
    assert line.startswith("xyz: unknown; there are: state_dir, site, terminal, ")


def test_what_is_no_file_of_answers_is_said(place: Place) -> None:
    assert mistakes("site: town-hall", place)[0].startswith("not TOML: ")
    assert mistakes("[site]\nname = 1", place)[0] == "site: {'name': 1} is not a text"
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load(place.here / "nowhere.toml", place)


def test_one_file_need_not_stand_in_a_list(place: Place) -> None:
    [line] = mistakes(ENOUGH.replace('["felica"]', '"jpki"') + 'jpki_ca = "authca.pem"', place)
    assert line.startswith(f"jpki_ca: {place.here}/authca.pem: the CA certificate cannot be read")


def test_what_is_not_asked_may_be_answered_all_the_same(place: Place) -> None:
    path = place.here / "answers.toml"
    path.write_text(f'{ENOUGH}button_in = 99\nclient_key = "nowhere"\n')
    assert not {"button_in", "client_key"} & load(path, place).keys()


def test_the_template_names_every_question_and_what_is_needed(place: Place) -> None:
    text = "\n".join(template(place))
    assert all(question.english in text for question in QUESTIONS)
    assert mistakes(text, place) == mistakes("", place)
    filled = text.replace('site = ""', 'site = "a"').replace('terminal = ""', 'terminal = "b"')
    filled = filled.replace('broker = ""', 'broker = "none"').replace("# cards = ", 'cards = ["felica"] # ')
    (place.here / "answers.toml").write_text(filled, encoding="utf-8")
    (place.here / "enough.toml").write_text(ENOUGH.replace("town-hall", "a").replace("entrance-1", "b"))
    assert load(place.here / "answers.toml", place) == load(place.here / "enough.toml", place)


def test_every_line_that_is_commented_out_is_its_default(place: Place) -> None:
    for question, line in zip(QUESTIONS, [line for line in template(place) if " = " in line], strict=True):
        assert question.key in tomli.loads(line.removeprefix("# "))


def test_of_a_terminal_that_is_configured_the_template_holds_what_is(place: Place) -> None:
    present = tomli.loads(EXAMPLE_PATH.read_text(encoding="utf-8"))
    given = tomli.loads("\n".join(template(place._replace(present=present))))
    assert (given["site"], given["broker"], given["green"]) == ("town-hall", "broker.town-hall.example", 17)
    assert given["jpki_ca"] == []  # those files are not there


def test_what_a_bundle_has_settled_need_not_stand_there_and_may_not_be_contradicted(place: Place) -> None:
    path = place.here / "answers.toml"
    path.write_text('cards = ["felica"]\nbroker = "none"\n')
    settled = {"site": "town-hall", "terminal": "entrance-1"}
    assert load(path, place, settled)["terminal"] == "entrance-1"
    path.write_text(ENOUGH.replace("entrance-1", "entrance-2"))
    with pytest.raises(ConfigurationError) as raised:
        load(path, place, settled)
    assert str(raised.value) == f'{path}: terminal: the bundle says "entrance-1"; leave it out here'


def test_a_state_dir_that_is_refused_does_not_hide_the_rest(place: Place) -> None:
    [line] = mistakes(f'state_dir = "state"\n{ENOUGH}', place)
    assert line == "state_dir: 'state' has to begin with /"
