"""The package in a machine: systemd with the shipped unit, pcscd, a GPIO chip of the kernel's, a broker with TLS."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.vpcd import Slot
from vm.conftest import Terminal, install
from vm.machine import PINS, Machine
from vm.site import Site

if TYPE_CHECKING:
    from vm.image import Image

MOST_RSS_MB = 60
UNIT = "kazasu"
_DOOR = """
site = "demo"
terminal = "door-1"
timezone = "Asia/Tokyo"
direction = "alternate"
reader = "Virtual PCD 00 01"
reader_name = "door"
cards = ["jpki", "felica", "mifare"]
jpki_ca = ["authca.pem"]
outputs = "gpio"
green = 5
red = 6
buzzer = 13
relay = "none"
broker = "none"
pepper = "pepper.key"
"""


def show(machine: Machine, name: str) -> str:
    return machine.sh(f"systemctl show --value -p {name} {UNIT}").strip()


def lit(machine: Machine, since: int, pin: int) -> bool:
    """Whether an output went on after so many changes."""
    return any(change.levels[pin] for change in machine.pins[since:])


def green_again(machine: Machine, greens: int) -> bool:
    """Wait for one more green light than there were."""
    return machine.wait_for_pins(lambda: machine.greens() > greens)


def test_an_installers_evening(terminal: Terminal) -> None:
    """apt install, kazasu setup --answers, and the first tap is at the broker."""
    machine, site, transcript = terminal
    greens = machine.greens()

    fields = site.tap(site.staff[0].card)

    assert green_again(machine, greens)
    assert (fields["cardholder"], fields["assurance"], fields["reader"]) == ("1001", "signed_data", "desk")
    assert "no problem found" in transcript
    print("\n".join(transcript))
    print("the first tap, at the broker:\n" + json.dumps(fields, indent=1, ensure_ascii=False))
    print(machine.sh("systemctl status --no-pager --lines=0 kazasu; ls -l /dev/gpiochip0"))


def test_from_power_on_to_ready(terminal: Terminal) -> None:
    machine, site, _ = terminal
    machine.power_off()
    since = len(machine.pins)
    machine.start()
    site.plug_in(machine)

    assert machine.wait_for_pins(lambda: lit(machine, since, PINS["red"])), "the steady light of a terminal in order"
    machine.wait_until("systemctl is-active kazasu")
    boot = machine.sh("systemd-analyze").splitlines()[0]
    ready_s = int(show(machine, "ActiveEnterTimestampMonotonic")) / 1e6
    start_s = ready_s - int(show(machine, "InactiveExitTimestampMonotonic")) / 1e6
    site.tap(site.staff[1].card)
    rss_mb = int(machine.sh(f"awk '/VmRSS/ {{print $2}}' /proc/{show(machine, 'MainPID')}/status")) / 1024
    print(f"READY {ready_s:.1f} s after the kernel began, {start_s:.1f} s of it its own start; RSS {rss_mb:.1f} MB")
    print(boot)
    assert rss_mb < MOST_RSS_MB


def test_each_of_the_staff_is_answered_with_light_and_sound(terminal: Terminal) -> None:
    machine, site, _ = terminal
    for person in site.staff:
        since, greens = len(machine.pins), machine.greens()
        fields = site.tap(person.card)
        assert fields["cardholder"] == person.number
        assert green_again(machine, greens)
        assert lit(machine, since, PINS["buzzer"])
    greens = machine.greens()
    since = len(machine.pins)
    assert site.tap(site.stranger)["reason"] == "unknown_card"
    assert machine.wait_for_pins(lambda: lit(machine, since, PINS["red"]))
    assert machine.greens() == greens


def test_the_unit_that_runs_is_the_one_that_is_shipped(terminal: Terminal) -> None:
    """With all its hardening: the daemon has only what it names, and works."""
    machine, site, _ = terminal
    report = machine.sh("systemd-analyze --no-pager security kazasu")
    score = re.search(r"exposure level for kazasu.service: ([0-9.]+)", report)
    assert score
    print(score[0])
    assert float(score[1]) <= 1.5
    pid = show(machine, "MainPID")
    status = machine.sh(f"cat /proc/{pid}/status")
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    assert machine.sh(f"ps -o user= -p {pid}").strip() == "kazasu"
    assert machine.sh(f"cat /proc/{pid}/oom_score_adj").strip() == "-900"
    # Nothing but its own state and memory can be written to by it; /run/kazasu is for a display's page.
    looks = f"nsenter -t {pid} -m setpriv --reuid=kazasu --regid=kazasu --clear-groups find"
    writable = machine.sh(
        f"{looks} /etc /home /opt /run /srv /tmp /usr /var -type d -writable 2>/dev/null || true"
    ).split()
    assert set(writable) == {"/var/lib/kazasu", "/run/kazasu", "/tmp", "/var/tmp"}
    # The keys are root's; the daemon has them from systemd, in memory.
    assert machine.sh("stat -c '%U %a' /etc/kazasu/keys /etc/kazasu/keys/event.key").split() == [
        "root",
        "700",
        "root",
        "600",
    ]
    # lgpio's FIFOs did not stay, and did not keep the pins from being opened.
    assert machine.sh("find /var/lib/kazasu / -xdev -name '.lgd-nfy*' | wc -l").strip() == "0"
    assert site.tap(site.staff[2].card)["cardholder"] == "1003"


def test_the_doctor_stands_beside_the_running_terminal(terminal: Terminal) -> None:
    machine, site, _ = terminal
    report = machine.sh("kazasu doctor")
    assert "the pins are in use, as they are while the terminal runs" in report
    assert report.splitlines()[-1] == "no problem found"
    assert site.tap(site.staff[0].card)["cardholder"] == "1001"


def test_the_buttons_say_which_way(terminal: Terminal) -> None:
    machine, site, _ = terminal
    machine.sh("cp /etc/kazasu/kazasu.toml /root/before.toml")
    by_button = machine.sh("cat /etc/kazasu/kazasu.toml").replace('direction = "alternate"', 'direction = "button"')
    assert 'direction = "button"' in by_button
    pins = "\n[buttons]\nin = { pin = 23 }\nout = { pin = 24 }\n"
    machine.put((by_button + pins).encode(), "/etc/kazasu/kazasu.toml")
    for pin in (23, 24):
        machine.sh(f"echo pull-up >/sys/devices/platform/gpio-sim.0/gpiochip0/sim_gpio{pin}/pull")
    machine.sh("systemctl restart kazasu")
    try:
        for button in ("out", "in"):
            machine.press(button)
            assert site.tap(site.staff[3].card)["event_type"] == f"attendance.{button}"
    finally:
        machine.sh("mv /root/before.toml /etc/kazasu/kazasu.toml; systemctl restart kazasu")


def test_a_second_terminal_on_the_same_pi(terminal: Terminal) -> None:
    machine, site, _ = terminal
    machine.put(_DOOR.encode(), "/root/site/door.toml")
    config = "/etc/kazasu@door/kazasu.toml"
    seen = machine.sh(f"kazasu setup --config {config} --answers /root/site/door.toml")
    machine.sh(f"kazasu roster import --config {config} /root/site/roster.csv")
    try:
        assert "no problem found" in seen
        machine.wait_until("systemctl is-active kazasu@door")
        with contextlib.closing(Slot(machine.vpcd_ports[1])) as slot:
            slot.insert(site.staff[2].card)
            machine.wait_until(f"kazasu journal export --config {config} | grep attendance.in | grep -q 1003")
        assert site.tap(site.staff[3].card)["terminal"] == "entrance-1"
        machine.sh(f"kazasu journal verify --config {config}")
    finally:
        machine.sh("systemctl disable --now kazasu@door; rm -r /etc/kazasu@door /var/lib/kazasu@door")


def test_the_keys_may_be_encrypted_on_the_disk(terminal: Terminal) -> None:
    """As docs/operations.md says."""
    machine, site, _ = terminal
    operations = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    recipe = operations[operations.index("    cd /etc/kazasu && ") :].partition("\n    printf")[0].replace("sudo ", "")
    drop_in = re.search(r"printf '(\[Service\][^']*)'", operations)
    assert drop_in
    machine.sh(recipe)
    machine.put(drop_in[1].replace("\\n", "\n").encode(), "/etc/systemd/system/kazasu.service.d/keys.conf")
    machine.sh("mkdir /root/safe; mv /etc/kazasu/keys/*.key /root/safe")
    machine.sh("systemctl daemon-reload; systemctl restart kazasu")
    try:
        assert site.tap(site.staff[1].card)["cardholder"] == "1002"
        machine.sh("! grep -q 'PRIVATE KEY' -r /etc/kazasu")
        asked = "systemd-run -qP -p LoadCredentialEncrypted=keys:/etc/kazasu/keys.encrypted kazasu doctor"
        assert "ok       event key" in machine.sh(f"{asked} || true")
    finally:
        machine.sh("mv /root/safe/*.key /etc/kazasu/keys; rm /etc/systemd/system/kazasu.service.d/keys.conf")
        machine.sh("systemctl daemon-reload; systemctl restart kazasu")


def test_the_broker_is_away_and_taps_go_on(terminal: Terminal) -> None:
    machine, site, _ = terminal
    site.broker.stop()
    try:
        for person in site.staff[:3]:
            greens = machine.greens()
            site.slot.insert(person.card)
            assert green_again(machine, greens)
            site.slot.remove()
            site.slot.wait_for(lambda: site.slot.vacant, 60)
    finally:
        site.broker.start()
    last = json.loads(machine.sh("kazasu journal export | tail -n 1"))["seq"]
    assert site.subscriber.wait_for(lambda: site.seq() >= last)
    assert site.subscriber.problems == []


@pytest.mark.parametrize("end", ["systemctl stop pcscd.service", "systemctl kill -s KILL pcscd.service"])
def test_pcscd_ends_and_the_terminal_goes_on(terminal: Terminal, end: str) -> None:
    machine, site, _ = terminal
    machine.sh(end)
    assert site.tap(site.staff[0].card)["cardholder"] == "1001"
    assert show(machine, "ActiveState") == "active"


def test_the_watchdog_bites_and_the_doctor_looks(terminal: Terminal) -> None:
    machine, site, _ = terminal
    before, restarts = show(machine, "MainPID"), int(show(machine, "NRestarts"))
    machine.sh(f"kill -STOP {before}")
    machine.wait_until(
        f"[ $(systemctl show --value -p NRestarts {UNIT}) -gt {restarts} ] && systemctl is-active {UNIT}"
    )
    assert show(machine, "MainPID") != before
    assert "watchdog" in machine.sh(f"journalctl -b --no-pager -u {UNIT}")
    machine.wait_until("journalctl -b --no-pager -u 'kazasu-doctor@*' | grep -q 'ok .*event key'")
    assert site.tap(site.staff[1].card)["cardholder"] == "1002"


def test_upgrade_downgrade_remove_and_purge(image: Image, package: Path, newer: Path) -> None:
    with tempfile.TemporaryDirectory() as directory, Site(Path(directory) / "site") as site:
        with Machine(image, Path(directory)) as machine:
            machine.start()
            install(machine, site, package)
            site.tap(site.staff[0].card)
            kept = machine.sh("sha256sum /etc/kazasu/kazasu.toml /etc/kazasu/keys/*")

            # A card that lies there while the program is replaced is a tap afterwards.
            machine.put(newer.read_bytes(), f"/root/{newer.name}")
            site.slot.insert(site.staff[1].card)
            assert site.subscriber.wait_for(lambda: _came(site, "1002"))
            site.slot.remove()
            site.slot.wait_for(lambda: site.slot.vacant, 60)
            greens = machine.greens()
            machine.sh(f"dpkg -i /root/{newer.name}")
            machine.wait_until("systemctl is-active kazasu")
            assert machine.sh("sha256sum /etc/kazasu/kazasu.toml /etc/kazasu/keys/*") == kept
            fields = site.tap(site.staff[2].card)
            assert green_again(machine, greens)
            last = int(fields["seq"])
            assert [event.seq for event in site.subscriber.events] == list(range(1, last + 1)), "one chain, no gap"
            assert machine.run("kazasu", "--version").out.strip().endswith("9.9")

            refused = machine.run("dpkg", "-i", f"/root/{package.name}")
            assert refused.code
            assert "is older" in refused.out
            assert machine.run("kazasu", "--version").out.strip().endswith("9.9")
            assert site.tap(site.staff[3].card)["decision"] == "granted"

            machine.sh("DEBIAN_FRONTEND=noninteractive apt-get remove -q -y kazasu")
            assert show(machine, "ActiveState") in {"inactive", "failed"}
            machine.sh(
                "test -s /etc/kazasu/kazasu.toml -a -s /etc/kazasu/keys/event.key -a -s /var/lib/kazasu/journal.db"
            )
            purged = machine.sh("DEBIAN_FRONTEND=noninteractive apt-get purge -q -y kazasu")
            assert "is kept in /var/backups/kazasu-" in purged
            machine.sh("test ! -e /etc/kazasu -a ! -e /var/lib/kazasu -a ! -e /usr/lib/kazasu")
            machine.sh("test -s /var/backups/kazasu-*/journal.db -a -s /var/backups/kazasu-*/event.pub.pem")
        site.unplug()
        assert site.subscriber.problems == []


def _came(site: Site, number: str) -> bool:
    return any(event.fields.get("cardholder") == number for event in site.subscriber.events)
