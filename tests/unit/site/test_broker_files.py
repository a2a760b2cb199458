"""A broker's files are the shipped ones, with the site's own names in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakes.enrolment import NOW, Newcomer, admission
from kazasu.site.admission import invite
from kazasu.site.broker_files import SAVES_EACH_CHANGE, access_list, configuration, files
from kazasu.site.directory import TerminalRecord

if TYPE_CHECKING:
    from kazasu.site.directory import Site

SHIPPED = Path(__file__).parents[3] / "config" / "mosquitto"


def test_the_configuration_is_the_shipped_one_but_for_paths_and_what_was_revoked(site: Site) -> None:
    made = files(site)["kazasu.conf"][0].decode().splitlines()
    shipped = (SHIPPED / "kazasu.conf").read_text().splitlines()
    more = set(made) - set(shipped)
    assert {line.split()[0] for line in more} == {"listener", "crlfile", "#"}
    assert {line.split()[0] for line in set(shipped) - set(made)} == {"listener"}
    assert f"listener {site.address.port}" in made


def test_above_a_hundred_terminals_the_broker_saves_by_time(site: Site) -> None:
    for number in range(SAVES_EACH_CHANGE + 1):
        site.save(TerminalRecord(id=f"t-{number}", state="active"))
    assert "\nautosave_on_changes false\n" in files(site)["kazasu.conf"][0].decode()
    assert "\nautosave_interval 1\n" in files(site)["kazasu.conf"][0].decode()
    site.save(TerminalRecord(id="t-0", state="revoked"))
    assert "\nautosave_on_changes true\n" in files(site)["kazasu.conf"][0].decode()


def test_a_line_is_replaced_by_its_first_word_or_comes_on_top() -> None:
    text = configuration({"listener": "listener 1", "log_timestamp": "log_timestamp false"})
    assert "listener 1\n" in text
    assert "listener 8883" not in text
    assert text.endswith("log_timestamp false\n")


def test_the_access_list_is_the_shipped_one_for_this_site_alone(site: Site) -> None:
    text = access_list(site)
    assert text == (SHIPPED / "acl").read_text().replace("/v1/+/", "/v1/town-hall/")
    assert "kazasu/v1/+/" not in text


def test_a_bundle_has_lines_of_its_own_until_it_was_used(site: Site) -> None:
    newcomer = Newcomer(site)
    _, _, its = access_list(site).partition("\nuser enrol-entrance-1\n")
    patterns = [line.split()[-1] for line in access_list(site).splitlines() if line.startswith("pattern ")]
    denied = [line.removeprefix("topic deny ") for line in its.splitlines() if line.startswith("topic deny ")]
    assert denied == [pattern.replace("%u", "enrol-entrance-1") for pattern in patterns]
    admission(site).accept(newcomer.asks(), NOW)
    assert "enrol-entrance-1" not in access_list(site)
    invite(site, "hall", None, NOW - NOW, NOW, again=False)
    assert "hall" not in access_list(site).replace("town-hall", ""), "a bundle without a certificate needs none"


def test_keys_are_secret_and_all_the_broker_needs_is_there(site: Site) -> None:
    found = files(site)
    assert {name: mode for name, (_, mode) in found.items()} == {
        "kazasu.conf": 0o644,
        "ca.pem": 0o644,
        "broker.pem": 0o644,
        "broker.key": 0o600,
        "acl": 0o600,
        "crl.pem": 0o644,
    }
