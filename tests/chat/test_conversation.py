"""Messages in the format of each family."""

from __future__ import annotations

import pytest

from glmscope.chat.conversation import check_conversation, prompt_builder
from glmscope.chat.request import Message, Role
from glmscope.errors import InvalidParameter
from glmscope.family import Family
from glmscope.text.prompt import PromptMessage, chatglm3_prompt
from tests.chat.support import CHATGLM2, CHATGLM3


def messages(*pairs: tuple[Role, str]) -> list[Message]:
    return [Message(role, content) for role, content in pairs]


def rounds(*pairs: tuple[Role, str]) -> str:
    return CHATGLM2.decode(prompt_builder(CHATGLM2)(messages(*pairs)))


def test_chatglm3_has_a_role_for_each_message_and_tool_results_are_observations():
    ids = prompt_builder(CHATGLM3)(
        messages(("system", "s"), ("user", "u"), ("assistant", "a"), ("tool", "t"))
    )
    assert ids == chatglm3_prompt(
        CHATGLM3,
        [
            PromptMessage("system", "s"),
            PromptMessage("user", "u"),
            PromptMessage("assistant", "a"),
            PromptMessage("observation", "t"),
        ],
    )


def test_chatglm2_puts_the_system_text_in_front_of_the_query_that_is_asked():
    assert rounds(("system", "S."), ("user", "一"), ("assistant", "二"), ("user", "三")) == (
        "[Round 1]\n\n问：一\n\n答：二\n\n[Round 2]\n\n问：S.三\n\n答："
    )


@pytest.mark.parametrize("system", [(), (("system", ""),)])
def test_chatglm2_without_system_text(system):
    assert rounds(*system, ("user", "一")) == "[Round 1]\n\n问：一\n\n答："


def test_chatglm2_rounds_of_uneven_conversations_lose_nothing():
    text = rounds(
        ("assistant", "零"),
        ("user", "一"),
        ("user", "二"),
        ("assistant", "甲"),
        ("assistant", "乙"),
        ("user", "三"),
    )
    assert text == (
        "[Round 1]\n\n问：\n\n答：零\n\n[Round 2]\n\n问：一\n\n答：\n\n"
        "[Round 3]\n\n问：二\n\n答：甲\n乙\n\n[Round 4]\n\n问：三\n\n答："
    )


@pytest.mark.parametrize(
    ("family", "pairs", "complaint"),
    [
        (Family.CHATGLM3, (), "last message"),
        (Family.CHATGLM3, (("user", "u"), ("assistant", "a")), "last message"),
        (Family.CHATGLM3, (("system", "s"),), "last message"),
        (Family.CHATGLM3, (("user", "u"), ("system", "s"), ("user", "u")), "first message"),
        (Family.CHATGLM2, (("user", "u"), ("tool", "t")), '"tool"'),
    ],
)
def test_what_a_format_cannot_express_is_refused(family, pairs, complaint):
    with pytest.raises(InvalidParameter, match=complaint):
        check_conversation(family, messages(*pairs))
    check_conversation(Family.CHATGLM3, messages(("user", "u"), ("tool", "t")))
