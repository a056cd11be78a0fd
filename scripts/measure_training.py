"""Time parts of a training step on a CPU: attention two ways, a matrix with memory kept or not.

    python scripts/measure_training.py [--length 640] [--rows 12]

One way is measured after the other, attention with memory kept. Shapes are the built-in model's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that every PyTorch program uses

from glmscope.train.memory import keep_freed_memory
from glmscope.train.model import attend_in_blocks, document_mask

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


def measure_attention(rows: int, length: int) -> None:
    """Print the time of attention by either way, compiled, and their ratio."""
    sizes = (HEADS, GROUPS, GROUPS)
    q, k, v = (
        torch.randn(rows, heads, length, SIZE, dtype=torch.bfloat16, requires_grad=True)
        for heads in sizes
    )
    mask = document_mask(torch.ones(rows, length, dtype=torch.long), torch.bfloat16)
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
    x = torch.randn(tokens, WIDTH, dtype=torch.bfloat16, requires_grad=True)
    matrix = torch.randn(INNER, WIDTH, dtype=torch.bfloat16, requires_grad=True)
    given_back = forward_and_backward(lambda: F.linear(x, matrix))
    if not keep_freed_memory():
        print("memory: this is not glibc, nothing to compare")
        return
    kept = forward_and_backward(lambda: F.linear(x, matrix))
    print(
        f"matrix {WIDTH} x {INNER} on {tokens} tokens: {given_back:.1f} ms with memory given back, "
        f"{kept:.1f} ms with it kept ({given_back / kept:.2f} x)"
    )


def main() -> None:
    """Measure both and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--length", type=int, default=640)
    asked = parser.parse_args()
    measure_memory(asked.rows * asked.length)
    measure_attention(asked.rows, asked.length)


if __name__ == "__main__":
    main()
