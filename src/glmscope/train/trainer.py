"""One stage of training: batches in, a better model out; survives being killed."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from glmscope.train.attention_loss import pointing_losses, supervised_heads
from glmscope.train.curves import draw_curve
from glmscope.train.memory import give_back_memory, keep_freed_memory
from glmscope.train.model import ChatGLM
from glmscope.train.optimizer import Optimizers
from glmscope.train.packing import Batch
from glmscope.train.precision import mixed
from glmscope.train.settings import Optimization
from glmscope.train.weighting import chosen_weights


class Counted(Protocol):
    """A batch of any kind: it knows how many tokens it holds."""

    @property
    def tokens(self) -> int:
        """Tokens that are learned from, or read."""
        ...


Loss = Callable[[Any, int], Tensor]
"""The loss of one batch in a step, counted from 0, on the model's device."""

GRADIENT_LIMIT = 1.0
POINTING_EVERY = 4
"""Where heads look is taught once in so many steps, and counts so many times as much there: it
takes a fifth of a step's time, and the optimizers' momentum spreads it."""
GIVE_BACK_EVERY = 20
"""Steps after which free memory is returned."""


def best_device() -> torch.device:
    """The GPU if there is one, else the CPU: the same code runs on both."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Trainer:
    """Runs the steps of one stage and keeps its files, all named after it, in `work`.

    `STAGE.state` holds everything that a killed run goes on from, `STAGE.jsonl` and `STAGE.png` the
    loss of every step.
    """

    def __init__(self, stage: str, model: ChatGLM, options: Optimization, work: Path) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self._stage, self._options = stage, options
        self._optimizers = Optimizers(model, options)
        self._state = work / f"{stage}.state"
        self._history = work / f"{stage}.jsonl"
        self._picture = work / f"{stage}.png"

    def run(self, planned: Iterable[Callable[[], Counted]], loss: Loss) -> float:
        """Train on batches that are made when their step comes, the same ones each time; returns
        the mean loss at the end (of the last 5 % of the steps). Those that a killed run has read
        are passed over unmade."""
        done = self._resume()
        self.model.train()
        keep_freed_memory()
        remaining = itertools.islice(planned, done, self._options.steps)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
        )
        # A line at a time: what a killed run did can be seen.
        opened = self._history.open("a", encoding="utf-8", buffering=1)
        with Progress(*columns) as progress, opened as history:
            task = progress.add_task(
                self._stage, total=self._options.steps, completed=done, loss=float("nan")
            )
            for step, make in enumerate(remaining, start=done):
                entry = self._step(step, make(), loss)
                history.write(json.dumps(entry) + "\n")
                progress.update(task, completed=step + 1, loss=entry["loss"])
                if (step + 1) % GIVE_BACK_EVERY == 0:
                    give_back_memory()
                if (step + 1) % self._options.save_every == 0:
                    self._save(step + 1)
        give_back_memory()
        self._save(self._options.steps)
        losses = [entry["loss"] for entry in self._entries(self._options.steps)]
        draw_curve(self._stage, losses, self._picture)
        last = losses[-max(1, len(losses) // 20) :]
        return sum(last) / len(last)

    def _step(self, step: int, batch: Counted, loss: Loss) -> dict[str, float]:
        started = time.monotonic()
        with mixed(self.device.type):
            value = loss(batch, step)
        value.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_LIMIT)
        rate = self._optimizers.step(step)
        return {
            "step": step,
            "loss": round(value.item(), 4),
            "gradient": round(norm.item(), 3),
            "rate": rate,
            "tokens": batch.tokens,
            "seconds": round(time.monotonic() - started, 3),
        }

    def _save(self, done: int) -> None:
        state = {
            "done": done,
            "model": self.model.state_dict(),
            "optimizers": self._optimizers.state_dict(),
        }
        partial = self._state.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._state)

    def _resume(self) -> int:
        if not self._state.exists():
            self._history.unlink(missing_ok=True)
            return 0
        state = torch.load(self._state, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self._optimizers.load_state_dict(state["optimizers"])
        done = int(state["done"])
        # What a killed run wrote after its last save is done again.
        kept = [json.dumps(entry) + "\n" for entry in self._entries(done)]
        self._history.write_text("".join(kept), encoding="utf-8")
        return done

    def _entries(self, done: int) -> list[dict[str, float]]:
        lines = self._history.read_text(encoding="utf-8").splitlines()
        return [entry for line in lines if (entry := json.loads(line))["step"] < done]


def tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """`ids`, `targets` and `documents` of a batch, on `device`."""
    return (
        torch.from_numpy(batch.ids).to(device),
        torch.from_numpy(batch.targets).to(device),
        torch.from_numpy(batch.documents).to(device),
    )


def language_model_loss(
    model: ChatGLM,
    compiled: bool,
    weigh: Callable[[Tensor], Tensor] | None = None,
    pointing: Callable[[int], float] | None = None,
) -> Callable[[Batch, int], Tensor]:
    """Mean cross entropy of a batch's learned tokens; `compiled` by PyTorch's own compiler.

    `weigh` says from the ids [B, S] how much each place counts, where nothing is chosen
    (`chosen_weights`); `pointing` from a step, how much it counts there where the supervised heads
    look (`attention_loss`), beside each one's own weight, on average over POINTING_EVERY steps.
    """
    supervised = supervised_heads(model.config) if pointing else ()
    hidden = partial(model.hidden_and_inputs, layers=[heads.layer for heads in supervised])
    head = model.head_loss
    if compiled:
        hidden, head = torch.compile(hidden), torch.compile(head, dynamic=True)
    device = next(model.parameters()).device
    counted = torch.tensor([POINTING_EVERY * one.weight for one in supervised], device=device)

    def loss(batch: Batch, step: int) -> Tensor:
        ids, targets, documents = tensors(batch, device)
        pointers = torch.from_numpy(batch.pointers).to(device)
        weights = None if weigh is None else chosen_weights(weigh(ids), pointers)
        final, inputs = hidden(ids, documents)
        value = head(final, targets, weights)
        if pointing is None or step % POINTING_EVERY:
            return value
        looked = pointing_losses(model, inputs, supervised, documents, pointers)
        return value + pointing(step) * (counted * looked).sum()

    return loss
