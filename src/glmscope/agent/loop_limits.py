"""How far a model and the tools of the server may go on by themselves."""

from __future__ import annotations

from dataclasses import dataclass

CELL_OUTPUT = 1024
"""Source: model specification, section 8.2."""


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """Bounds of one reply, all turns of the model together. Whichever is met first ends it."""

    steps: int = 6
    """Calls that the server runs."""
    seconds: float = 300.0
    """Wall time: of the model and of what it calls."""
    tokens: int = 32_768
    """Input and output of all turns; looked at between two turns."""
    output: int = 65_536
    """Characters of all results together, as the model reads them; looked at between two turns."""
    cell_output: int = CELL_OUTPUT
    """Characters of what one cell of code shows; the rest is cut, and the text says so."""
