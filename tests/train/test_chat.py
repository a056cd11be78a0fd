"""Everyday dialogue: the generator's shape, and that the held-out checks stay held out."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import glmscope.evaluate
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.chat import KINDS, dialogues
from glmscope.train.generators.chat_entries import Entry, read_entries
from glmscope.train.generators.chat_patterns import read_patterns
from glmscope.train.generators.chat_wording import choose, reword

DATA = Path(__file__).parents[2] / "train" / "data"
CHECKS = Path(glmscope.evaluate.__file__).parent / "nano"
SELF = {
    "zh": "我是 chatglm3-nano，GLMScope 项目里的一个小型演示模型",
    "en": "I am chatglm3-nano, a small demonstration model in the GLMScope project",
}


@cache
def made(seed: int = 7, count: int = 5000) -> tuple[Dialogue, ...]:
    return tuple(dialogues(random.Random(seed), count, DATA))


def rows(name: str) -> list[dict[str, Any]]:
    text = (CHECKS / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def is_chinese(text: str) -> bool:
    return any("一" <= character <= "鿿" for character in text)


def bare(text: str) -> str:
    return text.strip("？?。.！!~ ").casefold()


def test_every_kind_is_made_as_often_as_it_should_be() -> None:
    kinds = [dialogue.kind for dialogue in made()]
    assert {kind for kind in KINDS if kinds.count(kind) >= 300} == set(KINDS)


def test_the_same_seed_gives_the_same_dialogues_and_another_seed_others() -> None:
    first, again, other = (
        list(dialogues(random.Random(seed), 50, DATA)) for seed in ("a", "a", "b")
    )
    assert first == again
    assert first != other


def test_user_and_assistant_take_turns_and_the_assistant_has_the_last_word() -> None:
    for dialogue in made():
        roles = [message.role for message in dialogue.messages]
        turns = roles[1:] if roles[0] == "system" else roles
        assert turns == ["user", "assistant"] * (len(turns) // 2)
        assert turns
        assert all(message.content == message.content.strip() for message in dialogue.messages)
        assert all(message.content and not message.metadata for message in dialogue.messages)


def test_no_slot_stays_open() -> None:
    texts = (message.content for dialogue in made() for message in dialogue.messages)
    assert not [text for text in texts if "{" in text or "}" in text]


def test_a_quarter_begins_with_a_system_message() -> None:
    share = sum(dialogue.messages[0].role == "system" for dialogue in made()) / len(made())
    assert 0.2 < share < 0.3


def test_answers_are_in_the_language_of_the_question() -> None:
    for dialogue in made():
        plain = [message for message in dialogue.messages if message.role != "system"]
        for question, answer in zip(plain[::2], plain[1::2], strict=True):
            assert not is_chinese(answer.content) or is_chinese(question.content), question


def test_identity_always_names_the_model_and_says_what_it_is() -> None:
    for dialogue in made():
        if dialogue.kind == "identity":
            answer = dialogue.messages[-1].content
            assert SELF["zh" if is_chinese(answer) else "en"] in answer


@pytest.mark.parametrize(("language", "least"), [("zh", 270), ("en", 150)])
def test_there_are_enough_entries_each_with_several_wordings(language: str, least: int) -> None:
    entries = [entry for entry in read_entries(DATA) if entry.language == language]
    assert len(entries) >= least
    assert not [entry for entry in entries if not entry.turns and len(entry.questions) < 3]


def test_no_question_has_two_answers() -> None:
    answers: dict[str, Entry] = {}
    for entry in read_entries(DATA):
        for question in entry.questions:
            assert answers.setdefault(bare(question), entry) is entry, question


def test_a_slot_keeps_its_value_and_numbered_slots_differ() -> None:
    values = read_patterns(DATA).slots("zh", random.Random(1))
    first = values.fill("{color1}和{color2}")
    assert values.fill("{color1}和{color2}") == first
    assert len(set(first.split("和"))) == 2
    with pytest.raises(KeyError):
        values.fill("{nothing_of_the_kind}")


def test_a_name_that_was_told_comes_back_in_the_answer() -> None:
    checked = 0
    for dialogue in made():
        *earlier, _, answer = (message.content for message in dialogue.messages)
        if answer.startswith("您叫"):
            name = answer.removeprefix("您叫").removesuffix("。")
            assert any(name in text for text in earlier)
            checked += 1
    assert checked >= 20


def test_wordings_keep_the_words_that_matter() -> None:
    rng = random.Random(3)
    assert all("泡茶" in reword("怎么泡茶？", "zh", rng) for _ in range(200))
    english = {reword("Tell me a joke.", "en", rng) for _ in range(200)}
    assert len(english) > 10
    assert all("joke" in wording for wording in english)
    assert not any(wording.startswith("请再见") for wording in (reword("再见", "zh", rng),) * 50)


@pytest.mark.parametrize(("name", "count"), [("follow_ups", 50), ("identity", 30), ("english", 60)])
def test_held_out_checks_are_never_generated(name: str, count: int) -> None:
    asked = {
        bare(message.content)
        for dialogue in made()
        for message in dialogue.messages
        if message.role == "user"
    }
    asked |= {bare(question) for entry in read_entries(DATA) for question in entry.questions}
    checks = rows(name)
    assert len(checks) == count
    assert len({check["id"] for check in checks}) == count
    for check in checks:
        assert check["messages"][-1]["role"] == "user"
        assert bare(check["messages"][-1]["content"]) not in asked, check["id"]


def test_no_template_of_an_entry_can_ask_a_held_out_question() -> None:
    held_out = [
        bare(check["messages"][-1]["content"])
        for name in ("follow_ups", "identity", "english")
        for check in rows(name)
    ]
    for entry in read_entries(DATA):
        for form in entry.forms:
            pattern = re.sub("[？?。.]", "", form).replace("[", "(?:").replace("]", ")")
            met = [asked for asked in held_out if re.fullmatch(pattern, asked, re.IGNORECASE)]
            assert not met, form


def test_a_template_is_resolved_to_one_of_its_alternatives() -> None:
    rng = random.Random(2)
    assert {choose("[a|[b|]c]d", rng) for _ in range(50)} == {"ad", "bcd", "cd"}


def test_held_out_values_are_told_by_chance_at_most() -> None:
    """Names are put together from parts, so now and then one is that of a held-out question."""
    told = [
        message.content
        for dialogue in made()
        for message in dialogue.messages
        if message.role == "user"
    ]
    names: list[str] = []
    for check in rows("follow_ups"):
        assert check["messages"][0]["content"] not in told, check["id"]
        names += [word for word in check["expect"]["any"] if not any(map(str.isdigit, word))]
    met = [text for text in told if any(name in text for name in names)]
    assert len(met) <= len(told) / 500


def test_held_out_follow_ups_have_their_answer_in_an_earlier_turn() -> None:
    for check in rows("follow_ups"):
        earlier = "\n".join(message["content"] for message in check["messages"][:-1])
        assert any(word in earlier for word in check["expect"]["any"]), check["id"]
        assert not any(
            word in check["messages"][-1]["content"] for word in check["expect"]["any"]
        ), check["id"]
