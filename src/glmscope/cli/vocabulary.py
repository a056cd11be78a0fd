"""What an engine has to know of a tokenizer, so that it can hold replies to a grammar."""

from __future__ import annotations

from glmscope.engine.vocabulary import TurnIds, Vocabulary
from glmscope.text.tokenizer import Tokenizer


def vocabulary_of(tokenizer: Tokenizer) -> Vocabulary:
    """The words of its ids, and those with a part in prompts and replies."""
    special = tokenizer.special
    user, assistant, observation = special.user, special.assistant, special.observation
    turns = None
    if user is not None and assistant is not None and observation is not None:
        turns = TurnIds(user, assistant, observation)
    pieces = [tokenizer.id_bytes(token_id) for token_id in range(tokenizer.vocab_size)]
    return Vocabulary(pieces, special.eos, turns, (special.gmask, special.sop))
