"""Who updates what: Muon for the layers' matrices, AdamW for everything else.

Muon (an orthogonalised momentum step, from PyTorch itself) needs noticeably fewer tokens than
AdamW for matrices; embedding, output layer, norms and biases are no matrices in its sense.
"""

from __future__ import annotations

import torch
from torch import nn

from glmscope.train.precision import orthogonalizing
from glmscope.train.settings import Optimization


class Optimizers:
    """Both optimizers as one, with a rate that rises, stays and falls."""

    def __init__(self, model: nn.Module, options: Optimization) -> None:
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            is_matrix = ".layers." in name and parameter.ndim == 2
            (matrices if is_matrix else others).append(parameter)
        self._options = options
        self._device = next(model.parameters()).device.type
        muon = torch.optim.Muon(
            matrices,
            lr=options.matrix_rate,
            weight_decay=options.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        )
        adamw = torch.optim.AdamW(
            others, lr=options.other_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True
        )
        self._parts = ((muon, options.matrix_rate), (adamw, options.other_rate))

    def step(self, number: int) -> float:
        """Update with the rate of step `number` (from 0) and clear gradients; returns the rate."""
        share = rate_share(number, self._options)
        for optimizer, rate in self._parts:
            for group in optimizer.param_groups:
                group["lr"] = rate * share
            with orthogonalizing(self._device):
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return share * self._options.matrix_rate

    def state_dict(self) -> list[dict[str, object]]:
        """What `load_state_dict` takes back."""
        return [optimizer.state_dict() for optimizer, _ in self._parts]

    def load_state_dict(self, states: list[dict[str, object]]) -> None:
        """Go on where `state_dict` was taken."""
        for (optimizer, _), state in zip(self._parts, states, strict=True):
            optimizer.load_state_dict(state)


def rate_share(step: int, options: Optimization) -> float:
    """Share of the full rate at `step` (from 0): linear rise, plateau, linear fall to zero."""
    rise = (step + 1) / max(options.warmup, 1)
    fall = (options.steps - step) / max(options.decay * options.steps, 1)
    return max(0.0, min(1.0, rise, fall))
