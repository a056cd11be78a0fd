"""The rules of rounding weights that `measure_quantization.py` compares, served or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from glmscope.model.layout import FINAL_NORM, MLP_UP, OUTPUT_LAYER, QKV
from glmscope.model.official_quant import dequantize, quantize_rows
from glmscope.model.quantize import extreme_scales, nearest_integers, searched_scales

Matrix = np.ndarray[Any, np.dtype[Any]]
Rule = Callable[[Matrix, int, Matrix | None], Matrix]

# Where the extreme number of a group may land, and how much of its range may be kept.
LANDINGS = np.arange(8.5, 10.25, 0.5)
SHARES = np.arange(0.7, 1.01, 0.05)


@dataclass(frozen=True)
class Format:
    """A rule of RULES for int4, columns that share a scale (None: the row), and the vocabulary.

    Embedding and output are left in "float", rounded to "int8" by row, or as the layers are.
    """

    rule: str
    group: int | None
    vocabulary: str = "float"

    @property
    def name(self) -> str:
        """As the table calls it, and --only."""
        group = "row" if self.group is None else str(self.group)
        vocabulary = "" if self.vocabulary == "float" else f", vocabulary {self.vocabulary}"
        return f"{self.rule} / {group}{vocabulary}"

    @property
    def bits(self) -> float:
        """Bits a number of the layers takes in rows of 4096: integer, scale and zero point."""
        each = 16 + 4 * self.rule.startswith("asymmetric")
        return 4 + each / (self.group or 4096)


def round_trip(
    weight: Matrix, format_: Format, is_layer: bool, importance: Matrix | None
) -> Matrix:
    """`weight` [out, in] rounded and back. `importance` [in] is known for some columns."""
    group = format_.group or weight.shape[1]
    if is_layer:
        return RULES[format_.rule](weight, group, importance)
    if format_.vocabulary == "float":
        return weight
    if format_.vocabulary == "int8":
        return _times(weight, extreme_scales(weight, 8, weight.shape[1]), 8)
    return RULES[format_.vocabulary](weight, group, importance)


def layer_norm_of(name: str) -> str | None:
    """The norm whose output the matrix `name` multiplies; None where it is something else's."""
    if name == OUTPUT_LAYER:
        return FINAL_NORM
    for part, norm in ((QKV, "input_layernorm"), (MLP_UP, "post_attention_layernorm")):
        if part in name:
            return name.replace(part, norm)
    return None


