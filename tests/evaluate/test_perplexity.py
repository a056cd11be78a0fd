from __future__ import annotations

import asyncio
import math
from pathlib import Path

import numpy as np
import pytest

from glmscope.engine.openvino import OpenVINOEngine
from glmscope.errors import UsageError
from glmscope.evaluate.checks import HELD_OUT, Check
from glmscope.evaluate.perplexity import perplexity
from glmscope.model.convert import convert
from glmscope.parity.network import Network
from glmscope.text.prompt import PromptMessage, chatglm3_dialogue
from tests.evaluate.support import TOKENIZER, PreparedEngine, served
from tests.support.checkpoints import write_checkpoint

SPECIAL = TOKENIZER.special
DIALOGUE = Check(
    HELD_OUT,
    "weather",
    (
        PromptMessage("user", "杭州"),
        PromptMessage("assistant", "```python\ntool_call()\n```", metadata="weather"),
        PromptMessage("observation", "12"),
        PromptMessage("assistant", "好"),
    ),
)


def test_the_assistants_ids_are_its_lines_its_text_and_its_stop_id() -> None:
    ids, spoken = chatglm3_dialogue(TOKENIZER, DIALOGUE.messages)
    call = TOKENIZER.encode("weather\n") + TOKENIZER.encode("```python\ntool_call()\n```")
    answer = TOKENIZER.encode("\n") + TOKENIZER.encode("好")
    assert [ids[index] for index in spoken] == [
        *call,
        SPECIAL.observation,
        *answer,
        SPECIAL.user,
    ]
    assert ids[:2] == TOKENIZER.prefix_ids
    assert [each for each in ids if each >= SPECIAL.mask] == [
        SPECIAL.gmask,
        SPECIAL.sop,
        SPECIAL.user,
        SPECIAL.assistant,
        SPECIAL.observation,
        SPECIAL.assistant,
        SPECIAL.user,
    ]


def test_a_dialogue_may_end_with_a_call() -> None:
    ids, spoken = chatglm3_dialogue(TOKENIZER, DIALOGUE.messages[:2])
    assert ids[-1] == SPECIAL.observation
    assert spoken[-1] == len(ids) - 1


async def test_it_is_exp_of_the_mean_loss_of_those_ids() -> None:
    engine = PreparedEngine(logprob=-0.5)
    found = await perplexity(served(engine), [DIALOGUE, DIALOGUE])
    assert math.isclose(found.value, math.exp(0.5))
    assert found.tokens == 2 * len(chatglm3_dialogue(TOKENIZER, DIALOGUE.messages)[1])
    assert len(engine.scored) == 2


async def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(UsageError, match="no assistant turn"):
        await perplexity(served(PreparedEngine()), [])
    short = PreparedEngine()
    short.max_positions = 8
    with pytest.raises(UsageError, match="dialogue weather is longer"):
        await perplexity(served(short), [DIALOGUE])
    silent = PreparedEngine()
    silent.abilities = frozenset()
    with pytest.raises(UsageError, match="cannot tell how likely"):
        await perplexity(served(silent), [DIALOGUE])


async def test_it_is_the_networks_own(tmp_path: Path) -> None:
    """Against the logits of the graph, taken from it directly."""
    vocabulary = -(-TOKENIZER.vocab_size // 64) * 64
    write_checkpoint(tmp_path / "source", padded_vocab_size=vocabulary, seq_length=512)
    convert(tmp_path / "source", tmp_path / "exact", weights="fp32")
    ids, spoken = chatglm3_dialogue(TOKENIZER, DIALOGUE.messages)
    network = Network(tmp_path / "exact")
    network.start()
    logits = network.feed(np.array([ids]), np.arange(len(ids))[None]).logits[0].astype(np.float64)
    normal = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -np.mean([normal[index - 1, ids[index]] for index in spoken])
    engine = await asyncio.to_thread(OpenVINOEngine.open, tmp_path / "exact")
    try:
        found = await perplexity(served(engine), [DIALOGUE])
    finally:
        await engine.close()
    assert math.isclose(found.value, math.exp(loss), rel_tol=1e-4)
