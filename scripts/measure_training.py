"""Time parts of a training step on a CPU, each in two ways: bfloat16 or float32, memory given back
or kept, attention fused or in blocks.

    python scripts/measure_training.py [--length 640] [--rows 12]

One way is measured after the other, what follows the types in the faster one, attention with
memory kept. Shapes are the built-in model's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that every PyTorch program uses

from glmscope.train.memory import keep_freed_memory
from glmscope.train.model import attend_in_blocks, document_mask
from glmscope.train.precision import Float32ForBfloat16, product_type

HEADS, GROUPS, SIZE = 6, 2, 64
WIDTH, INNER = 384, 2560


def _fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    k, v = (part.repeat_interleave(HEADS // GROUPS, dim=1) for part in (k, v))
    return F.scaled_dot_product_attention(q, k, v, mask)


def forward_and_backward(compute: Callable[[], Tensor], repeats: int = 12) -> float:
    """Milliseconds of a forward and a backward pass, the median."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        result = compute()
        result.backward(torch.ones_like(result))
        taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken[2:])


def _linear(tokens: int, dtype: torch.dtype) -> Callable[[], Tensor]:
    x = torch.randn(tokens, WIDTH, dtype=dtype, requires_grad=True)
    matrix = torch.randn(INNER, WIDTH, dtype=dtype, requires_grad=True)
    return lambda: F.linear(x, matrix)


def _muon(dtype: torch.dtype) -> float:
    """Milliseconds of a step of Muon on the largest matrix, the least."""
    matrix = nn.Parameter(torch.randn(INNER, WIDTH))
    muon = torch.optim.Muon([matrix])
    taken = []
    for _ in range(4):
        matrix.grad = torch.randn(INNER, WIDTH)
        begun = time.perf_counter()
        with nullcontext() if dtype is torch.bfloat16 else Float32ForBfloat16():
            muon.step()
        taken.append(1000 * (time.perf_counter() - begun))
    return min(taken)


def measure_types(tokens: int = 960) -> None:
    """Print a matrix of the built-in model and Muon's step on it, in either type.

    Few tokens: without instructions for bfloat16 this takes thirty times as long.
    """
    types = (torch.bfloat16, torch.float32)
    wide, single = (forward_and_backward(_linear(tokens, dtype), repeats=4) for dtype in types)
    print(
        f"matrix {WIDTH} x {INNER} on {tokens} tokens: {wide:.1f} ms in bfloat16, "
        f"{single:.1f} ms in float32 ({wide / single:.2f} x)"
    )
    wide, single = map(_muon, types)
    print(
        f"Muon on it: {wide:.1f} ms in bfloat16, {single:.1f} ms in float32 "
        f"({wide / single:.2f} x); training takes {product_type('cpu')}"
    )


def measure_attention(rows: int, length: int) -> None:
    """Print the time of attention by either way, compiled, and their ratio."""
    sizes, dtype = (HEADS, GROUPS, GROUPS), product_type("cpu")
    q, k, v = (
        torch.randn(rows, heads, length, SIZE, dtype=dtype, requires_grad=True) for heads in sizes
    )
    mask = document_mask(torch.ones(rows, length, dtype=torch.long), dtype)
    ways = {"fused": torch.compile(_fused), "blocks": torch.compile(attend_in_blocks)}
    taken = {
        name: forward_and_backward(lambda way=way: way(q, k, v, mask)) for name, way in ways.items()
    }
    print(
        f"attention of {rows} x {length} tokens: fused {taken['fused']:.1f} ms, "
        f"in blocks {taken['blocks']:.1f} ms ({taken['fused'] / taken['blocks']:.2f} x)"
    )


def measure_memory(tokens: int) -> None:
    """Print a matrix of the built-in model, with memory given back and with memory kept."""
    multiply = _linear(tokens, product_type("cpu"))
    given_back = forward_and_backward(multiply)
    if not keep_freed_memory():
        print("memory: this is not glibc, nothing to compare")
        return
    kept = forward_and_backward(multiply)
    print(
        f"matrix {WIDTH} x {INNER} on {tokens} tokens: {given_back:.1f} ms with memory given back, "
        f"{kept:.1f} ms with it kept ({given_back / kept:.2f} x)"
    )


def main() -> None:
    """Measure each and print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--length", type=int, default=640)
    asked = parser.parse_args()
    measure_types()
    measure_memory(asked.rows * asked.length)
    measure_attention(asked.rows, asked.length)


if __name__ == "__main__":
    main()
