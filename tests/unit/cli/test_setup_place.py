"""What is found where a terminal is set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli

from fakes.configuration import SMALLEST
from kazasu.cli.setup.place import Configured, Place, place_of, value_at
from kazasu.errors import ReaderUnavailable


def configured(folder: Path, text: str = SMALLEST) -> Path:
    folder.mkdir()
    path = folder / "kazasu.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("document", "table", "value"),
    [
        ({"outputs": {"gpio": {"green": {"pin": 17}}}}, ("outputs", "gpio", "green", "pin"), 17),
        ({"outputs": {}}, ("outputs", "gpio", "green", "pin"), None),
        ({"outputs": "gpio"}, ("outputs", "gpio"), None),
        ({"readers": [{"name": "desk"}, {"name": "door"}]}, ("readers", "name"), "desk"),
        ({"readers": []}, ("readers", "name"), None),
        ({"collector": {"present": False}}, ("collector", "present"), False),
    ],
)
def test_a_value_is_looked_up_and_of_several_readers_the_first_ones(
    document: dict[str, Any], table: tuple[str, ...], value: object
) -> None:
    assert value_at(document, table) is value


def test_what_is_configured_there_is_found(tmp_path: Path) -> None:
    path = configured(tmp_path / "kazasu")
    place = place_of(path, None)
    assert (place.folder, place.present, place.here) == (path.parent, tomli.loads(SMALLEST), Path.cwd())
    assert place_of(tmp_path / "kazasu@door/kazasu.toml", None).present == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[terminal", "cannot be used, and is not taken over"),
        (SMALLEST.replace("town-hall", "Town Hall"), "terminal.site: 'Town Hall' is not"),
    ],
)
def test_a_configuration_that_cannot_be_used_counts_as_none_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    assert place_of(configured(tmp_path / "kazasu", text), None).present == {}
    assert words in capsys.readouterr().err


def test_the_other_terminals_of_this_pi_are_found_by_their_folders(tmp_path: Path) -> None:
    own, _, _, _ = (
        configured(tmp_path / "kazasu"),
        configured(tmp_path / "kazasu@door"),
        configured(tmp_path / "kazasu-collector"),
        configured(tmp_path / "kazasu@broken", "[terminal"),
    )
    document = tomli.loads(SMALLEST)
    assert place_of(own, None).neighbours == (Configured(tmp_path / "kazasu@door", document),)
    assert place_of(tmp_path / "kazasu@door/kazasu.toml", None).neighbours == (Configured(own.parent, document),)
    assert place_of(tmp_path / "kazasu-collector/kazasu.toml", None).neighbours == ()


def test_names_of_files_begin_where_the_answers_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/pi")
    place = place_of(tmp_path / "kazasu.toml", tmp_path / "stick" / "answers.toml")
    assert place.path("../ca.pem") == tmp_path / "ca.pem"
    assert place.path("~/ca.pem") == Path("/home/pi/ca.pem")
    assert place.path("/media/ca.pem") == Path("/media/ca.pem")


def test_without_pcscd_there_are_no_readers(tmp_path: Path) -> None:
    def silent() -> list[str]:
        raise ReaderUnavailable("pcscd does not answer")

    assert Place(tmp_path, {}, tmp_path, silent).readers() == []
    assert Place(tmp_path, {}, tmp_path, lambda: ["RC-S300"]).readers() == ["RC-S300"]
