"""Questions to the loop of model and tools: what the tests of it share."""

from __future__ import annotations

from contextlib import aclosing

from glmscope.agent.agent import Agent
from glmscope.agent.plugins import PluginRequest
from glmscope.chat.events import ReplyEvent
from glmscope.chat.request import ChatRequest
from tests.agent.support import call_of
from tests.chat.support import conversation

ADD = PluginRequest(("add",))
CODE = PluginRequest(("code_interpreter",))
SUM = [
    {"match": "sum", "reply": call_of("add", a=1, b=2)},
    {"match": "3", "exact": True, "reply": "\n It is 3."},
]


def asking(question: str, **settings: object) -> ChatRequest:
    return conversation(("user", question), temperature=0, **settings)


async def read(
    agent: Agent, question: str, plugins: PluginRequest = ADD, **settings: object
) -> list[ReplyEvent]:
    async with aclosing(agent.prepare(asking(question, **settings), plugins)) as reply:
        return [event async for event in reply]