def _times(weight: Matrix, scales: Matrix, bits: Literal[4, 8] = 4) -> Matrix:
    wide = np.repeat(scales.astype(np.float32), weight.shape[1] // scales.shape[1], axis=1)
    rounded: Matrix = nearest_integers(weight, scales, bits) * wide
    return rounded


def _official(weight: Matrix, group: int, importance: Matrix | None) -> Matrix:
    """One scale a row, largest magnitude to 7, all in float16."""
    return dequantize(*quantize_rows(weight.astype(np.float16), 4), 4)


def _absmax(weight: Matrix, group: int, importance: Matrix | None) -> Matrix:
    """Largest magnitude to 7 or -7."""
    magnitudes = np.abs(_grouped(weight, group)).max(axis=2)
    return _times(weight, (magnitudes / 7).astype(np.float16))


def _extreme(weight: Matrix, group: int, importance: Matrix | None) -> Matrix:
    """Largest magnitude to -8."""
    return _times(weight, extreme_scales(weight, 4, group))


def _search(weight: Matrix, group: int, importance: Matrix | None) -> Matrix:
    """What `glmscope convert` does: large numbers count for more."""
    return _times(weight, searched_scales(weight, group))


def _search_plainly(weight: Matrix, group: int, importance: Matrix | None) -> Matrix:
    """The same search for the smallest squared error."""
    return _search_by_columns(weight, group, np.ones(weight.shape[1], np.float32))


def _search_by_columns(weight: Matrix, group: int, importance: Matrix | None) -> Matrix:
    """The same search for the smallest error of columns weighted by importance, where known."""
    if importance is None:
        return _search_plainly(weight, group, None)
    groups, each = _grouped(weight, group), importance.reshape(-1, group)
    extreme = -8 * extreme_scales(weight, 4, group).astype(np.float32)
    best = (extreme / -8).astype(np.float16)
    least = _weighted_error(groups, best, each)
    for landing in LANDINGS:
        scales = (extreme / -landing).astype(np.float16)
        integers = nearest_integers(weight, scales, 4).reshape(groups.shape).astype(np.float32)
        along = (each * groups * integers).sum(axis=2)
        square = (each * integers * integers).sum(axis=2)
        scales = np.divide(along, square, out=np.zeros_like(along), where=square != 0)
        error = _weighted_error(groups, scales.astype(np.float16), each)
        best, least = np.where(error < least, scales, best), np.minimum(error, least)
    return _times(weight, best.astype(np.float16))


def _weighted_error(groups: Matrix, scales: Matrix, importance: Matrix) -> Matrix:
    weight = groups.reshape(len(groups), -1)
    errors: Matrix = importance * _grouped(_times(weight, scales) - weight, groups.shape[2]) ** 2
    return errors.sum(axis=2)


def _asymmetric(
    weight: Matrix, group: int, importance: Matrix | None, share: float = 1.0
) -> Matrix:
    """Smallest number to 0, largest to 15, with an integer zero point; `share` of that range."""
    groups = _grouped(weight, group)
    high = share * np.maximum(groups.max(axis=2, keepdims=True), 0)
    low = share * np.minimum(groups.min(axis=2, keepdims=True), 0)
    scales = ((high - low) / 15).astype(np.float16).astype(np.float32)
    scales[scales == 0] = 1
    zero = np.rint(-low / scales)
    integers = np.clip(np.rint(groups / scales) + zero, 0, 15)
    rounded: Matrix = ((integers - zero) * scales).reshape(weight.shape)
    return rounded


def _asymmetric_search(weight: Matrix, group: int, importance: Matrix | None) -> Matrix:
    """The share of each group's range that gives the smallest squared error."""
    best = _asymmetric(weight, group, None)
    least = _grouped((best - weight) ** 2, group).sum(axis=2)
    for share in SHARES:
        tried = _asymmetric(weight, group, None, share)
        error = _grouped((tried - weight) ** 2, group).sum(axis=2)
        better = np.repeat(error < least, group, axis=1)
        best, least = np.where(better, tried, best), np.minimum(error, least)
    return best


def _grouped(weight: Matrix, group: int) -> Matrix:
    return weight.reshape(len(weight), -1, group)


def with_feedback(weight: Matrix, group: int, second_moments: Matrix, damping: float) -> Matrix:
    """GPTQ: each column's error is made up for by the columns after it.

    `second_moments` [in, in] are the means of x x^T over the inputs of calibration; `damping`, a
    share of their mean diagonal, is added to it. Scales are searched when a group is reached.
    """
    moments = second_moments.astype(np.float64)
    moments += np.eye(len(moments)) * damping * np.mean(np.diag(moments))
    upper = np.linalg.cholesky(np.linalg.inv(moments)).T.astype(np.float32)
    left, rounded = weight.copy(), np.empty_like(weight)
    for start in range(0, weight.shape[1], group):
        stop = start + group
        scales = searched_scales(np.ascontiguousarray(left[:, start:stop]), group)
        errors = np.empty((len(weight), group), np.float32)
        for column in range(start, stop):
            rounded[:, column] = _times(left[:, column : column + 1], scales)[:, 0]
            error = (left[:, column] - rounded[:, column]) / upper[column, column]
            left[:, column + 1 : stop] -= np.outer(error, upper[column, column + 1 : stop])
            errors[:, column - start] = error
        left[:, stop:] -= errors @ upper[start:stop, stop:]
    return rounded


RULES: dict[str, Rule] = {
    "official": _official,
    "absmax": _absmax,
    "extreme": _extreme,
    "search": _search,
    "search plainly": _search_plainly,
    "search by columns": _search_by_columns,
    "asymmetric": _asymmetric,
    "asymmetric search": _asymmetric_search,
}
