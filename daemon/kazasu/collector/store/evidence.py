"""What is no event of a chain, and what operations have to hear of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kazasu.collector.records import Finding, Kind, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.collector.records import Refused
    from kazasu.collector.store.statements import Statements

MOST_UNSIGNED = 10_000
"""So many messages that nobody signed are kept, of a terminal: a broken program must not fill the disk."""


class Evidence:
    """Quarantine and findings, within a transaction of the caller's.

    Args:
        statements: how the database is reached.
        most_unsigned: see MOST_UNSIGNED.
    """

    def __init__(self, statements: Statements, most_unsigned: int) -> None:
        self._statements = statements
        self._most_unsigned = most_unsigned
        self._unsigned: dict[str, int] = {}  # in quarantine, of a terminal, as far as this process knows

    def quarantine(self, refused: Iterable[Refused], now_s: int, findings: list[Finding]) -> int:
        """Keep what is no event, once; adds findings, and returns how much of it is new."""
        count = 0
        for item in sorted(refused, key=lambda item: (item.terminal, item.reason, item.body)):
            if not item.signed and self._is_full(item.terminal):
                findings.append(_refusal(item, f"{item.detail}; not kept: there are {self._most_unsigned} such"))
                continue
            added = self._statements.change(
                "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    item.terminal,
                    hashlib.sha256(item.body).hexdigest(),
                    item.reason.value,
                    item.detail.replace("\0", "\\0"),
                    int(item.signed),
                    now_s,
                    item.body,
                ),
            )
            if added:
                count += 1
                if not item.signed:
                    self._unsigned[item.terminal] += 1
                findings.append(_refusal(item, item.detail))
        return count

    def _is_full(self, terminal: str) -> bool:
        if terminal not in self._unsigned:
            [(count,)] = self._statements.rows(
                "SELECT count(*) FROM quarantine WHERE terminal = ? AND signed = 0", (terminal,)
            )
            self._unsigned[terminal] = count
        return self._unsigned[terminal] >= self._most_unsigned

    def find(self, findings: Iterable[Finding], now_s: int) -> None:
        """Note findings; one that is open already has its words and count renewed, one that was settled opens again."""
        for finding in sorted(findings, key=lambda item: (item.terminal, item.kind, item.epoch)):
            self._statements.change(
                "INSERT INTO finding VALUES (?, ?, ?, ?, 1, ?, 0, '')"
                " ON CONFLICT (terminal, kind, epoch) DO UPDATE SET detail = excluded.detail,"
                " count = CASE WHEN finding.settled_s = 0 THEN finding.count + 1 ELSE 1 END,"
                " raised_s = excluded.raised_s, settled_s = 0, settled_by = ''",
                (
                    finding.terminal,
                    finding.kind.value,
                    finding.epoch,
                    finding.detail.replace("\0", "\\0"),
                    now_s,
                ),
            )


def _refusal(item: Refused, words: str) -> Finding:
    kind = {Reason.FORK: Kind.FORK, Reason.REWRITTEN: Kind.REWRITTEN}.get(item.reason, Kind.REFUSED)
    return Finding(terminal=item.terminal, kind=kind, detail=f"{item.reason.value}: {words}"[:1000])
