"""Tool scenes that were written whole: their material, and how a dialogue puts them together."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from glmscope.text.toolcall import MalformedCall, Value, parse_tool_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.tool_kit import LANGUAGES
from glmscope.train.generators.tool_scene import Material, Scene
from glmscope.train.generators.tool_values import Language
from glmscope.train.generators.tool_written import WrittenTool, read_written, written_scene
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
        for question, arguments in tool.asks:
            for name, value in arguments.items():
                assert isinstance(value, TYPES[types[name]]), (question, name)
                assert not isinstance(value, str) or value in question, (question, value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_and_no_question_comes_twice(
    language: Language, written: Mapping[Language, tuple[WrittenTool, ...]]
) -> None:
    asks = [question for tool in written[language] for question, _ in tool.asks]
    assert len(set(asks)) == len(asks)


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
    assert calls > 2000


def test_a_tool_that_answers_everything_is_not_offered_beside_plain_questions(
    made: list[Dialogue],
) -> None:
    plain = 0
    for dialogue in made:
        roles = [message.role for message in dialogue.messages]
        talked = any(
            one.role == "user" and not other.metadata
            for one, other in zip(dialogue.messages, dialogue.messages[1:], strict=False)
        )
        plain += talked
        assert roles[-1] == "assistant"
        names = " ".join(tool["name"] for tool in dialogue.messages[0].tools)
        assert not (talked and re.search("encyclop|wiki", names, re.IGNORECASE)), names
    assert 300 < plain < 1000


def test_arguments_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "tools_scenes_zh.toml").write_text(
        '[[tool]]\nname = "a"\nabout = "b"\nparameters = [["c", "string", "d"]]\n'
        'asks = [["问一下", {}]]\nplain = []\n',
        encoding="utf-8",
    )
    with pytest.raises(ValueError, match="Tool a: the arguments of “问一下” do not fit"):
        read_written(tmp_path)
