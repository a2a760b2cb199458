"""The pepper that is there is never lost, and what lies where it belongs is proposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazasu.cli.setup.brought_along import (
    KEEP,
    NEW,
    check_pepper,
    check_public_key,
    default_jpki_ca,
    default_pepper,
    pepper_path,
    there,
)
from kazasu.cli.setup.place import Configured, Place
from kazasu.cli.setup.question import NONE, Wrong
from kazasu.errors import KeyMaterialError
from kazasu.store.keys import generate_pepper, generate_signer, write_public


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "kazasu", {}, tmp_path / "stick", list)


def pepper_in(folder: Path, name: str = "keys/pepper.key") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    generate_pepper(path)
    return path


def test_the_pepper_that_is_there_can_only_be_kept(place: Place) -> None:
    answers = {"state_dir": str(place.folder)}
    own = pepper_in(place.folder)
    brought = pepper_in(place.here, "pepper.key")
    check_pepper(KEEP, answers, place)
    with pytest.raises(Wrong, match=f"there is a pepper already, {own}: keep it"):
        check_pepper(NEW, answers, place)
    with pytest.raises(Wrong, match=f"{own} holds another pepper"):
        check_pepper("pepper.key", answers, place)
    brought.write_bytes(own.read_bytes())
    check_pepper("pepper.key", answers, place)


def test_without_a_pepper_there_is_none_to_keep_and_none_is_made_over_enrolled_cards(place: Place) -> None:
    answers = {"state_dir": str(place.folder)}
    with pytest.raises(Wrong, match="there is no pepper yet"):
        check_pepper(KEEP, answers, place)
    check_pepper(NEW, answers, place)
    place.folder.mkdir()
    (place.folder / "roster.db").touch()
    with pytest.raises(Wrong, match="cards are enrolled here"):
        check_pepper(NEW, answers, place)


def test_what_is_no_pepper_is_refused(place: Place) -> None:
    place.here.mkdir()
    (place.here / "letter").write_text("Dear installer,\n")
    for name in ("letter", "nowhere"):
        with pytest.raises(KeyMaterialError, match=name):
            check_pepper(name, {"state_dir": "/"}, place)


def test_the_pepper_is_looked_for_where_the_configuration_says(tmp_path: Path) -> None:
    assert pepper_path(tmp_path, {}) == tmp_path / "keys/pepper.key"
    assert pepper_path(tmp_path, {"keys": {"pepper": "/secrets/pepper"}}) == Path("/secrets/pepper")


def test_its_own_pepper_is_proposed_then_a_neighbours_then_a_new_one(tmp_path: Path, place: Place) -> None:
    first, second = (Configured(tmp_path / name, {}) for name in ("kazasu@a", "kazasu@b"))
    place = place._replace(neighbours=(first, second))
    assert default_pepper({}, place) == NEW
    path = pepper_in(second.folder)
    assert default_pepper({}, place) == str(path)
    pepper_in(place.folder)
    assert default_pepper({}, place) == KEEP


def test_files_that_lie_where_they_belong_are_proposed_by_name_in_order(place: Place) -> None:
    assert default_jpki_ca({}, place) is None
    assert there("mqtt/ca.pem")({}, place) is None
    for name in ("jpki-ca/authca03.pem", "jpki-ca/authca02.pem", "jpki-ca/README", "mqtt/ca.pem"):
        (place.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (place.folder / name).touch()
    assert default_jpki_ca({}, place) == [str(place.folder / f"jpki-ca/authca0{number}.pem") for number in (2, 3)]
    assert there("mqtt/ca.pem")({}, place) == str(place.folder / "mqtt/ca.pem")


def test_a_public_key_is_one_or_none(place: Place) -> None:
    place.here.mkdir()
    write_public(place.here / "collector.pub", generate_signer(place.here / "collector.key"))
    check_public_key("collector.pub", {}, place)
    check_public_key(NONE, {}, place)
    with pytest.raises(KeyMaterialError, match=r"collector\.key"):
        check_public_key("collector.key", {}, place)
