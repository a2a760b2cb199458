"""A new layer of the pepper at the desk: begun once, finished once all have it, whole wherever the power fails."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.codes import kept
from fakes.enrolment import NOW, Newcomer, admission
from fakes.power import power_for
from kazasu.errors import KazasuError, RosterError
from kazasu.model.code import lifted
from kazasu.model.pepper import MOST_LAYERS
from kazasu.site import pepper_rotation
from kazasu.site.codes import give_code, read_codes
from kazasu.site.directory import Site, open_site
from kazasu.site.files_layer import broken_off, layer_of
from kazasu.store.keys import new_pepper, pepper_text
from kazasu.virtual.site import PASSPHRASE

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "cardholder,name,credential,min_assurance,valid_from,valid_until\n"
CARD, CODE = "0123456789abcdef" * 2, "f" * 32
PEOPLE = f'1001,"Yamada, Hanako",{CARD},serial,,\n1002,Suzuki Ichiro,,,,\n'
PIN = kept("482913", "5170", "8026")


@pytest.fixture
def desk(site: Site) -> Site:
    """A site with a roster, one code, and no terminal."""
    site.file("roster/people.csv").write_text(HEADER + PEOPLE)
    give_code(site.file("roster/codes.csv"), "1001", CODE, PIN)
    return site


def layers_of_files(site: Site) -> set[str]:
    """Under which layers the two files are, by what stands in them."""
    forms, codes = site.pepper().forms(CARD), site.pepper().forms(CODE)
    [(code, _)] = read_codes(site.file("roster/codes.csv")).values()
    people = site.file("roster/people.csv").read_text()
    [place] = [number for number, form in enumerate(forms) if form in people]
    return {site.pepper().ids[place], site.pepper().ids[codes.index(code)]}


def test_it_is_begun_once_and_finished_once(desk: Site) -> None:
    first = layer_of(desk)
    with pytest.raises(KazasuError, match="begins it"):
        pepper_rotation.finish(desk)
    second = pepper_rotation.begin(desk)
    assert pepper_rotation.begin(desk) == second != first
    assert desk.pepper().ids == (first, second)
    assert (layer_of(desk), pepper_rotation.under_way(desk)) == (first, True)

    assert pepper_rotation.finish(desk) == second

    pepper = desk.pepper()
    assert (layer_of(desk), pepper_rotation.under_way(desk)) == (second, False)
    assert desk.file("roster/people.csv").read_text() == HEADER + PEOPLE.replace(CARD, pepper.forms(CARD)[1])
    code = (pepper.forms(CODE)[1], lifted(PIN, pepper, first, second))
    assert read_codes(desk.file("roster/codes.csv")) == {"1001": code}
    with pytest.raises(KazasuError, match="begins it"):
        pepper_rotation.finish(desk)
    assert pepper_rotation.begin(desk) != second


def test_no_layer_goes_over_the_last_that_terminals_take(desk: Site) -> None:
    pepper = desk.pepper()
    while len(pepper.layers) < MOST_LAYERS:
        pepper = new_pepper(pepper)
    desk.key_file("pepper").write_bytes(pepper_text(pepper))
    desk.file("pepper.id").write_text(pepper.newest)
    with pytest.raises(KazasuError, match="has 100 layers"):
        pepper_rotation.begin(desk)
    assert desk.pepper() == pepper


@pytest.mark.rule(7)
def test_a_layer_that_a_stolen_terminal_was_given_gets_another_over_it(desk: Site) -> None:
    admission(desk).accept(Newcomer(desk).asks(), NOW)
    first, second = layer_of(desk), pepper_rotation.begin(desk)
    desk.save(msgspec.structs.replace(desk.terminal("entrance-1"), layer=second).revoked(NOW))

    third = pepper_rotation.begin(desk)
    assert desk.pepper().ids == (first, second, third)
    assert pepper_rotation.begin(desk) == third

    assert pepper_rotation.finish(desk) == third
    assert layers_of_files(desk) == {third}


def test_no_layer_goes_over_one_that_is_just_being_laid_over_the_files(desk: Site) -> None:
    admission(desk).accept(Newcomer(desk).asks(), NOW)
    second = pepper_rotation.begin(desk)
    desk.save(msgspec.structs.replace(desk.terminal("entrance-1"), layer=second).revoked(NOW))
    steps = 0
    while not broken_off(desk):
        with power_for(steps):
            pepper_rotation.finish(desk)
        steps += 1

    with pytest.raises(RosterError, match="--finish"):
        pepper_rotation.begin(desk)
    assert pepper_rotation.finish(desk) == second
    assert pepper_rotation.begin(desk) != second


def test_it_waits_for_each_terminal_that_is_there_or_invited(desk: Site) -> None:
    newcomer, invited = Newcomer(desk), Newcomer(desk, "entrance-2")
    admission(desk).accept(newcomer.asks(), NOW)
    second = pepper_rotation.begin(desk)
    assert pepper_rotation.lacking(desk) == ("entrance-1", "entrance-2")
    with pytest.raises(KazasuError, match=r"entrance-1, entrance-2; .*kazasu renew.*revoke"):
        pepper_rotation.finish(desk)
    assert (desk.file("roster/people.csv")).read_text() == HEADER + PEOPLE

    desk.save(msgspec.structs.replace(desk.terminal("entrance-1"), layer=second))
    desk.save(desk.terminal(invited.terminal).revoked(NOW))
    assert pepper_rotation.lacking(desk) == ()
    pepper_rotation.finish(desk)


def test_a_line_that_cannot_be_read_stops_it_before_anything_is_changed(desk: Site) -> None:
    (desk.file("roster/people.csv")).write_text(HEADER + PEOPLE + "1003,Sato,xyz,serial,,\n")
    before = {path: path.read_bytes() for path in desk.path.rglob("*.csv")}
    pepper_rotation.begin(desk)
    with pytest.raises(RosterError, match="line 4: "):
        pepper_rotation.finish(desk)
    assert {path: path.read_bytes() for path in desk.path.rglob("*.csv")} == before
    assert not broken_off(desk)


def test_without_a_roster_there_is_nothing_to_lay_it_over(site: Site) -> None:
    second = pepper_rotation.begin(site)
    assert pepper_rotation.finish(site) == second == layer_of(site)


def test_wherever_the_power_fails_the_files_are_under_one_layer_in_the_end(desk: Site, tmp_path: Path) -> None:
    """And in between nobody publishes them."""
    pepper_rotation.begin(desk)
    seen, steps = set(), 0
    while "done" not in seen:
        copy = open_site(shutil.copytree(desk.path, tmp_path / f"copy-{steps}"))
        with power_for(steps):
            pepper_rotation.finish(copy)
            seen.add("done")
        if broken_off(copy):
            seen.add("broken off")
            with pytest.raises(RosterError, match="--finish` goes on"):
                _ = layer_of(copy)
            pepper_rotation.finish(copy)
        elif pepper_rotation.under_way(copy):
            seen.add("not begun")
            assert layers_of_files(copy) == {layer_of(desk)}
            pepper_rotation.finish(copy)
        assert layers_of_files(copy) == {copy.pepper().newest} == {layer_of(copy)}
        assert not list(copy.file("roster").glob(".*"))
        steps += 1
    assert seen == {"done", "broken off", "not begun"}


def test_a_file_that_somebody_removed_while_it_was_broken_off_comes_back(desk: Site) -> None:
    pepper_rotation.begin(desk)
    steps = 0
    while not broken_off(desk):
        with power_for(steps):
            pepper_rotation.finish(desk)
        steps += 1
    desk.file("roster/people.csv").unlink()

    newest = pepper_rotation.finish(desk)
    assert layers_of_files(desk) == {newest} == {layer_of(desk)}


def test_what_somebody_changed_while_it_was_broken_off_is_laid_over_too(desk: Site) -> None:
    pepper_rotation.begin(desk)
    steps = 0
    while not broken_off(desk):
        with power_for(steps):
            pepper_rotation.finish(desk)
        steps += 1
    people = desk.file("roster/people.csv")
    assert CARD in people.read_text(), "not moved yet"
    people.write_text(people.read_text() + f"1004,Ito,{'9' * 32},serial,,\n")

    pepper_rotation.finish(desk)

    assert desk.pepper().forms("9" * 32)[1] in people.read_text()
    assert layers_of_files(desk) == {layer_of(desk)}


def test_wherever_the_power_fails_at_the_beginning_there_is_one_next_layer(desk: Site) -> None:
    first, steps = desk.pepper(), 0
    while not pepper_rotation.under_way(desk):
        with power_for(steps):
            pepper_rotation.begin(desk)
        steps += 1
        assert desk.pepper().layers[:1] == first.layers
    assert pepper_rotation.begin(desk) == desk.pepper().newest
    assert len(desk.pepper().layers) == 2


def test_the_announcement_names_all_layers(desk: Site) -> None:
    from kazasu.enrolment.layers import layers_in

    pepper_rotation.begin(desk)
    said = pepper_rotation.announced(desk, desk.unlock(PASSPHRASE), NOW)
    assert layers_in(said.body, desk.name, desk.verifier()) == desk.pepper().ids
