"""Messages, prompts and histories of a request, and the sentence for what is none."""

from __future__ import annotations

from typing import Any

import pytest

from glmscope.chat.request import Message
from tests.server.request_reading import read, refusal

NEITHER = 'Either "prompt" or "messages" must exist and cannot both be none.'


def user(content: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}]}


def test_roles_and_contents() -> None:
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]},
        {"role": "bot", "content": "c", "content_type": "text", "partial": False},
        {"role": "user", "content": []},
        {"role": "assistant", "content": "d", "tool_calls": None, "name": "n"},
        {"role": "tool", "content": "e", "tool_call_id": "i"},
    ]
    assert read({"messages": messages}).chat.messages == (
        Message("system", "s"),
        Message("user", "ab"),
        Message("assistant", "c"),
        Message("user", ""),
        Message("assistant", "d"),
        Message("tool", "e", call_id="i"),
    )


def test_messages_win_and_empty_ones_are_none() -> None:
    both = read({"messages": [{"role": "user", "content": "m"}], "prompt": 7, "history": 8})
    assert both.chat.messages == (Message("user", "m"),)
    assert read({"messages": [], "prompt": "p"}).chat.messages == (Message("user", "p"),)
    for given in ({}, {"messages": []}, {"prompt": None}, {"history": [["a", "b"]]}):
        assert refusal(given) == NEITHER


def test_history_in_both_forms() -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "p"))
    for history in ([["a", "b"]], [{"user": "a", "bot": "b", "other": 1}]):
        assert read({"prompt": "p", "history": history}).chat.messages == turns
    for history in ([], None):
        assert read({"prompt": "p", "history": history}).chat.messages == turns[2:]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"prompt": 7}, "prompt should be a string."),
        ({"prompt": "\ud800"}, "prompt holds half of a surrogate pair"),
        ({"prompt": "p", "history": {}}, "history should be a list."),
        ({"prompt": "p", "history": ["a"]}, "history[0] should be "),
        ({"prompt": "p", "history": [["a"]]}, "history[0] should be "),
        ({"prompt": "p", "history": [["a", 1]]}, "history[0][1] should be a string."),
        ({"prompt": "p", "history": [{"user": "a"}]}, "history[0].bot should be a string."),
        ({"messages": {}}, "messages should be a list."),
        ({"messages": "x"}, "messages should be a list."),
        ({"messages": [[]]}, "messages[0] should be an object."),
        ({"messages": [{}]}, "messages[0].role should be one of"),
        ({"messages": [{"role": "attachment", "content": "x"}]}, "messages[0].role should"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role should"),
        (user(None), "messages[0].content should be a string."),
        (user(1), "messages[0].content should be a string."),
        (user("\udfff"), "messages[0].content holds half of a surrogate pair"),
        (user([1]), "messages[0].content[0] should be a text part"),
        (user([{"type": "image", "image": "x"}]), "messages[0].content[0] should be a text part"),
        (user([{"type": "text"}]), "messages[0].content[0].text should be a string."),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "The last message should have"),
        ({"messages": [{"role": "system", "content": "x"}]}, "The last message should have"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{}]}, {"role": "user"}]},
            "messages[0].tool_calls[0].function should be an object.",
        ),
    ],
)
def test_inputs_that_are_none(given: dict[str, Any], sentence: str) -> None:
    assert refusal(given).startswith(sentence)
