"""What is going to be written is said before, and all of it is written or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.setting_up import answered
from kazasu.cli.setup.enrolment import Enrolment
from kazasu.cli.setup.place import Place
from kazasu.cli.setup.plan import Plan, account, carry_out, plan_of
from kazasu.config import load
from kazasu.errors import KazasuError, KeyMaterialError

EVENT_KEY, PEPPER = "keys/event.key", "keys/pepper.key"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "etc", {}, tmp_path, list)


@pytest.fixture
def plan(place: Place) -> Plan:
    return planned(place)


def planned(place: Place, **given: object) -> Plan:
    answers = answered(place, site="town-hall", terminal="entrance-1", cards=["felica"], broker="none", **given)
    return plan_of(place.folder / "kazasu.toml", answers, place)


def enrolment(place: Place) -> Enrolment:
    return Enrolment(place.folder, place.folder / EVENT_KEY, place.folder / "journal.db")


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_was_planned_is_there_with_keys_and_a_folder_for_its_state(place: Place, plan: Plan) -> None:
    carry_out(plan, enrolment(place))
    assert written(place.folder) == {"kazasu.toml", EVENT_KEY, PEPPER, "event.pub.pem"}
    assert load(plan.path).terminal == plan.config.terminal
    assert plan.config.terminal.state_dir.stat().st_mode & 0o777 == 0o700


def test_what_becomes_of_each_file_is_said_before(place: Place, plan: Plan) -> None:
    assert next(account(plan)) == f"new        {plan.path}"
    carry_out(plan, enrolment(place))
    assert next(account(plan)) == f"kept       {plan.path}"
    other = planned(place, reader_name="door")
    assert next(account(other)) == f"replaced   {plan.path}; what is there now stays as kazasu.toml.old"


def test_a_note_is_wrapped_beside_its_word(plan: Plan) -> None:
    *_, first, second = account(plan._replace(files=[], notes=["a pin that something else uses " * 3]))
    assert first.startswith("note       a pin")
    assert second.startswith("           ")
    assert max(map(len, (first, second))) <= 79


def test_setting_up_again_keeps_keys_and_pepper(place: Place, plan: Plan) -> None:
    carry_out(plan, enrolment(place))
    before = {name: (place.folder / name).read_bytes() for name in (EVENT_KEY, PEPPER)}
    carry_out(planned(place, reader_name="door"), enrolment(place))
    assert {name: (place.folder / name).read_bytes() for name in before} == before


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(place: Place, plan: Plan) -> None:
    place.folder.mkdir()
    (place.folder / "kazasu.toml").mkdir()  # in the way
    with pytest.raises((KazasuError, OSError)):
        carry_out(plan, enrolment(place))
    assert written(place.folder) == set()


@pytest.mark.parametrize("name", [EVENT_KEY, PEPPER])
def test_a_key_that_cannot_be_used_is_found_before_anything_is_written(place: Place, name: str) -> None:
    (place.folder / "keys").mkdir(parents=True)
    (place.folder / name).write_text("a letter")
    (place.folder / name).chmod(0o600)
    with pytest.raises(KeyMaterialError, match=Path(name).name):
        planned(place, pepper="keep" if name == PEPPER else "new")
    assert written(place.folder) == {name}


def test_a_journal_without_its_key_is_never_given_another(place: Place) -> None:
    state_dir = place.folder / "state"
    state_dir.mkdir(parents=True)
    (state_dir / "journal.db").touch()
    with pytest.raises(KeyMaterialError, match=r"the key that signs it, .*event\.key, is missing"):
        planned(place)


@pytest.mark.parametrize(
    ("path", "option"), [("/etc/kazasu/kazasu.toml", ""), ("/srv/kazasu.toml", " --config /srv/kazasu.toml")]
)
def test_commands_name_a_configuration_that_is_not_where_they_look(plan: Plan, path: str, option: str) -> None:
    assert plan._replace(path=Path(path)).option == option
