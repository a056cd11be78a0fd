"""The loss of every step as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SMOOTHING = 0.97
"""Weight of the past in the thick line."""


def draw_curve(title: str, losses: Sequence[float], path: Path) -> None:
    """Write a PNG: each step's loss, thin, and its running mean, thick."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(losses, linewidth=0.5, alpha=0.4, color="tab:blue")
    axes.plot(_running_mean(losses), linewidth=1.8, color="tab:blue")
    axes.set(title=title, xlabel="step", ylabel="loss")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def _running_mean(losses: Sequence[float]) -> list[float]:
    means: list[float] = []
    total = weight = 0.0
    for loss in losses:
        total = SMOOTHING * total + loss
        weight = SMOOTHING * weight + 1
        means.append(total / weight)
    return means
