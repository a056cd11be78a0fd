"""How much each token counts in the loss, and how much where attention looks.

Few tokens decide what the others only carry out. Where attention looks has to be taught before
tokens tell it, and must not drown them afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glmscope.text.tokenizer import Tokenizer
from glmscope.train.pointing import Kind
from glmscope.train.settings import Optimization

OPENING_TOKENS = 4
"""So many tokens of a turn say whether a tool is called, and which."""
CHOICE_WEIGHT = 3.0
"""What the first token of a copy counts at least."""
SYMBOLS = frozenset("+-*/%()[],:=<>")
"""Signs that say in programs and calls how what is copied belongs together."""
_QUOTES = frozenset("\"'")
"""What the vocabulary joins to them: `")` is one piece."""


@dataclass(frozen=True)
class TokenWeights:
    """Weights [B, S] of what follows each of `ids` [B, S]: 1, or more where something is decided.

    `assistant` is the id that begins a turn, where the family has one, `symbols` [N] are the ids
    of pieces that are nothing but SYMBOLS, in programs and elsewhere.
    """

    assistant: int | None
    symbols: Tensor
    opening_weight: float = 1.0
    symbol_weight: float = 1.0

    @classmethod
    def of(cls, words: Tokenizer, opening_weight: float, symbol_weight: float) -> TokenWeights:
        """The weights for a vocabulary."""
        symbols = [
            piece
            for piece in range(words.special.eos + 1, words.piece_count)  # special ids come first
            if _is_symbol(words.decode([piece]).strip())
        ]
        ids = torch.tensor(symbols, dtype=torch.long)
        return cls(words.special.assistant, ids, opening_weight, symbol_weight)

    def __call__(self, ids: Tensor) -> Tensor:
        """Weights of `ids`; whatever has two takes the larger one."""
        follows = torch.zeros(ids.shape, dtype=torch.bool, device=ids.device)
        follows[:, :-1] = torch.isin(ids[:, 1:], self.symbols.to(ids.device))
        weights = opening_weights(ids, self.assistant, self.opening_weight)
        return torch.where(follows, weights.clamp(min=self.symbol_weight), weights)


def _is_symbol(text: str) -> bool:
    return bool(SYMBOLS & set(text)) and set(text) <= SYMBOLS | _QUOTES


def opening_weights(ids: Tensor, assistant: int | None, weight: float) -> Tensor:
    """How much what follows each of `ids` [B, S] counts: `weight` at the openings of turns, else 1.

    The first OPENING_TOKENS decide whether a tool is called and which one, and are few beside the
    rest. `assistant` is the id that begins a turn, where the family has one.
    """
    begins = ids == (-1 if assistant is None else assistant)
    opening = begins.clone()
    for later in range(1, OPENING_TOKENS):
        opening[:, later:] |= begins[:, :-later]
    return torch.where(opening, weight, 1.0)


def chosen_weights(weights: Tensor, pointers: Tensor) -> Tensor:
    """`weights` [B, S], at least CHOICE_WEIGHT where the first token of a copy is chosen.

    `pointers` [P, 4] as batches have them, which tell of calls and short answers; what follows in
    a copy is foretold by what came before.
    """
    row, _, place, _ = pointers[pointers[:, 1] == Kind.FIRST].unbind(1)
    weights = weights.clone()
    weights[row, place] = weights[row, place].clamp(min=CHOICE_WEIGHT)
    return weights


def pointing_weight(step: int, options: Optimization) -> float:
    """What it counts at `step` (from 0) where attention looks.

    It falls by equal factors over the first half of the steps, and stays at `pointing_end`, where
    one is given.
    """
    if not options.pointing_end:
        return options.pointing_weight
    fallen = min(1.0, 2 * step / options.steps)
    ratio = options.pointing_end / options.pointing_weight
    return float(options.pointing_weight * ratio**fallen)
