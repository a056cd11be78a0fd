"""One comparison of a parity report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmscope.model.weights import Array


@dataclass(frozen=True, slots=True)
class Row:
    """What was compared, the largest difference found and the largest allowed.

    A comparison of ids or bits counts the elements that differ and allows none.
    """

    case: str
    compared: str
    difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance; NaN never is."""
        return self.difference <= self.tolerance


def close(case: str, compared: str, actual: Array, expected: Array, tolerance: float) -> Row:
    """Compare numbers: the largest absolute difference, infinite where shapes differ."""
    if actual.shape != expected.shape:
        return Row(case, f"{compared}: shape {actual.shape}", float("inf"), tolerance)
    if not expected.size:
        return Row(case, compared, 0.0, tolerance)
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64)).max()
    return Row(case, compared, float(difference), tolerance)


def equal(case: str, compared: str, actual: Array, expected: Array) -> Row:
    """Compare ids or bit patterns: how many elements differ."""
    if actual.shape != expected.shape:
        return Row(case, f"{compared}: shape {actual.shape}", float("inf"), 0)
    return Row(case, compared, float(np.count_nonzero(actual != expected)), 0)
