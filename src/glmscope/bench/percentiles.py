"""Percentiles of what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHOWN = (50, 90, 95, 99)


def percentile(values: Sequence[float], rank: int) -> float:
    """Linear between the two values that stand next to it; `values` must not be empty."""
    return float(np.percentile(values, rank))


def percentiles(values: Sequence[float]) -> dict[int, float]:
    """Those of SHOWN by rank; none of no values."""
    return {rank: percentile(values, rank) for rank in SHOWN} if values else {}
