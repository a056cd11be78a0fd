"""What callers of an SDK get for the forms of input. Sections 3.2 and 4."""

from __future__ import annotations

import json
from typing import Any

from glmscope.conform.check import Skip, equal, expect, sdk
from glmscope.conform.script import (
    PROMPT,
    SUNNY,
    SUNNY_REPLY,
    WEATHER,
    WEATHER_ARGUMENTS,
    echo,
)
from glmscope.conform.sdk.response import joined
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.target import GREEDY, assistant, user

_QUESTION = "Say a few words."
_TURN = ("Tell me one.", "That was one.")
_ODD = 'quotes " \\ and 😀🇨🇳, a\rb\nc\td, \x01\x1f\x7f, \u2028\u2029\u0085, e\u0301'
_LONG_BYTES = 100_000

_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of the coming days.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


@sdk(1)
def python_page(sdk: Sdk) -> None:
    printed = sdk.run_page()
    equal(
        list(printed),
        ["status_code", "request_id", "code", "message", "output", "usage"],
        "printed keys",
    )
    output = printed["output"]
    equal(list(output), ["text", "finish_reason", "choices"], "keys of output")
    equal((output["text"], output["finish_reason"]), (None, None), "text and finish_reason")
    (choice,) = output["choices"]
    equal(list(choice), ["finish_reason", "message"], "keys of a choice")
    equal(list(choice["message"]), ["role", "content", "content_type"], "keys of the message")
    expect(choice["message"]["content"], "no content")
    equal(list(printed["usage"]), ["input_tokens", "output_tokens"], "keys of usage")
    good = {"status_code": 200, "code": "", "message": ""}
    equal({name: printed[name] for name in good}, good, "outcome")


@sdk(2)
def java_page(sdk: Sdk) -> None:
    printed = sdk.run_page()
    expect(printed["output"]["text"], "no output.text")
    equal(printed["output"]["finish_reason"], "stop", "finish_reason")
    expect(printed["requestId"], "no requestId")


@sdk(9)
def text_form(sdk: Sdk) -> None:
    response = sdk.call(prompt=_QUESTION, max_tokens=20, **GREEDY)
    expect(response.output["text"], "no text")
    expect(response.output["finish_reason"] in ("stop", "length"), "no finish_reason")
    expect(not response.output.get("choices"), "choices in text form")
    equal((response.code, response.message), ("", ""), "code and message")
    equal(len(response.request_id), 36, "length of request_id")


@sdk(10, needs_script=True)
def history_or_messages(sdk: Sdk) -> None:
    history = [dict(zip(("user", "bot"), _TURN, strict=True))]
    messages = [user(_TURN[0]), assistant(_TURN[1]), user(PROMPT)]
    from_history = sdk.call(prompt=PROMPT, history=history, **GREEDY)
    from_messages = sdk.call(messages=messages, **GREEDY)
    equal(from_history.text, from_messages.text, "prompt made of history and of messages")
    equal(from_history.tokens, from_messages.tokens, "usage")
    expect(_TURN[0] in from_history.text, "the history is not in the prompt")
    alone = sdk.call(prompt=PROMPT, **GREEDY)
    expect(_TURN[0] not in alone.text, "a history that nobody gave")


@sdk(11)
def pairs_through_sdk(sdk: Sdk) -> None:
    raise Skip(f"{sdk.name}: Generation cannot say history as pairs; the raw half checks it")


@sdk(12, needs_script=True)
def prompt_after_messages(sdk: Sdk) -> None:
    before = [user(_TURN[0]), assistant(_TURN[1])]
    appended = sdk.call(messages=before, prompt=PROMPT, **GREEDY)
    equal(appended.text, sdk.call(messages=[*before, user(PROMPT)], **GREEDY).text, "prompt made")


@sdk(29, needs_script=True)
def odd_content(sdk: Sdk) -> None:
    for stream in (False, True):
        how: dict[str, Any] = {"prompt": _ODD, "stream": stream, **GREEDY}
        if stream:
            how["incremental_output"] = True
        text = joined(sdk.responses(**how))
        equal(text.lstrip("\n "), echo(_ODD), "odd characters")
    # 100 kB go over the wire and are cut as a whole turn; what follows arrives untouched.
    messages = [user("长" * (_LONG_BYTES // 3)), assistant("ok"), user(_ODD)]
    equal(sdk.call(messages=messages, **GREEDY).text.lstrip("\n "), echo(_ODD), "after 100 kB")


@sdk(34, needs_script=True)
def tools(sdk: Sdk) -> None:
    asked = {"tools": [_TOOL], "result_format": "message", **GREEDY}
    messages = [user(WEATHER)]
    first = sdk.call(messages=messages, **asked)
    equal(first.finish_reason, "tool_calls", "finish_reason")
    message = first.choices[0]["message"]
    equal(message["content"], "", "content beside a call")
    (call,) = message["tool_calls"]
    equal(call["type"], "function", "type")
    expect(isinstance(call["id"], str) and call["id"], "no id")
    equal(call["function"]["name"], "get_weather", "name")
    equal(_arguments(call), WEATHER_ARGUMENTS, "arguments")
    result = {"role": "tool", "content": SUNNY, "tool_call_id": call["id"], "name": "get_weather"}
    second = sdk.call(messages=[*messages, message, result], **asked)
    equal((second.text.strip(), second.finish_reason), (SUNNY_REPLY, "stop"), "second round")
    chunks = sdk.stream(messages=messages, **asked)
    with_calls = [each for each in chunks if each.choices[0]["message"].get("tool_calls")]
    expect(with_calls, "no tool_calls in the stream")
    (streamed,) = with_calls[-1].choices[0]["message"]["tool_calls"]
    equal(_arguments(streamed), WEATHER_ARGUMENTS, "streamed arguments")


def _arguments(call: Any) -> Any:
    """Parsed. Both SDKs need them to be a JSON text."""
    text = call["function"]["arguments"]
    expect(isinstance(text, str), f"arguments are {type(text).__name__}, not a string")
    return json.loads(text)
