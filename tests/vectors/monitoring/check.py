"""Lets promtool, and Grafana's own types of a dashboard, take the examples in config/monitoring.

Neither is a dependency of the tests: Debian's package would start a server, and npm is needed for nothing else. So this
is run by hand when an example or a metric changes.

    apt-get download prometheus && dpkg -x prometheus_*.deb /tmp/prometheus
    npm install --prefix /tmp/grafana @grafana/schema typescript
    .venv/bin/python tests/vectors/monitoring/check.py /tmp/prometheus/usr/bin/promtool /tmp/grafana

Tried with promtool 2.42.0, @grafana/schema 13.2.3 and TypeScript 7.0.2.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MONITORING = ROOT / "config" / "monitoring"
DASHBOARD = json.loads((MONITORING / "kazasu-dashboard.json").read_text(encoding="utf-8"))
VARIABLES = {"$site": "town-hall|city-hall", "$__rate_interval": "5m"}

# An enumeration's words are strings in JSON; what a panel's options leave out, Grafana fills in.
TYPES = """\
import type { Dashboard } from '@grafana/schema';
type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Some<T> = T extends object ? { [K in keyof T]?: Some<T[K]> } : T;
"""
OPTIONS = "@grafana/schema/dist/esm/raw/composable/{kind}/panelcfg/x/{name}PanelCfg_types.gen"
NAMES = {"stat": "Stat", "table": "Table", "timeseries": "TimeSeries"}


def runs(*command: str | Path, given: str = "", at: Path = MONITORING) -> None:
    """Run a command that has to end well."""
    done = subprocess.run(command, input=given, cwd=at, capture_output=True, text=True, check=False)
    sys.stdout.write(f"{Path(command[0]).name} {' '.join(map(str, command[1:]))}: {done.returncode}\n")
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def expressions() -> str:
    """What the dashboard asks, as rules: promtool reads nothing else."""
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        asked = [expression.replace(variable, value) for expression in asked]
    rules = [{"record": f"asked:{number}", "expr": expression} for number, expression in enumerate(asked)]
    return json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})  # YAML holds JSON


def metrics() -> str:
    """A page of metrics, with every kind that there is."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "daemon")]
    from fakes.fleet import SITE, SimulatedSite
    from kazasu.collector.metrics import site_metrics

    site = SimulatedSite()
    site.in_order("hall-1", 3, alerts=1, door_main="open")
    site.alert("hall-1", "journal", "full")
    site.collector("one/health", stored=1, duplicates=1, refused=1, receipts=1, asked_again=1)
    site.collector("one/alert/store", message="full")
    site.collector("all/alert/hall-1/gap", count=1, message="12")
    return site_metrics(SITE, site.fleet)


def typed() -> Iterator[str]:
    """The dashboard as TypeScript: a word that Grafana does not know is an error."""
    kinds = sorted({panel["type"] for panel in DASHBOARD["panels"]})
    for kind in kinds:
        yield f"import type * as {kind} from '{OPTIONS.format(kind=kind, name=NAMES[kind])}';"
    yield TYPES
    yield f"export const dashboard: Json<Dashboard> = {json.dumps(DASHBOARD, indent=1)};"
    for panel in DASHBOARD["panels"]:
        kind, number = panel["type"], panel["id"]
        yield f"export const options{number}: Some<Json<{kind}.Options>> = {json.dumps(panel.get('options', {}))};"
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom is not None:
            yield f"export const custom{number}: Some<Json<{kind}.FieldConfig>> = {json.dumps(custom)};"


def main(promtool: str, grafana: Path) -> None:
    """Run all of it."""
    runs(promtool, "check", "rules", "kazasu-alerts.yml")
    runs(promtool, "test", "rules", "kazasu-alerts.test.yml")
    runs(promtool, "check", "metrics", given=metrics())
    with tempfile.TemporaryDirectory(dir=grafana) as name:
        folder = Path(name)
        (folder / "dashboard.yml").write_text(expressions(), encoding="utf-8")
        runs(promtool, "check", "rules", folder / "dashboard.yml")
        (folder / "dashboard.ts").write_text("\n".join(typed()), encoding="utf-8")
        options = ("--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext")
        runs(grafana / "node_modules/.bin/tsc", *options, "dashboard.ts", at=folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve())
