"""Texts without roles, and how they go on."""

from __future__ import annotations

import pytest

from glmscope.chat.events import PieceLogprob
from glmscope.chat.request import CompletionRequest
from glmscope.engine.engine import Step, TokenLogprob
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


@TOKENIZERS
async def test_the_end_token_is_told_where_logprobs_are(tokenizer):
    end = TokenLogprob(tokenizer.special.eos, -0.5, ((tokenizer.special.eos, -0.5),))
    (word,) = tokenizer.encode("a")
    steps = [
        Step((word,), logprobs=(TokenLogprob(word, -1.0),)),
        Step((), "stop", end_id=end.id, end_logprob=end),
    ]
    engine = ListedEngine(steps)
    engine.abilities = frozenset({"logprobs"})
    reply = serve(engine, tokenizer).prepare_completion(completion("x", logprobs=1))
    (piece, finished) = [event async for event in reply]
    assert [each.logprob for each in piece.logprobs] == [-1.0]
    assert finished.end == PieceLogprob("</s>", b"", -0.5, (("</s>", b"", -0.5),))


async def test_a_stop_string_has_no_end_token():
    ids = CHATGLM3.encode("stop")
    steps = [Step(tuple(ids), logprobs=tuple(TokenLogprob(each, -1.0) for each in ids))]
    end = Step((), "stop", end_id=2, end_logprob=TokenLogprob(2, -0.5))
    engine = ListedEngine([*steps, end])
    engine.abilities = frozenset({"logprobs"})
    request = completion("x", logprobs=1, stop=("stop",))
    finished = [event async for event in serve(engine).prepare_completion(request)][-1]
    assert finished.reason == "stop"
    assert finished.end is None
