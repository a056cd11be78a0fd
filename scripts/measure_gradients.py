"""Compare the gradient of the tokens' loss with that of where heads look, on batches of dialogues.

    python scripts/measure_gradients.py CHECKPOINT [--weight 0.01] [--batches 6]

Prints both losses and the norms of their gradients, where heads look at the weight that `retune`
ends with or at one of your own. Where the second norm is the larger one, the network mostly learns
where to look.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from glmscope.errors import GLMScopeError
from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from glmscope.train.attention_loss import pointing_losses, supervised_heads
from glmscope.train.checkpoint import load_checkpoint
from glmscope.train.examples import tuning_examples
from glmscope.train.packing import make_all, planned_batches
from glmscope.train.pointing import Pointing, commonest
from glmscope.train.precision import mixed
from glmscope.train.settings import load_settings
from glmscope.train.trainer import best_device, tensors
from glmscope.train.weighting import TokenWeights, chosen_weights

DIALOGUES = 40
"""Of each generator, one for so many that the settings ask for."""


def gradient_norm(model: nn.Module, loss: Tensor) -> float:
    """The norm of the gradient of `loss`; leaves none behind."""
    loss.backward(retain_graph=True)
    gradients = [one.grad for one in model.parameters() if one.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack([one.norm() for one in gradients]))
    model.zero_grad(set_to_none=True)
    return norm.item()


def compare(checkpoint: Path, config: Path, weight: float | None, count: int) -> None:
    """Print a line a batch."""
    asked = load_settings(config)
    few = {name: max(1, number // DIALOGUES) for name, number in asked.mix.items()}
    settings = dataclasses.replace(asked, mix=few, repetitions=0)
    options = settings.retune
    device = best_device()
    model = load_checkpoint(checkpoint).to(device)
    words = Tokenizer.from_file(checkpoint / "tokenizer.model", Family.CHATGLM3)
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch) / "examples.npz"
        examples = tuning_examples(settings, checkpoint / "tokenizer.model", kept)
    pointing = Pointing(words, commonest(examples.ids))
    weigh = TokenWeights.of(words, options.opening_weight, options.symbol_weight)
    heads = supervised_heads(model.config)
    weight = options.pointing_end if weight is None else weight
    counted = torch.tensor([weight * one.weight for one in heads], device=device)
    rng = random.Random(settings.seed)  # noqa: S311 - no secret is drawn
    drawn = make_all(
        planned_batches(examples, options.lengths, options.batch_tokens, rng, pointing)
    )
    for _, batch in zip(range(count), drawn, strict=False):
        ids, targets, documents = tensors(batch, device)
        pointers = torch.from_numpy(batch.pointers).to(device)
        with mixed(device.type):
            layers = [one.layer for one in heads]
            final, inputs = model.hidden_and_inputs(ids, documents, layers)
            tokens = model.head_loss(final, targets, chosen_weights(weigh(ids), pointers))
            looking = counted * pointing_losses(model, inputs, heads, documents, pointers)
        told, looked = gradient_norm(model, tokens), gradient_norm(model, looking.sum())
        print(
            f"tokens: loss {tokens.item():.3f}, gradient {told:.2f}; "
            f"where heads look: {looking.sum().item():.3f}, {looked:.2f} ({looked / told:.2f} x)"
        )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--config", type=Path, default=Path("train/nano.toml"))
    parser.add_argument("--weight", type=float)
    parser.add_argument("--batches", type=int, default=6)
    asked = parser.parse_args()
    try:
        compare(asked.checkpoint, asked.config, asked.weight, asked.batches)
    except GLMScopeError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
