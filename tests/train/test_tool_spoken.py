"""Questions that people of a corpus said themselves: which turns are taken, with which values."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from glmscope.errors import UsageError
from glmscope.text.toolcall import parse_tool_call
from glmscope.train.generators.tool_kit import Tool, slots_of
from glmscope.train.generators.tool_spoken import CORPUS, spoken_tools
from glmscope.train.generators.tools import dialogues
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"
SEARCH = ["Inform", "酒店", "评分", "4.5分以上"]


def _corpus(folder: Path, *turns: tuple[str, Sequence[Sequence[str]]]) -> Path:
    messages = [{"role": "user", "content": text, "dialog_act": acts} for text, acts in turns]
    line = json.dumps({"messages": messages}, ensure_ascii=False)
    (folder / f"{CORPUS}.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    return folder


def _questions(folder: Path, *turns: tuple[str, Sequence[Sequence[str]]]) -> Mapping[str, Any]:
    tools = spoken_tools(DATA, _corpus(folder, *turns))
    return {tool.id: list(tool.questions["zh"]) for tool in tools if tool.questions["zh"]}


@pytest.mark.parametrize(
    ("text", "acts", "expected"),
    [
        (
            "找个豪华型的酒店，评分4.5分以上的",
            [SEARCH, ["Inform", "酒店", "酒店类型", "豪华型"]],
            {"hotel_search": ["找个{hotel_class_said}的酒店，评分{rating_said}的"]},
        ),
        (
            "从故宫打车去国家大剧院",
            [["Inform", "出租", "出发地", "故宫"], ["Inform", "出租", "目的地", "国家大剧院"]],
            {"taxi_said": ["从{from_said}打车去{to_said}"]},
        ),
        (
            "故宫的门票多少钱",
            [["Inform", "景点", "名称", "故宫"], ["Request", "景点", "门票", ""]],
            {"sight_about": ["{sight_said}的门票多少钱"]},
        ),
        (
            "故宫周边有什么餐馆",
            [["Inform", "景点", "名称", "故宫"], ["Request", "景点", "周边餐馆", ""]],
            {"places_around": ["{place_said}周边有什么餐馆"]},
        ),
    ],
)
def test_a_turn_is_a_question_for_the_tool_that_it_asks_for(
    tmp_path: Path, text: str, acts: Sequence[Sequence[str]], expected: Mapping[str, Any]
) -> None:
    assert _questions(tmp_path, (text, acts)) == expected


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("酒店评分要高", [SEARCH]),  # not said in these words
        ("评分4.5分以上，4.5分以上的酒店", [SEARCH]),  # said twice
        ("评分4.5分以上的酒店和全聚德", [SEARCH, ["Inform", "餐馆", "名称", "全聚德"]]),
        ("评分4.5分以上，有早餐服务的酒店", [SEARCH, ["Inform", "酒店", "酒店设施", "早餐服务"]]),
        ("去故宫打车", [["Inform", "出租", "目的地", "故宫"]]),  # where from is missing
        ("评分4.5分以上的酒店" + "，谢谢您了" * 12, [SEARCH]),  # too long
        ("您好", [["General", "greet", "none", "none"]]),
        (
            "从故宫到故宫餐厅",
            [["Inform", "出租", "出发地", "故宫"], ["Inform", "出租", "目的地", "故宫餐厅"]],
        ),
    ],
)
def test_a_turn_whose_values_are_not_plain_is_left_out(
    tmp_path: Path, text: str, acts: Sequence[Sequence[str]]
) -> None:
    assert _questions(tmp_path, (text, acts)) == {}


def test_no_corpus_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read the corpus"):
        spoken_tools(DATA, tmp_path)


def test_its_slots_are_those_of_its_tool_and_its_values_stand_in_the_calls(tmp_path: Path) -> None:
    corpus = _corpus(
        tmp_path,
        ("找个豪华型的酒店，评分4.5分以上的", [SEARCH, ["Inform", "酒店", "酒店类型", "豪华型"]]),
    )
    (tool,) = (tool for tool in spoken_tools(DATA, corpus) if tool.questions["zh"])
    assert set(slots_of(tool.questions["zh"][0])) <= set(tool.kinds)
    asked = [
        (question.content, answer)
        for dialogue in dialogues(random.Random(3), 400, DATA, corpus)
        for question, answer in zip(dialogue.messages, dialogue.messages[1:], strict=False)
        if question.role == "user" and "的酒店，评分" in question.text and answer.metadata
    ]
    assert len(asked) > 5
    for question, answer in asked:
        source = answer.content.removeprefix("```python\n").removesuffix("\n```")
        arguments = parse_tool_call(source)
        assert isinstance(arguments, dict)
        assert len(arguments) == 2
        assert all(str(value) in question for value in arguments.values())


def test_every_tool_has_texts_in_both_languages_and_questions_in_chinese(tmp_path: Path) -> None:
    tools: Sequence[Tool] = spoken_tools(DATA, _corpus(tmp_path, ("您好", [])))
    for tool in tools:
        assert tool.answer.keys() == tool.about.keys() == {"zh", "en"}
        assert set(tool.required) <= set(tool.kinds)
        assert all(kind.choices["zh"] for kind in tool.kinds.values())
