"""A person who types what the test says."""

from __future__ import annotations


class ScriptedDialogue:
    """Implements kazasu.cli.setup.interview.Dialogue.

    Args:
        typed: one line a prompt; when they are used up, the person is gone.

    Attributes:
        said: every line and every prompt, in order.
    """

    def __init__(self, *typed: str) -> None:
        self.said: list[str] = []
        self._typed = list(typed)

    def tell(self, line: str) -> None:
        self.said.append(line)

    def ask(self, prompt: str) -> str:
        self.said.append(prompt)
        if not self._typed:
            raise EOFError
        return self._typed.pop(0)

    @property
    def prompts(self) -> list[str]:
        """What stood before each answer."""
        return [line for line in self.said if line.endswith(" ")]
