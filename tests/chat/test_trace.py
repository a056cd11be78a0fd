"""What a reply knows of itself: the exact ids, what was trimmed, and what ended it."""

from __future__ import annotations

import pytest

from glmscope.chat.events import TextPiece
from glmscope.chat.limits import Limits
from glmscope.chat.loop import ROWS_LENGTH
from glmscope.chat.request import CompletionRequest
from glmscope.chat.trace import ReplyEnd, ReplyTrace, name_tokens
from glmscope.engine.engine import Step
from glmscope.text.tokenizer import Tokenizer
from tests.chat.support import (
    CHATGLM2,
    CHATGLM3,
    ListedEngine,
    conversation,
    one_by_one,
    scripted,
    serve,
)

HELLO = CHATGLM3.encode("hello there")


async def traced(steps: list[Step], **settings) -> ReplyTrace:
    reply = serve(ListedEngine(steps)).prepare(conversation(("user", "你好"), **settings))
    assert reply.trace.choices[0].ids == []
    assert reply.trace.choices[0].end is None
    async for _event in reply:
        pass
    return reply.trace


@pytest.mark.parametrize(
    ("steps", "settings", "end"),
    [
        (
            [Step(tuple(HELLO)), Step((), "stop", end_id=CHATGLM3.special.user)],
            {},
            ReplyEnd("token", CHATGLM3.special.user),
        ),
        ([Step(tuple(HELLO), "stop")], {}, ReplyEnd("token")),
        ([Step(tuple(HELLO), "length")], {}, ReplyEnd("limit")),
        (one_by_one(HELLO), {"stop": ("the", "ther")}, ReplyEnd("stop_string", "the")),
        # Held back until the engine ends: the stop string is complete only then.
        (one_by_one(HELLO), {"stop": ("there",)}, ReplyEnd("stop_string", "there")),
        (
            one_by_one(HELLO),
            {"stop_sequences": (tuple(HELLO[1:2]), tuple(HELLO[:2]))},
            ReplyEnd("stop_sequence", tuple(HELLO[:2])),
        ),
        (one_by_one(HELLO[:1] * 2 * ROWS_LENGTH), {}, ReplyEnd("loop", 1)),
    ],
    ids=["token", "unnamed token", "limit", "string", "last string", "sequence", "loop"],
)
async def test_what_ended_a_reply(steps: list[Step], settings: dict, end: ReplyEnd) -> None:
    trace = await traced(steps, **settings)
    assert trace.choices[0].end == end


async def test_every_generated_id_is_kept_though_its_text_is_not_shown() -> None:
    trace = await traced(one_by_one(HELLO), stop=("there",))
    (choice,) = trace.choices
    shown_and_stop = CHATGLM3.decode(choice.ids)
    assert choice.ids == HELLO[: len(choice.ids)]
    assert "there" in shown_and_stop


async def test_a_reply_that_broke_off_has_no_end() -> None:
    service = serve(ListedEngine([Step(tuple(HELLO[:1])), ValueError("a bug")]))
    reply = service.prepare(conversation(("user", "你好")))
    with pytest.raises(Exception, match="internal error"):
        async for _event in reply:
            pass
    assert reply.trace.choices[0].ids == HELLO[:1]
    assert reply.trace.choices[0].end is None


async def test_the_scripted_engine_names_its_stop_id() -> None:
    reply = serve(scripted()).prepare(conversation(("user", "x"), temperature=0))
    pieces = [event.text async for event in reply if isinstance(event, TextPiece)]
    (choice,) = reply.trace.choices
    assert choice.end == ReplyEnd("token", CHATGLM3.special.eos)
    assert CHATGLM3.decode(choice.ids) == "".join(pieces)


def test_prompt_trimming_and_sampling_are_those_of_the_engine() -> None:
    engine = ListedEngine(one_by_one(HELLO))
    limits = Limits(context=100, input=20, output=50)
    turns = [("user", "old " * 15), ("assistant", "answer"), ("user", "new question")]
    reply = serve(engine, limits=limits).prepare(conversation(*turns, top_p=0.5))
    trace = reply.trace
    assert trace.dropped_turns == 1
    assert trace.dropped_tokens == len(CHATGLM3.encode(turns[0][1])) + len(
        CHATGLM3.encode("answer")
    )
    assert trace.input_tokens == reply.input_tokens == len(CHATGLM3.encode("new question"))
    assert "new question" in CHATGLM3.decode(trace.prompt_ids)
    assert "old" not in CHATGLM3.decode(trace.prompt_ids)
    # Defaults filled in, limits taken into account.
    assert (trace.sampling.temperature, trace.sampling.top_p) == (0.8, 0.5)
    assert trace.sampling.max_new_tokens == 50


def test_the_prompt_of_a_completion() -> None:
    request = CompletionRequest(request_id="r", model="m", prompt="hello there")
    trace = serve(ListedEngine()).prepare_completion(request).trace
    assert trace.prompt_ids == [*CHATGLM3.prefix_ids, *HELLO]
    assert (trace.dropped_turns, trace.dropped_tokens) == (0, 0)


def named(tokenizer: Tokenizer, *turns: tuple[str, str]) -> list[tuple[str, str]]:
    trace = serve(ListedEngine(), tokenizer).prepare(conversation(*turns)).trace
    return [(token.piece, token.role) for token in name_tokens(tokenizer, trace.prompt_ids)]


def test_tokens_are_named_and_belong_to_roles() -> None:
    tokens = named(CHATGLM3, ("system", "be"), ("user", "<|assistant|>"), ("tool", "5"))
    marks = [piece for piece, role in tokens if role == "special"]
    assert marks == [
        "[gMASK]",
        "sop",
        "<|system|>",
        "<|user|>",
        "<|observation|>",
        "<|assistant|>",
    ]
    roles = [role for _piece, role in tokens if role != "special"]
    assert list(dict.fromkeys(roles)) == ["system", "user", "observation"]
    # A role that a user spells out is the user's text.
    spelled = "".join(piece for piece, role in tokens if role == "user")
    assert "assistant" in spelled


def test_where_no_ids_mark_roles_all_is_text() -> None:
    tokens = named(CHATGLM2, ("user", "hello"))
    assert tokens[:2] == [("[gMASK]", "special"), ("sop", "special")]
    assert {role for _piece, role in tokens[2:]} == {"text"}


def test_end_ids_and_foreign_ids_are_special() -> None:
    eos = CHATGLM3.special.eos
    tokens = list(name_tokens(CHATGLM3, [HELLO[0], eos, 10**6], role="assistant"))
    assert [token.role for token in tokens] == ["assistant", "special", "special"]
    assert tokens[2].piece == ""
