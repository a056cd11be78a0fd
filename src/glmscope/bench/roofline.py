"""A roofline: how near each measurement came to what the machine reads and multiplies at best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from glmscope.bench.report import Report

_MARKERS = {"prefill": "s", "decode": "o"}
_GIGA = 1e9


def draw_roofline(report: Report, path: Path) -> None:
    """Write a PNG. Needs the extra `glmscope[bench]`: raises ModuleNotFoundError without it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    _draw_roof(axes, report)
    for color, network in enumerate(report.networks):
        for row in network.rows:
            x, y = row.work.intensity, row.operations_per_second / _GIGA
            axes.plot(x, y, _MARKERS[row.kind], color=f"C{color}", markersize=6)
            axes.annotate(row.name, (x, y), textcoords="offset points", xytext=(6, -9), fontsize=8)
        axes.plot([], [], "o", color=f"C{color}", label=f"{network.model}, {network.weights}")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="operations a byte",
        ylabel="10⁹ operations a second",
        title=f"{report.machine.processor}, {report.machine.cores} cores",
    )
    axes.grid(which="both", alpha=0.25)
    axes.legend(loc="lower right")
    figure.savefig(path, format="png", dpi=120)


def _draw_roof(axes: Any, report: Report) -> None:  # noqa: ANN401 (matplotlib is optional)
    """Bytes that can be read set the slope, multiplications the ceiling."""
    machine = report.machine
    ridge = machine.int8_per_second / machine.bytes_per_second
    seen = [row.work.intensity for network in report.networks for row in network.rows]
    x = np.geomspace(min([ridge, *seen]) / 2, max([ridge, *seen]) * 4, 200)
    reachable = np.minimum(x * machine.bytes_per_second, machine.int8_per_second) / _GIGA
    read, multiplied = machine.bytes_per_second / _GIGA, machine.int8_per_second / _GIGA
    axes.plot(x, reachable, color="black", label=f"{read:.1f} GB/s, {multiplied:.0f} int8 GOP/s")
