"""Tools, requests that offer them and turns that call them, for the tests of this room."""

from __future__ import annotations

from typing import Any

from glmscope.chat.request import ChatRequest, Message
from glmscope.chat.tools import Tool, ToolOffer
from tests.chat.support import CHATGLM3

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
WEATHER = Tool.declare("get_weather", "天气", CITY, "tools[0]")
CLOCK = Tool.declare("clock", None, None, "tools[1]")
OFFER = ToolOffer((WEATHER, CLOCK))
CALL = "get_weather\n ```python\ntool_call(city='上海', days=7)\n```"
SHANGHAI = {"city": "上海", "days": 7}
ASSISTANT = CHATGLM3.special.assistant
OBSERVATION = CHATGLM3.special.observation
assert ASSISTANT
assert OBSERVATION


def asking(offer: ToolOffer | None = OFFER, **settings: Any) -> ChatRequest:
    messages = settings.pop("messages", (Message("user", "q"),))
    return ChatRequest(request_id="r", model="m", messages=messages, tools=offer, **settings)


def turn(*parts: str) -> list[int]:
    """The ids of a turn in parts, each as the model writes it: line by line, encoded apart."""
    ids: list[int] = []
    for number, part in enumerate(parts):
        header, newline, content = part.partition("\n")
        ids += [ASSISTANT] * (number > 0) + CHATGLM3.encode(f"{header}{newline}")
        ids += CHATGLM3.encode(content.removeprefix(" "))
    return ids
