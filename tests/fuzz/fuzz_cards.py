"""Changes recorded cards' answers, guided by what code they reach. Arguments: libFuzzer's.

    make fuzz FOR=60

What ends it is written to build/fuzz/; moved to tests/vectors/fuzz/ (name.bin) it is tried with every test run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["kazasu.cards", "kazasu.model"]):
    from fakes.changed_card import play
    from kazasu.cards import registry

    for _kind in registry.KINDS:
        registry.module_of(_kind)

atheris.Setup(sys.argv, play)
atheris.Fuzz()
