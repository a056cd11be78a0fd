"""Tool-call dialogues: their shape, what calls hold, and what is kept for checks."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from glmscope.text.prompt import TOOLS_HEADER
from glmscope.text.toolcall import MalformedCall, parse_tool_call, write_fenced_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.interpreter_numbers import in_words
from glmscope.train.generators.tool_kit import LANGUAGES, SPELLED, read_tools, slots_of
from glmscope.train.generators.tool_made import Workshop
from glmscope.train.generators.tool_plain import PlainTalk
from glmscope.train.generators.tools import dialogues
from glmscope.train.toml_file import read_toml
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"
CHECKS = REPOSITORY / "src" / "glmscope" / "evaluate" / "nano" / "tools.jsonl"
KINDS = {"tool_call", "tool_answer", "tool_round", "tool_several", "tool_ask", "tool_none"}
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list}


@pytest.fixture(scope="module")
def made() -> Sequence[Dialogue]:
    return list(dialogues(random.Random(5), 5000, DATA))


@pytest.fixture(scope="module")
def checks() -> Sequence[Mapping[str, Any]]:
    return [json.loads(line) for line in CHECKS.read_text(encoding="utf-8").splitlines()]


def _calls(made: Sequence[Dialogue]) -> Iterator[tuple[Dialogue, Mapping[str, Any], Any]]:
    """Each call: its dialogue, the description of the tool, the arguments."""
    for dialogue in made:
        offered = {tool["name"]: tool for tool in dialogue.messages[0].tools}
        for message in dialogue.messages:
            if message.metadata:
                source = message.content.removeprefix("```python\n").removesuffix("\n```")
                arguments = parse_tool_call(source)
                assert not isinstance(arguments, MalformedCall), source
                assert write_fenced_call(arguments) == message.content
                yield dialogue, offered[message.metadata], arguments


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    if schema["type"] == "object":
        return all(_fits(schema["properties"][key], item) for key, item in value.items())
    allowed = value in schema["enum"] if "enum" in schema else True
    return allowed and isinstance(value, TYPES[schema["type"]])


def test_same_seed_same_dialogues(made: Sequence[Dialogue]) -> None:
    again = list(dialogues(random.Random(5), 300, DATA))
    assert again == list(made[:300])
    assert again != list(dialogues(random.Random(6), 300, DATA))


def test_every_kind_in_both_languages(made: Sequence[Dialogue]) -> None:
    assert {dialogue.kind for dialogue in made} == KINDS
    chinese = sum(any("\u4e00" <= char <= "\u9fff" for char in d.messages[1].text) for d in made)
    assert 0.6 < chinese / len(made) < 0.8


def test_dialogues_go_from_tools_over_questions_to_the_assistant(made: Sequence[Dialogue]) -> None:
    for dialogue in made:
        system, *others = dialogue.messages
        assert system.role == "system"
        assert system.content.endswith(TOOLS_HEADER)
        assert 1 <= len(system.tools) <= 5
        assert len({tool["name"] for tool in system.tools}) == len(system.tools)
        assert others[-1].role == "assistant"
        for before, message in zip(dialogue.messages, others, strict=False):
            assert message.content
            assert message.content == message.content.strip()
            if message.role == "assistant":
                assert before.role in ("user", "observation")
            elif message.role == "observation":
                assert before.metadata
            else:
                assert before.role in ("system", "assistant")
                assert not before.metadata


def test_calls_fit_the_schema(made: Sequence[Dialogue]) -> None:
    for _, tool, arguments in _calls(made):
        schema = tool["parameters"]
        assert set(schema.get("required", ())) <= set(arguments) <= set(schema["properties"])
        assert _fits(schema, arguments), (tool, arguments)


def test_calls_copy_the_words_of_the_user(made: Sequence[Dialogue]) -> None:
    copied: Counter[bool] = Counter()
    for dialogue, _, arguments in _calls(made):
        said = "".join(message.text for message in dialogue.messages if message.role == "user")
        copied.update(str(leaf) in said for leaf in _leaves(arguments))
    assert copied[True] / copied.total() > 0.95  # the rest are codes, such as `on` for 打开


def _observed(text: str) -> list[str]:
    """The values in an observation, or none where it only says that all went well."""
    if '"error"' in text or "status" in text:
        return []
    if text.startswith("{"):
        return [str(leaf) for leaf in _leaves(json.loads(text)) if leaf != 0]
    return re.findall(r"(?:^|, |\n)\w+(?:=|: )([^,\n]+)", text)


def test_answers_use_the_observation(made: Sequence[Dialogue]) -> None:
    used: Counter[bool] = Counter()
    for dialogue in made:
        for observation, answer in zip(dialogue.messages, dialogue.messages[1:], strict=False):
            if observation.role == "observation" and (values := _observed(observation.text)):
                used[any(value in answer.text for value in values)] += 1
    assert used.total() > 500
    assert used[True] / used.total() > 0.95


def test_some_tools_fail_and_the_answer_says_so(made: Sequence[Dialogue]) -> None:
    answers = {
        answer.text
        for dialogue in made
        for failure, answer in zip(dialogue.messages, dialogue.messages[1:], strict=False)
        if failure.role == "observation" and '"error"' in failure.text
    }
    assert len(answers) == 4
    assert all(answer.startswith(("抱歉", "Sorry")) for answer in answers)


def test_numbers_that_are_said_as_words_are_passed_as_numbers(made: Sequence[Dialogue]) -> None:
    spelled = 0
    for dialogue, _, arguments in _calls(made):
        said = "".join(message.text for message in dialogue.messages if message.role == "user")
        digits = said.replace(",", "")  # 12,000
        for leaf in _leaves(arguments):
            if isinstance(leaf, int) and not isinstance(leaf, bool) and str(leaf) not in digits:
                words = [in_words(str(leaf), language) for language in LANGUAGES]
                words += [spelling.get(str(leaf), words[0]) for spelling in SPELLED.values()]
                assert any(word in said.lower() for word in words), (said, leaf)
                spelled += 1
    assert spelled > 20


def test_made_up_tools_are_asked_for_with_all_their_values_and_no_other() -> None:
    workshop, rng = Workshop.read(DATA), random.Random(2)
    for _ in range(300):
        tool = workshop.make(rng)
        for language in LANGUAGES:
            for question in tool.questions[language]:
                assert sorted(set(slots_of(question)) - {"tool"}) == sorted(tool.required), question


def test_beside_a_made_up_tool_stands_one_for_the_same_thing_that_does_another() -> None:
    workshop, rng = Workshop.read(DATA), random.Random(2)
    for _ in range(100):
        tool = workshop.make(rng)
        other = workshop.make(rng, beside=tool)
        verbs = [each.id.split()[1] for each in (tool, other)]
        assert tool.id.split()[2:] == other.id.split()[2:]
        assert verbs.count("get") == 1


def test_no_call_where_none_is_needed_and_nothing_is_said_twice(made: Sequence[Dialogue]) -> None:
    several = 0
    for dialogue in made:
        if dialogue.kind == "tool_none":
            answers = [each for each in dialogue.messages if each.role == "assistant"]
            assert not any(answer.metadata for answer in answers)
            assert len({answer.content for answer in answers}) == len(answers)
            several += len(answers) > 1
    assert several > 20


def test_questions_without_a_call_are_often_those_written_for_this() -> None:
    rng = random.Random(3)
    talk = PlainTalk.read(rng, DATA)
    names = ("tools_plain", "tools_plain_more", "tools_plain_talk", "tools_plain_ask")
    tables = (read_toml(DATA / f"{name}.toml") for name in names)
    answers = {entry["answer_zh"] for table in tables for entry in table["plain"]}
    drawn = [talk.draw(rng, "zh") for _ in range(1000)]
    assert 0.35 < sum(plain.answer in answers for plain in drawn) / len(drawn) < 0.6
    assert len({plain.question for plain in drawn}) > 700


def test_there_are_many_tools_under_many_names() -> None:
    tools = read_tools(DATA)
    assert len(tools) >= 170
    assert all(len(tool.names) >= 4 for tool in tools.values())
    assert all(
        len(tool.questions[language]) >= 3 for tool in tools.values() for language in LANGUAGES
    )


def test_the_checks_are_two_hundred_and_fit_their_tools(
    checks: Sequence[Mapping[str, Any]],
) -> None:
    assert len(checks) == len({check["id"] for check in checks}) == 200
    calls = [check for check in checks if check["expect"]["call"]]
    assert len(calls) == 150
    for check in calls:
        offered = {tool["name"]: tool for tool in check["messages"][0]["tools"]}
        call = check["expect"]["call"]
        assert _fits(offered[call["name"]]["parameters"], call["arguments"])
        question = check["messages"][-1]["content"]
        assert all(str(leaf) in question for leaf in _leaves(call["arguments"])), check["id"]


def test_no_checked_question_is_trained_on(
    made: Sequence[Dialogue], checks: Sequence[Mapping[str, Any]]
) -> None:
    trained = {message.text for d in made for message in d.messages if message.role == "user"}
    assert not trained & {check["messages"][-1]["content"] for check in checks}


def test_no_checked_pair_of_tool_and_values_is_trained_on(
    made: Sequence[Dialogue], checks: Sequence[Mapping[str, Any]]
) -> None:
    known = {
        about: tool.id
        for tool in read_tools(DATA).values()
        for language in LANGUAGES
        for about in tool.about[language]
    }

    def pair(tool: Mapping[str, Any], arguments: object) -> tuple[object, ...]:
        about = tool["description"]
        return known.get(about, about), *sorted(map(str, _leaves(arguments)))

    trained = {pair(tool, arguments) for _, tool, arguments in _calls(made) if arguments}
    for check in checks:
        call = check["expect"]["call"]
        if call and call["arguments"]:
            offered = {tool["name"]: tool for tool in check["messages"][0]["tools"]}
            assert pair(offered[call["name"]], call["arguments"]) not in trained, check["id"]


def test_many_checked_tools_bear_names_that_training_never_has(
    made: Sequence[Dialogue], checks: Sequence[Mapping[str, Any]]
) -> None:
    trained = {tool["name"] for dialogue in made for tool in dialogue.messages[0].tools}
    called = {check["expect"]["call"]["name"] for check in checks if check["expect"]["call"]}
    assert len(called - trained) >= 40
