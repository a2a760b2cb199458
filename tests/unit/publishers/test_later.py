"""What paho brings along for proxies stays away until somebody asks for it."""

from __future__ import annotations

import subprocess
import sys


def run(program: str) -> list[str]:
    """Run it in a process of its own, where nothing is imported yet; what it printed."""
    begin = "import sys, urllib\nfrom kazasu.publishers.later import later\n"
    return subprocess.run(
        [sys.executable, "-c", begin + program], check=True, capture_output=True, text=True
    ).stdout.split()


def test_paho_is_imported_without_what_only_proxies_need() -> None:
    printed = run("""
with later(urllib, "request"):
    import kazasu.publishers.mqtt
print(*({"http.client", "email.message", "tempfile"} & set(sys.modules)))
print("urllib.request" in sys.modules)
""")
    assert printed == ["False"]


def test_whoever_asks_for_something_gets_the_module_itself() -> None:
    printed = run("""
with later(urllib, "request"):
    import urllib.request
    held = urllib.request
    print(hasattr(held, "proxy_bypass"), hasattr(held, "no_such_thing"))
import urllib.request
print(urllib.request is held, urllib.request is sys.modules["urllib.request"])
print(held.getproxies is urllib.request.getproxies)
""")
    assert printed == ["True", "False", "False", "True", "True"]


def test_whoever_imports_it_afterwards_gets_the_module_itself() -> None:
    printed = run("""
with later(urllib, "request"):
    import urllib.request
    held = urllib.request
from urllib.request import getproxies
print(held is sys.modules["urllib.request"], held.getproxies is getproxies, urllib.request is held)
""")
    assert printed == ["False", "True", "False"]


def test_what_is_there_already_stays() -> None:
    printed = run("""
import urllib.request
before = urllib.request
with later(urllib, "request"):
    pass
print(urllib.request is before, sys.modules["urllib.request"] is before)
""")
    assert printed == ["True", "True"]
