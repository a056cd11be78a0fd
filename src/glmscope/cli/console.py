"""How commands speak: results on stdout, progress and complaints on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_CONTROL_CODES = {*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")}
_REPLACE_CONTROL = dict.fromkeys(_CONTROL_CODES, "\N{REPLACEMENT CHARACTER}")


def say(sentence: str) -> None:
    """Print a line of the result, unwrapped, so that it can be copied whole."""
    out.print(Text(sentence), soft_wrap=True)


def note(sentence: str) -> None:
    """Print a line about how things go; not part of the result."""
    err.print(Text(sentence, style="dim"), soft_wrap=True)


def complain(sentence: str) -> None:
    """Print the one sentence a failed command ends with."""
    err.print(Text(sentence, style="bold red"), soft_wrap=True)


def printable(text: str) -> str:
    """`text` without control characters: what a model wrote must not steer the terminal."""
    return text.translate(_REPLACE_CONTROL)
