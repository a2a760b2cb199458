"""What `kazasu doctor` looks at: one function a subject, each giving findings."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kazasu.cli.finding import Finding, Grade
from kazasu.config import credential
from kazasu.errors import BrokerUnsuitable, JournalError, KazasuError, KeyMaterialError, PinBusy
from kazasu.model.access import Assurance
from kazasu.model.moment import TimeSource
from kazasu.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.model.configuration import Config

_LOW_DISK_BYTES = 200 * 1024 * 1024
_EXPIRY_NOTE_DAYS = 60
_QUIET_S = 0.5  # what is retained comes at once
_EXPIRY_PROBLEM_DAYS = 7


def check_all(config: Config) -> Iterator[Finding]:
    """Look at everything, the parts that others need first."""
    for subject, check in _CHECKS:
        try:
            yield from check(config)
        except KazasuError as error:
            # Our own errors say what to do themselves.
            yield Finding(Grade.PROBLEM, subject, str(error))
        except PermissionError as error:
            yield Finding(Grade.PROBLEM, subject, f"{error.filename}: {error.strerror}", "run this as root, with sudo")


def _event_key(config: Config) -> Iterator[Finding]:
    from kazasu.store.keys import load_signer

    signer = load_signer(credential(config.keys.event))
    yield Finding(Grade.OK, "event key", f"key id {signer.keyid}")


def _pepper(config: Config) -> Iterator[Finding]:
    from kazasu.cli.checks_pepper import check_pepper

    yield from check_pepper(config)


def _collector_key(config: Config) -> Iterator[Finding]:
    from kazasu.store.keys import load_verifier

    if config.collector.key is None:
        yield Finding(Grade.NOTE, "collector key", "none: nobody outside this terminal vouches for its events")
    else:
        yield Finding(Grade.OK, "collector key", f"key id {load_verifier(config.collector.key).keyid}")


def _muster_keys(config: Config) -> Iterator[Finding]:
    from kazasu.store.keys import load_verifier

    for name, path in ({} if config.muster is None else config.muster.terminals).items():
        try:
            keyid = load_verifier(path).keyid
        except KeyMaterialError as error:
            todo = f"without it no roll call here is complete: copy /etc/kazasu/event.pub.pem of {name} there"
            yield Finding(Grade.PROBLEM, "muster", str(error), todo)
        else:
            yield Finding(Grade.OK, "muster", f"terminal {name}: key id {keyid}")


def _site_key(config: Config) -> Iterator[Finding]:
    from kazasu.store.keys import load_verifiers

    if config.site is None:
        yield Finding(Grade.NOTE, "site key", "none: no command and no roster from the site reaches this terminal")
        return
    keyids = [verifier.keyid for verifier in load_verifiers(config.site.key)]
    yield Finding(Grade.OK, "site key", f"key id {' and '.join(keyids)}")


def _disk(config: Config) -> Iterator[Finding]:
    state_dir = config.terminal.state_dir
    if not state_dir.is_dir():
        todo = f"install -d -m 700 -o kazasu -g kazasu {state_dir}"
        yield Finding(Grade.PROBLEM, "disk", f"{state_dir} is missing", todo)
        return
    if not os.access(state_dir, os.W_OK):
        todo = "mount it writable, and give it to the user that runs Kazasu"
        yield Finding(Grade.PROBLEM, "disk", f"{state_dir} cannot be written by this user", todo)
        return
    kind = file_system_of(state_dir, Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    if kind in {"tmpfs", "ramfs"}:
        todo = "mount a data partition there: docs/operations.md, SD card"
        yield Finding(Grade.PROBLEM, "disk", f"{state_dir} is in memory: a power cut takes all punches", todo)
    elif kind == "overlay":
        todo = "mount a data partition there, unless its upper layer is on the card: docs/operations.md, SD card"
        yield Finding(Grade.NOTE, "disk", f"{state_dir} is on an overlay, which may be in memory", todo)
    free_bytes = shutil.disk_usage(state_dir).free
    grade = Grade.OK if free_bytes >= _LOW_DISK_BYTES else Grade.PROBLEM
    todo = "" if grade is Grade.OK else "free some: when it is full, nobody gets a green light"
    yield Finding(grade, "disk", f"{free_bytes // 1_000_000:,} MB free in {state_dir}", todo)


def file_system_of(path: Path, mount_info: str) -> str:
    """The kind of the file system that a file is on, empty if it is not found: proc_pid_mountinfo(5).

    Of an overlay it is that of the upper layer, which takes the writes, where that can be seen from here.
    """
    device = path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mount_info.splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split()[2] == number:
            kind, _, options = source.split(maxsplit=2)
            upper = re.search(r"\bupperdir=([^,]+)", options)
            if kind == "overlay" and upper is not None and Path(upper[1]).is_dir():
                return file_system_of(Path(upper[1]), mount_info)
            return kind
    return ""


def _stores(config: Config) -> Iterator[Finding]:
    from kazasu.cli.checks_roster import check_roster
    from kazasu.store.backlog import Backlog

    path = config.terminal.journal_path
    if path.exists() and not os.access(path, os.R_OK):
        raise JournalError(f"{path} cannot be read by this user")
    backlog = Backlog(path)
    backlog.expect_readable()
    if not backlog.epoch:
        yield Finding(Grade.NOTE, "journal", "none yet; it is made at the first start")
    else:
        yield Finding(Grade.OK, "journal", f"epoch {backlog.epoch}, last event {backlog.last_seq()}")
    yield from check_roster(config, datetime.now(UTC))


def _readers(config: Config) -> Iterator[Finding]:
    from kazasu.readers.pcsc import list_readers
    from kazasu.readers.presence import ReaderPattern, assign

    names = list_readers()
    yield Finding(Grade.OK, "pcscd", f"sees {', '.join(names) or 'no reader'}")
    patterns = [ReaderPattern(name=reader.name, match=reader.match) for reader in config.readers]
    found = {name: pcsc_name for pcsc_name, name in assign(patterns, names).items()}
    for reader in config.readers:
        if reader.name in found:
            yield Finding(Grade.OK, f"reader {reader.name}", found[reader.name])
        else:
            todo = "plug it in, or correct `match` in [[readers]]"
            yield Finding(Grade.PROBLEM, f"reader {reader.name}", f"none fits {reader.match!r}", todo)


def _cards(config: Config) -> Iterator[Finding]:
    from kazasu.app.cards import card_identifier
    from kazasu.readers.demand import FixedDemand

    card_identifier(config, SystemClock(config.terminal.timezone), FixedDemand(Assurance.SERIAL))
    yield Finding(Grade.OK, "cards", ", ".join(config.cards.kinds))


def _outputs(config: Config) -> Iterator[Finding]:
    from contextlib import ExitStack

    from kazasu.app.assemble import open_outputs
    from kazasu.outputs import cues

    cues.load(config.outputs.cues or cues.DEFAULT_PATH)
    if config.outputs.driver == "terminal":
        yield Finding(Grade.NOTE, "outputs", "drawn in a terminal: nobody at a door sees that")
        return
    try:
        with ExitStack() as stack:
            open_outputs(config, stack)
    except PinBusy:
        yield Finding(Grade.NOTE, "outputs", "the pins are in use, as they are while the terminal runs", _IN_USE)
    else:
        yield Finding(Grade.OK, "outputs", "the pins can be driven; hear and see them: kazasu cue play")


def _keypad(config: Config) -> Iterator[Finding]:
    from kazasu.cli.checks_keypad import check_keypad

    return check_keypad(config)


def _codes(config: Config) -> Iterator[Finding]:
    from kazasu.cli.checks_keypad import check_codes

    return check_codes(config)


def _display(config: Config) -> Iterator[Finding]:
    from kazasu.cli.checks_display import check_display

    return check_display(config)


def _clock(config: Config) -> Iterator[Finding]:
    from kazasu.cli.checks_clock import judge_clock, judge_commands, judge_rtcs
    from kazasu.model.event import moment_of
    from kazasu.runtime.rtc import find_rtcs
    from kazasu.store.backlog import Backlog

    zone = config.terminal.timezone
    clock, backlog = SystemClock(zone), Backlog(config.terminal.journal_path)
    stored = backlog.after(backlog.last_seq() - 1, 1)
    newest = moment_of(msgspec.json.decode(stored[0][1])) if stored else None
    if newest is not None:
        clock.recorded(newest)
    moment, now = clock.now(), datetime.now(zone)
    # The service may not ask the kernel (ProtectClock=), as this command may.
    as_service = SystemClock(zone, kernel_error_ms=lambda: None).now()
    yield from judge_clock(moment, now, newest, as_service.source)
    if config.site is not None:
        yield from judge_commands(moment if newest is not None and newest.source is TimeSource.NTP else as_service)
    yield from judge_rtcs(find_rtcs(), now, synchronised=moment.source is TimeSource.NTP)


def _certificates(config: Config) -> Iterator[Finding]:
    if config.mqtt is None:
        return
    from cryptography import x509

    for subject, path in (("broker CA", config.mqtt.ca), ("certificate", config.mqtt.certificate)):
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else "no certificate in PEM"
            yield Finding(Grade.PROBLEM, subject, f"{path}: {words}", "copy it from the site's administrator")
            continue
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        yield _validity(subject, path, begins, ends, datetime.now(UTC))


def _validity(subject: str, path: Path, begins: datetime, ends: datetime, now: datetime) -> Finding:
    if now < begins:
        return Finding(
            Grade.PROBLEM, subject, f"{path}: not valid before {begins:%Y-%m-%d %H:%M} UTC", "is the clock right?"
        )
    if now > ends:
        return Finding(Grade.PROBLEM, subject, f"{path}: expired on {ends:%Y-%m-%d %H:%M} UTC", "renew it")
    days = (ends - now).days
    left = f"{path}: {days or 'less than one'} day{'' if days < 2 else 's'} left"  # noqa: PLR2004  (English)
    if days >= _EXPIRY_NOTE_DAYS:
        return Finding(Grade.OK, subject, left)
    return Finding(Grade.NOTE if days >= _EXPIRY_PROBLEM_DAYS else Grade.PROBLEM, subject, left, "renew it")


def _broker(config: Config) -> Iterator[Finding]:
    if config.mqtt is None:
        yield Finding(Grade.NOTE, "broker", "stand-alone: events leave only with `kazasu journal export`")
        return
    from kazasu.app.broker import broker_of
    from kazasu.cli.checks_pepper import check_announced
    from kazasu.publishers.exchange import exchanging
    from kazasu.publishers.visit import words_of
    from kazasu.publishers.wire import Topics

    topics = () if config.site is None else (Topics(config.terminal.site, config.terminal.id).pepper,)
    where = f"{config.mqtt.host}:{config.mqtt.port}"
    try:
        with exchanging(broker_of(config.mqtt), f"{config.terminal.id}-doctor", topics) as exchange:
            announced = (
                exchange.receive(_QUIET_S) if topics else None
            )  # it takes this terminal in, and says what it has
    except (OSError, ValueError, BrokerUnsuitable) as error:
        todo = "check host, port, network, and that both certificates come from the site's CA"
        yield Finding(Grade.PROBLEM, "broker", f"{where}: {words_of(error)}", todo)
    else:
        yield Finding(Grade.OK, "broker", f"{where} speaks MQTT 5 and accepts this terminal's certificate")
        if announced is not None:
            yield from check_announced(config, announced.payload)


_IN_USE = "does it not run? `gpioinfo` shows which program has them"

_CHECKS: tuple[tuple[str, Callable[[Config], Iterator[Finding]]], ...] = (
    ("event key", _event_key),
    ("pepper", _pepper),
    ("collector key", _collector_key),
    ("muster", _muster_keys),
    ("site key", _site_key),
    ("disk", _disk),
    ("stores", _stores),
    ("pcscd", _readers),
    ("cards", _cards),
    ("outputs", _outputs),
    ("keypad", _keypad),
    ("codes", _codes),
    ("display", _display),
    ("clock", _clock),
    ("certificates", _certificates),
    ("broker", _broker),
)
