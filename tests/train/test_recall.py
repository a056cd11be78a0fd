"""Follow-ups: the generator's shape, and answers that are copied from the dialogue."""

from __future__ import annotations

import random
import re
from functools import cache

import pytest

from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.chat_entries import LANGUAGES, Language
from glmscope.train.generators.chat_values import Slots
from glmscope.train.generators.recall import KINDS, dialogues
from glmscope.train.generators.recall_material import Ask, expand, read_material
from glmscope.train.generators.recall_scenes import with_names
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"
COPYING = ("single", "facts", "stories", "corrections", "pairs")
CHINESE = re.compile(r"[一-鿿]")


@cache
def made(count: int = 8000) -> tuple[Dialogue, ...]:
    return tuple(dialogues(random.Random(7), count, DATA))


def turns(dialogue: Dialogue) -> list[tuple[str, str]]:
    spoken = [one.content for one in dialogue.messages if one.role != "system"]
    return list(zip(spoken[::2], spoken[1::2], strict=True))


def test_every_kind_is_made() -> None:
    kinds = [dialogue.kind.removeprefix("recall_") for dialogue in made()]
    assert {kind for kind in KINDS if kinds.count(kind) >= 20} == set(KINDS)


def test_the_same_seed_gives_the_same_dialogues_and_another_seed_others() -> None:
    first, again, other = (
        list(dialogues(random.Random(seed), 50, DATA)) for seed in ("a", "a", "b")
    )
    assert first == again
    assert first != other


def test_user_and_assistant_take_turns_in_clean_texts() -> None:
    for dialogue in made():
        assert dialogue.fits_rounds
        assert len(turns(dialogue)) >= 2 or dialogue.kind == "recall_untold"
        for message in dialogue.messages:
            assert message.content == message.content.strip()
            assert message.content
            assert not re.search(r"[{}\[\]|]", message.content), message.content


def test_what_others_say_follows_what_is_told_and_is_only_read() -> None:
    read = [
        (dialogue.messages[place].content, dialogue.messages[place + 1 :])
        for dialogue in made()
        for place in dialogue.read
    ]
    assert len(read) > 1000 and len({content for content, _ in read}) > 300
    assert all(after for _, after in read), "the last answer is the model's own"
    own = {"好的，我记住了。", "All right, I will remember that."}
    assert own.isdisjoint(content for content, _ in read)


def test_answers_are_in_the_language_of_the_question() -> None:
    for dialogue in made():
        for question, answer in turns(dialogue):
            assert not CHINESE.search(answer) or CHINESE.search(question) or question.isascii()


def test_numbers_and_codes_in_answers_are_copied_from_earlier() -> None:
    copied = 0
    for dialogue in made():
        if dialogue.kind.removeprefix("recall_") not in COPYING:
            continue
        earlier = ""
        for question, answer in turns(dialogue):
            earlier += question
            for value in re.findall(r"[A-Za-z]*\d+", answer):
                assert value in earlier, (earlier, answer)
                copied += 1
    assert copied > 800


def test_in_scenes_what_is_answered_was_said_before() -> None:
    asked = 0
    for dialogue in made():
        if dialogue.kind != "recall_scenes":
            continue
        told = ""
        for question, answer in turns(dialogue):
            for value in re.findall(r"[A-Za-z]*\d+|(?<=《)\w+|[A-Z][a-z]+ville", answer):
                # What the assistant proposes is what it names first.
                proposed = answer.startswith(("可以", "Try ", "You could", "How about"))
                assert proposed or value in told + question, (told, answer)
            asked += "？" in question or "?" in question
            told += question + answer
    assert asked > 2000


def test_of_an_earlier_scene_only_what_names_something_is_asked() -> None:
    """Two scenes may both have a time: 几点 alone would be about either."""
    ask = Ask(("几点", "{person}几点[来|到]"), (), ("时间",), "{clock}。")
    assert with_names(ask) == Ask(("{person}几点[来|到]",), (), (), "{clock}。")


@pytest.mark.parametrize("language", LANGUAGES)
def test_composed_values_hardly_come_twice(language: Language) -> None:
    pools, rng = read_material(DATA, language).pools, random.Random(3)
    for name in ("clock", "room", "shop", "dish", "street", "money", "errand"):
        drawn = {Slots(pools, language, rng).fill(f"{{{name}}}") for _ in range(400)}
        assert len(drawn) > 200, name


def test_a_correction_keeps_what_is_asked_for_and_draws_other_values() -> None:
    material = read_material(DATA, "zh")
    first = Slots(material.pools, "zh", random.Random(1))
    second = first.redrawn("{role}")
    assert second.fill("{role}") == first.fill("{role}")
    assert second.fill("{role}{person}") != first.fill("{role}{person}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_intent_has_many_wordings(language: Language) -> None:
    rng = random.Random(1)
    material = read_material(DATA, language)
    assert len(material.facts) >= 35
    assert len(material.stories) >= 9
    frames = {expand(frame, rng) for frame in material.words["frames"]["clause"] * 200}
    for fact in material.facts:
        (ask,) = fact.asks
        clauses = {expand(clause, rng) for clause in ask.clause * 50}
        assert len(frames) * len(clauses) >= 60, ask.answer


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_slot_has_values_and_no_bracket_stays_open(language: Language) -> None:
    material = read_material(DATA, language)
    for fact in (*material.facts, *material.stories):
        patterns = [*fact.tell, fact.heard, fact.unknown]
        later = [text for said, reply in fact.then for text in (*said, reply)]
        patterns += later
        for ask in fact.asks:
            patterns += [*ask.clause, *ask.inner, *ask.noun, ask.answer]
        for pattern in patterns:
            assert pattern.count("[") == pattern.count("]"), pattern
            assert pattern.count("{") == pattern.count("}"), pattern
        for ask in fact.asks:
            told = set(re.findall(r"\{\w+\}", " ".join((*fact.tell, fact.heard, *later))))
            assert set(re.findall(r"\{\w+\}", ask.answer)) <= told, ask.answer


def test_of_a_pair_one_is_asked_for_by_the_other() -> None:
    for dialogue in made():
        if dialogue.kind != "recall_pairs":
            continue
        heard = {dialogue.messages[place].content for place in dialogue.read}
        heard |= {"好的，我记住了。", "All right, I will remember that."}
        told = "".join(question for question, answer in turns(dialogue) if answer in heard)
        answers = [each for each in turns(dialogue) if each[1] not in heard]
        assert told and answers
        assert len({question for question, _ in answers}) == len(answers)
        for question, answer in answers:
            known = answer.removeprefix("It is ").removeprefix("是").rstrip("。.")
            parts = [part for part in re.split("^在|的是|是|对应|在|的", known) if part]
            assert all(part.lower() in told.lower() for part in parts), (told, question, answer)
