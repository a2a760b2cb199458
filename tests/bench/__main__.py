"""Run every benchmark and print one table: `make bench`, or `make bench ARGS="--quick roster"`.

Each `bench_<name>.py` beside this file has `run(quick) -> list[dict]`; a row is {name, value, unit, ratio, target, ok,
note}; a target that is a number is the most that it may be. What was measured is kept in build/bench.json, with how
busy the machine was: on one that is not quiet ratios hold better than times, and neither well. A target that is missed
is said, and is no error; exit code 1: a benchmark failed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "build" / "bench.json"
COLUMNS = ("name", "value", "ratio", "target", "met", "note")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: to see that it runs, not to quote")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; default: all")
    arguments = parser.parse_args()
    sys.path.insert(0, str(HERE.parent))  # `fakes`, as pytest has it
    names = arguments.names or sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    results: dict[str, list[dict[str, Any]]] = {}
    took_s: dict[str, float] = {}
    lines: list[tuple[str, ...]] = [COLUMNS]
    failed = []
    for name in names:
        print(f"{name} … ", end="", file=sys.stderr, flush=True)
        began_s = time.monotonic()
        try:
            rows = importlib.import_module(f"tests.bench.bench_{name}").run(arguments.quick)
            lines += [_line(row) for row in rows]
            results[name] = rows
        except Exception:  # noqa: BLE001  (one that fails must not hide the others; it is shown, and counts as a miss)
            traceback.print_exc()
            failed.append(name)
        took_s[name] = round(time.monotonic() - began_s, 1)
        print(f"{took_s[name]:.0f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    _print_table(lines)
    RESULTS.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    busy = {"quick": arguments.quick, "load": os.getloadavg()[0], "took_s": took_s}
    kept = {"machine": machine | busy, "results": results, "failed": failed}
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False))
    judged = [row for rows in results.values() for row in rows if row.get("target") is not None]
    missed = [row["name"] for row in judged if row.get("ok") is False]
    print(f"\n{len(judged) - len(missed)} of {len(judged)} targets met, in {sum(took_s.values()):.0f} s")
    for name in missed:
        print(f"MISSED: {name}")
    for name in failed:
        print(f"FAILED: bench_{name}.py")
    return 1 if failed else 0


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    value, ratio, target = row["value"], row.get("ratio"), row.get("target")
    return (
        row["name"],
        f"{value:,.4g} {row['unit']}" if value < 1000 else f"{value:,.0f} {row['unit']}",
        "" if ratio is None else f"{ratio:.2f} x",
        "" if target is None else target if isinstance(target, str) else f"≤ {target:g}",
        "" if target is None else {True: "met", False: "MISSED", None: ""}[row.get("ok")],
        row.get("note") or "",
    )


def _print_table(lines: list[tuple[str, ...]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS) - 1)]
    for line in lines:
        cells = [f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*cells, line[-1]]).rstrip())


if __name__ == "__main__":
    sys.exit(main())
