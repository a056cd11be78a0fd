"""JSON replies: refused before anything is generated, or pure JSON from the first character."""

from __future__ import annotations

import json

import pytest

from glmscope.engine.engine import ANY_OBJECT
from glmscope.errors import InvalidParameter
from tests.chat.support import (
    CHATGLM2,
    CHATGLM3,
    ListedEngine,
    conversation,
    joined,
    last,
    read,
    scripted,
    serve,
)

QUESTION = '你说 "JSON" 吗？\n🌧'
ASK = conversation(("user", QUESTION), json_schema=ANY_OBJECT)
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "good": {"type": "boolean"}},
    "required": ["text", "good"],
}


@pytest.mark.parametrize("tokenizer", [CHATGLM3, CHATGLM2])
async def test_the_scripted_answer_is_pure_json(tokenizer):
    events = await read(serve(scripted(tokenizer), tokenizer), ASK)
    assert joined(events) == json.dumps({"answer": QUESTION}, ensure_ascii=False).replace(
        " ", "", 1
    )
    assert last(events).reason == "stop"


async def test_the_scripted_answer_follows_the_schema():
    request = conversation(("user", QUESTION), json_schema=json.dumps(SCHEMA), n=2, logprobs=1)
    events = await read(serve(scripted()), request)
    for index in (0, 1):
        text = joined([event for event in events if event.index == index])
        assert json.loads(text) == {"text": QUESTION, "good": True}


async def test_the_prompt_says_the_header_line_and_usage_does_not_count_it():
    service = serve(scripted())
    free = service.prepare(conversation(("user", QUESTION)))
    held = service.prepare(ASK)
    assert held.trace.prompt_ids == [*free.trace.prompt_ids, *CHATGLM3.encode("\n")]
    assert held.input_tokens == free.input_tokens


async def test_the_chatglm2_prompt_is_the_same():
    service = serve(scripted(CHATGLM2), CHATGLM2)
    free = service.prepare(conversation(("user", QUESTION)))
    assert service.prepare(ASK).trace.prompt_ids == free.trace.prompt_ids


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"json_schema": '{"pattern": "x"}'}, "response_format"),
        ({"json_schema": "{"}, "response_format"),
        ({"json_schema": ANY_OBJECT, "stop": ("}",)}, "stop"),
        ({"json_schema": ANY_OBJECT, "stop_sequences": ((5,),)}, "stop"),
    ],
)
def test_what_could_not_be_kept_is_refused_before_generating(changes, param):
    with pytest.raises(InvalidParameter) as refusal:
        serve(scripted()).prepare(conversation(("user", "x"), **changes))
    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("changes", "param"),
    [({"json_schema": ANY_OBJECT}, "response_format"), ({"logprobs": 0}, "logprobs")],
)
def test_what_the_engine_cannot_do_is_refused(changes, param):
    with pytest.raises(InvalidParameter) as refusal:
        serve(ListedEngine()).prepare(conversation(("user", "x"), **changes))
    assert refusal.value.param == param
