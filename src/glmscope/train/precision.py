"""The number type that training multiplies in: bfloat16 where that is the faster one.

A processor without instructions for bfloat16 multiplies it so slowly that a step takes many times
as long as in float32 (`scripts/measure_training.py`), so what is faster is tried out once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_TRIED = 384
"""Rows and columns of the matrices that are multiplied to try a type out."""
_TRIES = 4


@cache
def product_type(device: str) -> torch.dtype:
    """What matrices are multiplied in on a `device` such as "cpu" or "cuda"."""
    if device != "cpu":
        return torch.bfloat16
    return min((torch.bfloat16, torch.float32), key=_product_seconds)


def _product_seconds(dtype: torch.dtype) -> float:
    """The least time that a product in `dtype` took on the CPU."""
    matrix = torch.ones(_TRIED, _TRIED, dtype=dtype)
    taken = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        matrix @ matrix
        taken.append(time.perf_counter() - begun)
    return min(taken)


def mixed(device: str) -> AbstractContextManager[object]:
    """Within, forward passes multiply in the product type of `device`; weights stay float32."""
    return torch.autocast(device, torch.bfloat16, enabled=product_type(device) is torch.bfloat16)


def orthogonalizing(device: str) -> AbstractContextManager[object]:
    """Within, Muon's steps multiply in the product type of `device`: alone it takes bfloat16."""
    return nullcontext() if product_type(device) is torch.bfloat16 else Float32ForBfloat16()


class Float32ForBfloat16(TorchFunctionMode):
    """Within, what is asked for in bfloat16 is a copy in float32."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        if func is Tensor.bfloat16:
            return args[0].to(torch.float32, copy=True)
        return func(*args, **(kwargs or {}))
