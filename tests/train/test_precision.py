"""What training multiplies in, and that a step in float32 is one."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.train import precision  # noqa: E402
from glmscope.train.optimizer import Optimizers  # noqa: E402
from glmscope.train.settings import Optimization  # noqa: E402


class _OneMatrix(torch.nn.Module):
    """A matrix where Muon looks for them, and something that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.Module()
        self.encoder.layers = torch.nn.ModuleList([torch.nn.Linear(24, 16)])


def _update(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """By how much a first step changes the matrix, where training multiplies in `dtype`."""
    monkeypatch.setattr(precision, "product_type", lambda device: dtype)
    torch.manual_seed(5)
    model = _OneMatrix()
    matrix = model.encoder.layers[0].weight
    before = matrix.detach().clone()
    options = Optimization(
        steps=4, batch_tokens=1, lengths=(8,), matrix_rate=1.0, other_rate=0.0, warmup=0,
        decay=0.0, weight_decay=0.0,
    )  # fmt: skip
    optimizers = Optimizers(model, options)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizers.step(0)
    return matrix.detach() - before


def _in_double() -> torch.Tensor:
    """The same update by the published iteration, in float64."""
    torch.manual_seed(5)
    model = _OneMatrix()
    x = torch.randn_like(model.encoder.layers[0].weight).double()
    x /= x.norm()
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return -0.2 * max(x.shape) ** 0.5 * x


def test_a_step_is_in_float32_where_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = _in_double()
    single = (_update(torch.float32, monkeypatch).double() - exact).abs().max()
    half = (_update(torch.bfloat16, monkeypatch).double() - exact).abs().max()
    assert single < 1e-4
    assert half > 10 * single


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32])
def test_the_faster_type_is_taken(faster: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_product_seconds", lambda dtype: 1.0 + (dtype is not faster))
    precision.product_type.cache_clear()
    try:
        assert precision.product_type("cpu") is faster
        with precision.mixed("cpu"):
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype is faster
    finally:
        precision.product_type.cache_clear()


def test_a_gpu_multiplies_in_bfloat16() -> None:
    assert precision.product_type("cuda") is torch.bfloat16


def test_a_processor_without_bfloat16_multiplies_in_float32() -> None:
    """Some thirty times as fast there: no noise decides it."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    if "avx2" not in flags or {"avx512f", "amx_bf16"} & flags:
        pytest.skip("this processor may have instructions for bfloat16")
    assert precision.product_type("cpu") is torch.float32
