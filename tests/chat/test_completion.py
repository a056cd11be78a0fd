"""Texts without roles, and how they go on."""

from __future__ import annotations

import pytest

from glmscope.chat.request import CompletionRequest
from glmscope.engine.engine import Step
from glmscope.errors import InvalidParameter
from tests.chat.support import CHATGLM2, CHATGLM3, ListedEngine, joined, one_by_one, serve

TOKENIZERS = pytest.mark.parametrize("tokenizer", [CHATGLM2, CHATGLM3])


def completion(prompt, **settings):
    return CompletionRequest(request_id="r-1", model="m", prompt=prompt, **settings)


@TOKENIZERS
async def test_what_follows_keeps_its_white_space(tokenizer):
    engine = ListedEngine(one_by_one(tokenizer.encode("there, \n")))
    reply = serve(engine, tokenizer).prepare_completion(completion("hello"))
    assert joined([event async for event in reply]) == " there, \n"


@TOKENIZERS
async def test_a_text_and_its_ids_are_the_same_prompt(tokenizer):
    ids = tokenizer.encode("hello there")
    asked = []
    for prompt in ("hello there", tuple(ids), (*tokenizer.prefix_ids, *ids)):
        engine = ListedEngine([Step((), "stop")])
        reply = serve(engine, tokenizer).prepare_completion(completion(prompt))
        assert [event.usage.input_tokens async for event in reply] == [len(ids)]
        asked += [prompt_ids for prompt_ids, _ in engine.asked]
    assert asked == [[*tokenizer.prefix_ids, *ids]] * 3


@pytest.mark.parametrize("unknown", [-1, CHATGLM3.vocab_size, 10**30])
def test_ids_that_the_model_has_not_are_refused(unknown):
    service = serve(ListedEngine())
    with pytest.raises(InvalidParameter, match=f"the id {unknown}; this model has 0 to"):
        service.prepare_completion(completion((5, unknown)))


@pytest.mark.parametrize("prompt", ["", (), tuple(CHATGLM3.prefix_ids)])
def test_nothing_is_no_prompt(prompt):
    with pytest.raises(InvalidParameter, match="Range of input length"):
        serve(ListedEngine()).prepare_completion(completion(prompt))
