"""What a command of the site may do to the process itself: start again, with a configuration that can be used."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from kazasu.config import credential, load
from kazasu.errors import KazasuError
from kazasu.outputs import cues
from kazasu.store.keys import load_pepper, load_signer, load_verifier, load_verifiers

if TYPE_CHECKING:
    from pathlib import Path


class Process:
    """Implements publishers.settings.Powers.

    Args:
        config_file: what the next start reads.
    """

    def __init__(self, config_file: Path) -> None:
        self._config_file = config_file

    def reload(self) -> str:
        """Read what a start reads before it opens anything; a terminal that could not start would be worth nothing."""
        try:
            config = load(self._config_file)
            cues.load(config.outputs.cues or cues.DEFAULT_PATH)
            load_signer(credential(config.keys.event))
            load_pepper(credential(config.keys.pepper))
            if config.collector.key is not None:
                load_verifier(config.collector.key)
            if config.site is not None:
                load_verifiers(config.site.key)
        except KazasuError as error:
            return str(error)
        return ""

    def restart(self) -> None:
        """Ask for the end as systemd does; the unit says Restart=always."""
        os.kill(os.getpid(), signal.SIGTERM)
