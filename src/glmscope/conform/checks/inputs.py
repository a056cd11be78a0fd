"""What `input` and `parameters` may look like. Sections 3.1 to 3.3."""

from __future__ import annotations

from typing import Any

from glmscope.conform.check import equal, expect, wire
from glmscope.conform.checks.doors import is_error
from glmscope.conform.http import Answer
from glmscope.conform.script import PROMPT
from glmscope.conform.target import (
    CHATGLM2,
    CHATGLM3,
    GREEDY,
    SHORT,
    STREAM,
    Target,
    assistant,
    body,
    text_of,
    user,
)

_TURN = ("Tell me one.", "That was one.")


def good(answer: Answer, what: str) -> Answer:
    """The answer, when it is one."""
    said = "" if answer.status == 200 else answer.body[:200].decode("utf-8", "replace")
    expect(answer.status == 200, f"{what}: status {answer.status} {said}")
    return answer


def same(target: Target, bodies: dict[str, Any]) -> Any:
    """All bodies get the same text and usage; returns the usage."""
    answers = {what: good(target.ask(each), what).json for what, each in bodies.items()}
    first = next(iter(answers.values()))
    for what, answer in answers.items():
        equal(answer["output"], first["output"], what)
        equal(answer["usage"], first["usage"], f"usage: {what}")
    return first["usage"]


@wire(11)
def history_forms(target: Target) -> None:
    question = {"prompt": "And another?"}
    turn = dict(zip(("user", "bot"), _TURN, strict=True))
    with_turn = same(
        target,
        {
            "history as objects": body({**question, "history": [turn]}, **SHORT),
            "history as pairs": body({**question, "history": [list(_TURN)]}, **SHORT),
        },
    )
    without = same(
        target,
        {
            "prompt": body(question, **SHORT),
            "history []": body({**question, "history": []}, **SHORT),
        },
    )
    expect(with_turn["input_tokens"] > without["input_tokens"], "history is not counted")


@wire(13)
def messages_win(target: Target) -> None:
    messages = [user("one of the messages")]
    both = {"messages": messages, "prompt": "a prompt that is longer than the message"}
    same(target, {"messages": body(messages, **SHORT), "both": body(both, **SHORT)})


@wire(14)
def no_input(target: Target) -> None:
    is_error(target.ask(body({})), 400, "InvalidParameter", "neither prompt nor messages")
    is_error(target.ask({"model": CHATGLM3}), 400, "BadRequest.EmptyInput", "no input")


@wire(15)
def no_model(target: Target) -> None:
    given = {"input": {"prompt": "x"}}
    is_error(target.ask(given), 400, "BadRequest.EmptyModel", "no model")
    unknown = body("x", model="no-such-model")
    is_error(target.ask(unknown), 404, "ModelNotFound", "an unknown model")


@wire(16, needs_script=True)
def empty_parameters(target: Target) -> None:
    question = {"model": CHATGLM3, "input": {"prompt": "nothing to choose"}}
    same(
        target,
        {
            "parameters absent": question,
            "parameters null": {**question, "parameters": None},
            "parameters {}": {**question, "parameters": {}},
        },
    )


@wire(17)
def unknown_parameters(target: Target) -> None:
    plain = body("ignore me not", **SHORT)
    odd = body("ignore me not", **SHORT, stream=True, nobody_knows_this={"a": [1]})
    same(target, {"plain": plain, "unknown names": {**odd, "resources": {"a": 1}, "b": None}})


@wire(28)
def content_parts(target: Target) -> None:
    typed = [{"type": "text", "text": "one and "}, {"type": "text", "text": "two"}]
    untyped = [{"text": "one and "}, {"text": "two"}]
    same(
        target,
        {
            "string": body([user("one and two")], **SHORT),
            "typed parts": body([user(typed)], **SHORT),
            "untyped parts": body([user(untyped)], **SHORT),
        },
    )


@wire(33, needs_script=True)
def chatglm2(target: Target) -> None:
    turn = dict(zip(("user", "bot"), _TURN, strict=True))
    messages = [user(_TURN[0]), assistant(_TURN[1]), user(PROMPT)]
    forms: dict[str, Any] = {
        "prompt": PROMPT,
        "history": {"prompt": PROMPT, "history": [turn]},
        "messages": messages,
    }
    texts = {
        form: text_of(good(target.ask(body(given, model=CHATGLM2, **GREEDY)), form))
        for form, given in forms.items()
    }
    equal(texts["history"], texts["messages"], "history and messages")
    expect("[Round 1]\n\n问：" + PROMPT in texts["prompt"], f"prompt seen as {texts['prompt']!r}")
    rounds = f"[Round 1]\n\n问：{_TURN[0]}\n\n答：{_TURN[1]}\n\n[Round 2]\n\n问：{PROMPT}"
    expect(rounds in texts["messages"], f"messages seen as {texts['messages']!r}")


@wire(35)
def refused_abilities(target: Target) -> None:
    good(target.generate("x", enable_search=False, **SHORT), "enable_search false")
    is_error(target.generate("x", enable_search=True), 400, "InvalidParameter", "enable_search")
    target.need(CHATGLM2)
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    asked = body([user("x")], model=CHATGLM2, tools=[tool])
    is_error(target.ask(asked), 400, "InvalidParameter", "tools with ChatGLM2")


@wire(36)
def who_chooses_a_stream(target: Target) -> None:
    asked = body("a short answer", stream=True, max_tokens=3, **GREEDY)
    for headers, streamed in (
        (STREAM, True),
        ({**STREAM, "Accept": "*/*"}, True),
        ({"x-dashscope-sse": "Enable"}, True),
        ({"Accept": "text/event-stream"}, True),
        ({}, False),
        ({"Accept": "application/json"}, False),
    ):
        kind = good(target.ask(asked, headers), str(headers)).headers.get("content-type", "")
        equal(kind.startswith("text/event-stream"), streamed, f"a stream with {headers}")
