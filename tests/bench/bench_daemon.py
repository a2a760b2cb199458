"""The daemon as a process: exec to READY, memory, what it does when nothing happens, and what each import costs."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from kazasu.store.roster_import import import_csv
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.stage import TERMINAL, Stage

Row = dict[str, Any]

READY_TARGET = 12.0
RSS_TARGET_MB = 42.0
SWITCHES_TARGET = 1.0
PEOPLE = 100_000

INSTALLED = Path(__file__).parents[2] / "build" / "installed" / "bin" / "python"
"""As an installer has it, without the development packages; made by `make bench`, as the sandbox has no network."""

CHIP = Path(__file__).parents[1] / "fakes" / "chip" / "lgpio.py"
_ZERO_2_W = """
import gpiozero.pins.local
gpiozero.pins.local.get_pi_revision = lambda: 0x902120
"""
_PINS = """
[outputs.gpio]
green = { pin = 17 }
red = { pin = 27 }
buzzer = { pin = 22 }
"""

IMPORTS = (
    "argparse",
    "ctypes",
    "logging",
    "sqlite3",
    "zoneinfo",
    "tomli",
    "msgspec",
    "smartcard.scard",
    "gpiozero",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.x509",
    "paho.mqtt.client",
)


def run(quick: bool) -> list[Row]:
    """Needs the sandbox, and what `make bench` installs."""
    if not INSTALLED.exists():
        raise FileNotFoundError(f"{INSTALLED} is missing: `make bench` makes it")
    people = 1000 if quick else PEOPLE
    with tempfile.TemporaryDirectory() as directory, Stage(Path(directory)) as stage:
        _enroll_many(stage, people)
        stage.daemon = DaemonProcess(stage.config_file, stage.config_file.parent, str(INSTALLED))
        return [
            _start(stage, 5 if quick else 30),
            *_idle(stage, people, 10 if quick else 60),
            _with_pins(stage, people),
            *_imports(3 if quick else 11),
        ]


def _enroll_many(stage: Stage, people: int) -> None:
    csv_path = stage.config_file.parent / "many.csv"
    with csv_path.open("w") as file:
        file.write("cardholder,name,credential,min_assurance,valid_from,valid_until\n")
        file.writelines(f"{number},Person {number},{number:032x},serial,,\n" for number in range(1, people + 1))
    terminal = stage.config.terminal
    import_csv(csv_path, terminal.roster_path, terminal.timezone, lambda _: None)


def _start(stage: Stage, rounds: int) -> Row:
    """Exec to READY=1, against an interpreter that does nothing; in turn, so that both meet the same machine."""
    bare_s, ready_s, ratios = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([INSTALLED, "-c", "pass"], check=True)
        bare_s.append(time.perf_counter() - began)
        began = time.perf_counter()
        stage.daemon.start()
        ready_s.append(time.perf_counter() - began)
        stage.daemon.kill()
        ratios.append(ready_s[-1] / bare_s[-1])
    ratio = statistics.median(ratios)
    return {
        "name": "exec to READY",
        "value": statistics.median(ready_s) * 1000,
        "unit": "ms",
        "ratio": ratio,
        "target": f"≤ {READY_TARGET:g} x the bare interpreter",
        "ok": ratio <= READY_TARGET,
        "note": f"bare {statistics.median(bare_s) * 1000:.1f} ms, {rounds} rounds",
    }


def _idle(stage: Stage, people: int, seconds: int) -> list[Row]:
    with stage.daemon:
        stage.tap(stage.staff[0].card)
        stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) >= stage.backlog.last_seq())
        pid = stage.daemon.pid
        time.sleep(3)  # what the tap set in motion comes to rest
        before = _switches(pid)
        time.sleep(seconds)
        after = _switches(pid)
        rss_mb = _status(Path(f"/proc/{pid}/status"), "VmRSS") / 1024
    rates = sorted(((after[thread] - before.get(thread, 0)) / seconds for thread in after), reverse=True)
    return [
        _rss(f"RSS, connected, {people:,} people", rss_mb, "after a tap of a My Number Card; outputs in a terminal"),
        {
            "name": "context switches when idle",
            "value": sum(rates),
            "unit": "/s",
            "ratio": None,
            "target": f"≤ {SWITCHES_TARGET:g} /s",
            "ok": sum(rates) <= SWITCHES_TARGET,
            "note": f"voluntary, over {seconds} s, by thread: {', '.join(f'{rate:.2f}' for rate in rates)}",
        },
    ]


def _with_pins(stage: Stage, people: int) -> Row:
    """The memory of a terminal at a door: with gpiozero, and of the chip only a stand-in."""
    chip = stage.config_file.parent / "chip"
    chip.mkdir()
    (chip / "lgpio.py").write_text(CHIP.read_text() + _ZERO_2_W)
    text = stage.config_file.read_text()
    stage.config_file.write_text(text.replace('[outputs]\ndriver = "terminal"', _PINS))
    with DaemonProcess(stage.config_file, chip, str(INSTALLED), PYTHONPATH=str(chip)) as daemon:
        before = stage.backlog.last_seq()
        stage.slot.insert(stage.staff[1].card)
        stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) > before)
        rss_mb = _status(Path(f"/proc/{daemon.pid}/status"), "VmRSS") / 1024
    return _rss(
        f"RSS, the same with GPIO, {people:,} people", rss_mb, "the same, with gpiozero in place of the terminal"
    )


def _rss(name: str, rss_mb: float, note: str) -> Row:
    return {
        "name": name,
        "value": rss_mb,
        "unit": "MB",
        "ratio": None,
        "target": f"≤ {RSS_TARGET_MB:g} MB",
        "ok": rss_mb <= RSS_TARGET_MB,
        "note": note,
    }


def _switches(pid: int) -> dict[str, int]:
    """How often each thread has waited since it began."""
    return {
        task.name: _status(task / "status", "voluntary_ctxt_switches") for task in Path(f"/proc/{pid}/task").iterdir()
    }


def _status(path: Path, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+)", path.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{path} has no {field}")
    return int(found[1])


_MEASURE = """
import sys, time
began = time.perf_counter()
if sys.argv[1]: __import__(sys.argv[1])
taken = time.perf_counter() - began
rss = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")]
print(f"[{taken}, {rss[0]}]")
"""


def _imports(rounds: int) -> list[Row]:
    """Each in a process of its own, over what the bare interpreter takes; what two share counts for both."""
    bare_mb = _import("", rounds)[1]
    rows = []
    for module in IMPORTS:
        ms, mb = _import(module, rounds)
        rows.append(
            {
                "name": f"import {module.replace('hazmat.primitives.asymmetric.', '… ')}",
                "value": ms,
                "unit": "ms",
                "ratio": None,
                "target": None,
                "ok": None,
                "note": f"+{mb - bare_mb:.1f} MB",
            }
        )
    return rows


def _import(module: str, rounds: int) -> tuple[float, float]:
    taken = []
    for _ in range(rounds):
        done = subprocess.run([INSTALLED, "-c", _MEASURE, module], check=True, capture_output=True, text=True)
        taken.append(json.loads(done.stdout))
    return statistics.median(t for t, _ in taken) * 1000, statistics.median(kb for _, kb in taken) / 1024
