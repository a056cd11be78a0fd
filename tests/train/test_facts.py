from __future__ import annotations

import itertools
import random
import re

import pytest

from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.chat_entries import read_entries
from glmscope.train.generators.facts import dialogues
from glmscope.train.generators.facts_material import Series, load_series
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"
CHINESE = re.compile(r"[一-鿿]")


@pytest.fixture(scope="module")
def series() -> tuple[Series, ...]:
    return load_series(DATA)


@pytest.fixture(scope="module")
def drawn() -> list[Dialogue]:
    return list(dialogues(random.Random(7), 5000, DATA))


def _bare(question: str) -> str:
    return question.rstrip("？?。.").lower()


def test_many_facts_in_both_languages(series: tuple[Series, ...]) -> None:
    single = [each for each in series if len(each.facts) == 1]
    assert len(single) >= 220
    assert sum(each.language == "en" for each in single) >= 40
    assert len({each.topic for each in series}) >= 20


def test_wordings_are_several_and_differ(series: tuple[Series, ...]) -> None:
    for each in series:
        for fact in each.facts:
            assert len({_bare(question) for question in fact.questions}) == len(fact.questions)
            assert len(fact.questions) >= 3, fact


def test_a_question_has_one_answer(series: tuple[Series, ...]) -> None:
    answers: dict[str, str] = {}
    for fact in itertools.chain.from_iterable(each.facts for each in series):
        for question in fact.questions:
            assert answers.setdefault(_bare(question), fact.answer) == fact.answer, question


def test_answers_are_whole_sentences_in_the_language_of_the_question(
    series: tuple[Series, ...],
) -> None:
    for each in series:
        for fact in each.facts:
            assert "{" not in "".join((*fact.questions, fact.answer, fact.subject))
            assert fact.answer.endswith("。" if each.language == "zh" else "."), fact.answer
            assert bool(CHINESE.search(fact.answer)) == (each.language == "zh"), fact.answer


def test_chinese_questions_read_well_inside_another_one(series: tuple[Series, ...]) -> None:
    for each in series:
        if each.language == "zh":
            for question in each.facts[0].questions:
                assert not question.rstrip("？").endswith(("吗", "呢", "吧")), question


def test_capitals_of_sixty_countries(series: tuple[Series, ...]) -> None:
    (capitals, _) = (
        each
        for each in series
        if each.topic == "capital" and each.language == "zh" and each.is_table
    )
    answers = {fact.subject: fact.answer for fact in capitals.facts}
    assert len(answers) >= 60
    assert answers["澳大利亚"] == "澳大利亚的首都是堪培拉。"


def test_dialogues_alternate_and_end_with_an_answer(drawn: list[Dialogue]) -> None:
    for dialogue in drawn:
        assert dialogue.kind == "fact"
        roles = [message.role for message in dialogue.messages if message.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(message.content == message.content.strip() for message in dialogue.messages)


def test_answers_keep_the_language_of_each_question(drawn: list[Dialogue]) -> None:
    for dialogue in drawn:
        turns = [message.content for message in dialogue.messages if message.role != "system"]
        for question, answer in itertools.pairwise(turns):
            if CHINESE.search(question) and not CHINESE.search(answer):
                pytest.fail(f"{question} → {answer}")


def test_a_follow_up_names_another_of_the_series(drawn: list[Dialogue]) -> None:
    followed = {
        (
            dialogue.messages[-3].content,
            dialogue.messages[-2].content,
            dialogue.messages[-1].content,
        )
        for dialogue in drawn
        if re.fullmatch("(那|还有|换成)[^，的]+呢？", dialogue.messages[-2].content)
    }
    assert len(followed) >= 100
    for previous, question, answer in followed:
        subject = re.sub("^(那么|那要是|那|还有|换成)|呢？$", "", question)
        assert subject in answer
        assert previous != answer


def test_half_of_the_questions_and_more_are_of_their_own_wording(drawn: list[Dialogue]) -> None:
    asked = [
        message.content for each in drawn for message in each.messages if message.role == "user"
    ]
    assert len(set(asked)) > 0.5 * len(asked)


def test_the_same_seed_gives_the_same_dialogues(drawn: list[Dialogue]) -> None:
    assert list(dialogues(random.Random(7), 200, DATA)) == drawn[:200]
    assert list(dialogues(random.Random(8), 200, DATA)) != drawn[:200]


def test_everyday_dialogue_answers_the_same_questions_alike(series: tuple[Series, ...]) -> None:
    everyday = {
        (entry.language, _bare(question)): entry.reply
        for entry in read_entries(DATA)
        if not entry.turns
        for question in entry.questions
    }
    for each in series:
        for fact in each.facts:
            for question in fact.questions:
                reply = everyday.get((each.language, _bare(question)), fact.answer)
                assert reply == fact.answer, question
