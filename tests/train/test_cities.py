from __future__ import annotations

import json
import random
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.cities import dialogues
from glmscope.train.generators.cities_facts import TABLES, TOPICS, City, Language, load_cities
from glmscope.train.generators.cities_unknown import unknown_place
from glmscope.train.generators.cities_wordings import WORDINGS, word
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"
HELD_OUT = REPOSITORY / "src" / "glmscope" / "evaluate" / "nano"

CHINESE = re.compile(r"[一-鿿]")


def _held_out(name: str) -> list[dict[str, Any]]:
    lines = (HELD_OUT / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def cities() -> dict[str, City]:
    return {city.names["zh"]: city for city in load_cities(DATA)}


@pytest.fixture(scope="module")
def drawn() -> list[Dialogue]:
    return list(dialogues(random.Random(7), 5000, DATA))


def test_many_cities_in_china_and_abroad(cities: dict[str, City]) -> None:
    chinese = [city for city in cities.values() if city.country["zh"] == "中国"]
    assert len(chinese) >= 55
    assert len(cities) - len(chinese) >= 20


def test_every_text_names_its_city_and_can_stand_alone(cities: dict[str, City]) -> None:
    for city in cities.values():
        for topic in (*TOPICS, "famous", "country", "province"):
            for language in ("zh", "en"):
                text = city.topic(topic, language)
                assert city.names[language] in text, (city, topic)
                assert text == text.strip()
                assert text.endswith("。" if language == "zh" else "."), (city, topic)


def test_an_introduction_has_three_paragraphs_and_enough_to_say(cities: dict[str, City]) -> None:
    for city in cities.values():
        introduction = city.introduction("zh")
        assert introduction.count("\n\n") == 2
        assert len(CHINESE.findall(introduction)) >= 120, city
        assert not CHINESE.search(city.introduction("en"))


def test_the_second_table_may_be_absent(tmp_path: Path) -> None:
    (tmp_path / TABLES[0]).write_bytes((DATA / TABLES[0]).read_bytes())
    alone = load_cities(tmp_path)
    assert len(alone) >= 55
    assert len(list(dialogues(random.Random(1), 10, tmp_path))) == 10


def test_dialogues_alternate_and_end_with_the_assistant(drawn: list[Dialogue]) -> None:
    assert len(drawn) == 5000
    for dialogue in drawn:
        roles = [message.role for message in dialogue.messages]
        if roles[0] == "system":
            roles.pop(0)
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        for message in dialogue.messages:
            assert message.content == message.content.strip() != ""
            assert not re.search(r"[\[\]{}|]", message.content), message.content


def test_the_seed_decides() -> None:
    first, again, other = (list(dialogues(random.Random(seed), 50, DATA)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_every_kind_and_both_languages_appear(drawn: list[Dialogue]) -> None:
    kinds = {dialogue.kind for dialogue in drawn}
    assert kinds == {
        "city-introduction",
        "city-topic",
        "city-follow-up",
        "city-compare",
        "city-unknown",
        "city-live",
        "city-other-language",
    }
    chinese = sum(bool(CHINESE.search(dialogue.messages[-1].content)) for dialogue in drawn)
    assert 0.7 < chinese / len(drawn) < 0.8


def test_every_city_is_introduced_in_many_wordings(
    drawn: list[Dialogue], cities: dict[str, City]
) -> None:
    names = sorted({name for city in cities.values() for name in city.names.values()}, key=len)
    wordings: set[str] = set()
    introduced: set[str] = set()
    for dialogue in drawn:
        if dialogue.kind == "city-introduction":
            question = dialogue.messages[-2].content
            introduced.update(name for name in names if name in dialogue.messages[-1].content[:20])
            wordings.add(_skeleton(question, names))
    assert set(cities) <= introduced
    assert len(wordings) > 500


def test_a_city_is_introduced_about_as_often_as_single_topics_are_asked_for(
    drawn: list[Dialogue], cities: dict[str, City]
) -> None:
    whole, topics = (
        {
            text
            for city in cities.values()
            for language in ("zh", "en")
            for text in texts(city, language)
        }
        for texts in (
            lambda city, language: [city.introduction(language)],
            lambda city, language: [city.topic(topic, language) for topic in TOPICS],
        )
    )
    said = [message.content for dialogue in drawn for message in dialogue.messages]
    share = sum(text in whole for text in said) / sum(text in topics for text in said)
    assert 0.7 < share < 1.4


def test_a_talk_comes_back_to_the_whole_city_after_a_topic(
    drawn: list[Dialogue], cities: dict[str, City]
) -> None:
    introductions = {city.introduction("zh"): city for city in cities.values()}
    back = 0
    for dialogue in drawn:
        answers = [message.content for message in dialogue.messages if message.role == "assistant"]
        for before, answer in pairwise(answers):
            city = introductions.get(answer)
            back += city is not None and before in {city.topic(topic, "zh") for topic in TOPICS}
    assert back >= 20


@pytest.mark.parametrize(("language", "least"), [("zh", 280), ("en", 130)])
def test_there_are_many_templates_for_a_whole_introduction(language: Language, least: int) -> None:
    assert len(set(WORDINGS[language].introduction)) >= least


def test_the_same_question_always_has_the_same_answer(drawn: list[Dialogue]) -> None:
    answers: dict[str, set[str]] = {}
    for dialogue in drawn:
        start = 1 if dialogue.messages[0].role == "system" else 0
        question, answer = dialogue.messages[start : start + 2]
        answers.setdefault(question.content, set()).add(answer.content)
    assert {question: said for question, said in answers.items() if len(said) > 1} == {}


def test_an_unknown_place_is_owned_to_be_unknown(cities: dict[str, City]) -> None:
    rng = random.Random(5)
    for language in ("zh", "en"):
        known = [city.names[language] for city in cities.values()]
        places = {unknown_place(rng, language, known) for _ in range(500)}
        assert len(places) > 200
        assert places.isdisjoint(known)


def test_choices_nest_and_slots_are_filled() -> None:
    templates = ("[[a|b]c|d]{city}",)
    said = {word(random.Random(seed), templates, "zh", city="X") for seed in range(40)}
    assert said == {"acX", "bcX", "dX"}


def test_no_two_particles_in_a_row() -> None:
    assert word(random.Random(1), ("冷吗呢？",), "zh") == "冷吗？"


def test_each_topic_can_be_followed_up_in_both_languages() -> None:
    for wordings in WORDINGS.values():
        assert set(TOPICS) <= set(wordings.follow_up)
        assert set(wordings.follow_up) == set(wordings.topic)


def _skeleton(question: str, names: list[str]) -> str:
    """The wording alone: no city, no punctuation."""
    for name in reversed(names):
        question = question.replace(name, "X")
    return re.sub(r"[，。！？?!,.\s]", "", question)


@pytest.mark.parametrize("name", ["cities.jsonl", "city_follow_ups.jsonl"])
def test_held_out_wordings_are_never_trained_on(name: str, cities: dict[str, City]) -> None:
    names = sorted((every for city in cities.values() for every in city.names.values()), key=len)
    trained = {
        _skeleton(message.content, names)
        for dialogue in dialogues(random.Random(11), 20_000, DATA)
        for message in dialogue.messages
        if message.role == "user"
    }
    rows = _held_out(name)
    asked = {row["id"]: _skeleton(row["messages"][-1]["content"], names) for row in rows}
    # The page's own question is what everyone asks first; it may be trained on.
    assert {id for id, wording in asked.items() if wording in trained} <= {"city-01"}
    assert len(set(asked.values())) == len(rows)


def test_fifty_held_out_questions_over_fifty_cities(cities: dict[str, City]) -> None:
    rows = _held_out("cities.jsonl")
    assert len({row["expect"]["about"][0] for row in rows}) == len(rows) == 50
    assert rows[0]["messages"] == [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "介绍下杭州"},
    ]
    for row in rows:
        name, *words = row["expect"]["about"]
        introduction = cities[name].introduction("zh")
        assert any(word in introduction for word in words), row
        assert len(CHINESE.findall(introduction)) >= row["expect"]["min_chinese"]


def test_thirty_held_out_follow_ups_whose_answers_are_in_the_tables(
    cities: dict[str, City],
) -> None:
    rows = _held_out("city_follow_ups.jsonl")
    assert len(rows) == len({row["id"] for row in rows}) == 30
    taught = "".join(city.introduction("zh") for city in cities.values())
    for row in rows:
        assert [message["role"] for message in row["messages"]] == ["user", "assistant", "user"]
        assert any(word in taught for word in row["expect"]["any"]), row
