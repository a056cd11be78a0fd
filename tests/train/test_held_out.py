"""What the model is judged by is left out of what it is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glmscope.text.prompt import PromptMessage
from glmscope.train.dialogue import Dialogue
from glmscope.train.held_out import QUESTIONS, asks_held_out


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    rows = [
        [("user", "What is the capital of Peru?")],
        [("user", "我叫小明"), ("assistant", "好的。"), ("user", "我叫什么？")],
        [("user", "A whole dialogue"), ("assistant", "is not a question.")],
    ]
    lines = (
        json.dumps({"messages": [{"role": role, "content": text} for role, text in row]})
        for row in rows
    )
    (tmp_path / "english.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def _dialogue(*said: str) -> Dialogue:
    roles = ("user", "assistant") * len(said)
    messages = [PromptMessage(role, text) for role, text in zip(roles, said, strict=False)]
    return Dialogue("chat", tuple(messages))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("what is the capital of Peru? ", "Lima."), True),
        (("Hello", "Hi!", "What is the capital of Peru?", "Lima."), True),
        (("What is the capital of Chile?", "Santiago."), False),
        (("我叫小明", "你好！", "我叫什么？", "小明。"), True),
        (("我叫小红", "你好！", "我叫什么？", "小红。"), False),
        (("A whole dialogue", "is not a question."), False),
    ],
)
def test_a_dialogue_asks_what_is_held_out(
    questions: Path, said: tuple[str, ...], expected: bool
) -> None:
    assert asks_held_out(_dialogue(*said), questions) is expected


def test_each_question_of_the_evaluation_is_left_out() -> None:
    rows = [
        json.loads(line)["messages"]
        for path in QUESTIONS.glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    asked = [row for row in rows if row[-1]["role"] == "user"]
    assert len(asked) > 400
    for row in asked:
        messages = [PromptMessage(each["role"], each["content"]) for each in row]
        assert asks_held_out(Dialogue("chat", (*messages, PromptMessage("assistant", "。"))))
