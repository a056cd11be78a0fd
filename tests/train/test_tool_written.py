"""Tool scenes that were written whole: their material, and how a dialogue puts them together."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from glmscope.text.toolcall import MalformedCall, Value, parse_tool_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.interpreter_numbers import LARGEST_IN_WORDS, in_words
from glmscope.train.generators.tool_kit import LANGUAGES, SPELLED
from glmscope.train.generators.tool_scene import Material, Scene, rough_length
from glmscope.train.generators.tool_values import Language
from glmscope.train.generators.tool_written import WrittenTool, read_written
from glmscope.train.generators.tool_written_scene import written_scene
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
}


@pytest.fixture(scope="module")
def written() -> Mapping[Language, tuple[WrittenTool, ...]]:
    return read_written(DATA)


@pytest.fixture(scope="module", params=LANGUAGES)
def made(request: pytest.FixtureRequest) -> list[Dialogue]:
    rng = random.Random(3)
    material = Material.read(rng, DATA, None)
    return [written_scene(Scene(rng, material, request.param)) for _ in range(1500)]


def _arguments(content: str) -> dict[str, Value]:
    parsed = parse_tool_call(content.removeprefix("```python\n").removesuffix("\n```"))
    assert not isinstance(parsed, MalformedCall), content
    return parsed


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_passed_letter_by_letter_and_values_have_their_types(
    language: Language, written: Mapping[Language, tuple[WrittenTool, ...]]
) -> None:
    assert len(written[language]) > 100
    for tool in written[language]:
        types = {name: type_name for name, type_name, _ in tool.parameters}
        for ask in tool.asks:
            digits = ask.question.replace(",", "").lower()
            for name, value in ask.arguments.items():
                assert isinstance(value, TYPES[types[name]]), (ask.question, name)
                words = [str(value)]
                if isinstance(value, int) and value <= LARGEST_IN_WORDS:
                    words += [in_words(str(value), language), SPELLED[language].get(str(value), "")]
                said = ask.question if isinstance(value, str) else digits
                assert any(word and word in said for word in words), (ask.question, value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_and_no_question_comes_twice(
    language: Language, written: Mapping[Language, tuple[WrittenTool, ...]]
) -> None:
    tools = written[language]
    asks = [ask.question for tool in tools for ask in tool.asks]
    names = [tool.name for tool in tools]
    assert len(set(asks)) == len(asks)
    assert len(set(names)) == len(names)
    assert {name for tool in tools for name in tool.apart} <= set(names)


def test_calls_hold_what_was_said_and_name_a_tool_that_is_offered(made: list[Dialogue]) -> None:
    calls = 0
    for dialogue in made:
        offered = {tool["name"]: tool["parameters"] for tool in dialogue.messages[0].tools}
        asked = ""
        for message in dialogue.messages:
            asked = message.content if message.role == "user" else asked
            if not message.metadata:
                continue
            calls += 1
            arguments, schema = _arguments(message.content), offered[message.metadata]
            assert set(schema["required"]) <= set(arguments) <= set(schema["properties"])
            assert list(arguments) == [name for name in schema["properties"] if name in arguments]
            words = [value for value in arguments.values() if isinstance(value, str)]
            assert all(word in asked for word in words), (asked, words)
    assert calls > 1800


def test_talk_stands_between_calls_and_not_beside_a_tool_that_could_be_asked_it(
    made: list[Dialogue], written: Mapping[Language, tuple[WrittenTool, ...]]
) -> None:
    knowing = {tool.about for tools in written.values() for tool in tools if tool.knowing}
    talk = {question for tools in written.values() for tool in tools for question, _ in tool.plain}
    assert knowing
    talked = 0
    for dialogue in made:
        assert dialogue.messages[-1].role == "assistant"
        if any(
            asked.content in talk and not answer.metadata
            for asked, answer in itertools.pairwise(dialogue.messages)
        ):
            talked += 1
            offered = {tool["description"] for tool in dialogue.messages[0].tools}
            assert not offered & knowing
    assert 300 < talked < 1000


def test_tools_that_a_question_may_be_meant_for_alike_are_not_offered_together(
    made: list[Dialogue], written: Mapping[Language, tuple[WrittenTool, ...]]
) -> None:
    tools = [tool for of_language in written.values() for tool in of_language]
    counts = Counter(tool.about for tool in tools)
    known = {tool.about: tool for tool in tools if counts[tool.about] == 1}
    together = 0
    for dialogue in made:
        descriptions = [tool["description"] for tool in dialogue.messages[0].tools]
        offered = [known[about] for about in descriptions if about in known]
        together += len({tool.hand for tool in offered}) > 1
        for one, other in itertools.combinations(offered, 2):
            assert not one.may_be_meant_with(other)
    assert together > 500


def test_tools_of_one_subject_by_two_hands_may_be_meant_alike(tmp_path: Path) -> None:
    def write(hand: str, tools: Sequence[tuple[str, str]]) -> None:
        tables = (
            f'[[tool]]\nname = "{name}"\nabout = "{about}"\n'
            "parameters = []\nasks = []\nplain = []\n"
            for name, about in tools
        )
        (tmp_path / f"tools_scenes_{hand}_zh.toml").write_text("".join(tables), encoding="utf-8")

    write("a", [("getSky", "查询天气"), ("clouds", "天上的云"), ("dim_light", "调暗")])
    write("b", [("getRain", "某地天气"), ("openSky", "观星"), ("lamp", "查询dim光的灯")])
    tools = {tool.name: tool for tool in read_written(tmp_path)["zh"]}
    alike = {
        (one.name, other.name)
        for one, other in itertools.combinations(tools.values(), 2)
        if one.may_be_meant_with(other)
    }
    assert alike == {
        ("getSky", "getRain"),  # 天气, and get
        ("getSky", "openSky"),  # sky
        ("getSky", "lamp"),  # 查询
        ("dim_light", "lamp"),  # dim
    }
    write("c", [("count", "查询数目"), ("wind", "天气和风"), ("get", "取")])
    tools = {tool.name: tool for tool in read_written(tmp_path)["zh"]}
    # What three of so few tools have is common; sky is not.
    assert not tools["getSky"].may_be_meant_with(tools["lamp"])
    assert not tools["getSky"].may_be_meant_with(tools["getRain"])
    assert tools["getSky"].may_be_meant_with(tools["openSky"])


def test_a_call_that_something_follows_has_failed_and_dialogues_are_short(
    made: list[Dialogue],
) -> None:
    failed = 0
    for dialogue in made:
        assert rough_length(dialogue.messages) <= 600
        for call, after in zip(dialogue.messages, dialogue.messages[1:], strict=False):
            if call.metadata:
                failed += 1
                assert after.role == "observation"
                assert "error" in after.content
    assert failed > 400


def test_arguments_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "tools_scenes_zh.toml").write_text(
        '[[tool]]\nname = "a"\nabout = "b"\nparameters = [["c", "string", "d"]]\n'
        'asks = [["问一下", {}]]\nplain = []\n',
        encoding="utf-8",
    )
    with pytest.raises(ValueError, match="Tool a: the arguments of “问一下” do not fit"):
        read_written(tmp_path)
