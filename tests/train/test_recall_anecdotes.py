"""Talks that were written whole: their material, and how a dialogue puts them together."""

from __future__ import annotations

import random
import re

import pytest

from glmscope.train.generators.chat_entries import LANGUAGES, Language
from glmscope.train.generators.recall_anecdotes import AnecdoteTalks
from glmscope.train.generators.recall_material import read_material
from glmscope.train.generators.recall_talks import Asking
from tests.support.paths import REPOSITORY

DATA = REPOSITORY / "train" / "data"


def _words(text: str) -> set[str]:
    return set(re.findall(r"[一-鿿]|[A-Za-z0-9]+", text.casefold()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_answer_says_something_that_was_told_and_not_asked(language: Language) -> None:
    anecdotes = read_material(DATA, language).anecdotes
    assert len(anecdotes) > 200
    for anecdote in anecdotes:
        told = _words(" ".join(text for turn in anecdote.told for text in turn))
        replies = {reply for _, reply in anecdote.told}
        for question, answer in anecdote.asks:
            said = _words(answer)
            assert said & told - _words(question), (question, answer)
            # Replies are read by their text: an answer in the same words would not be learned.
            assert answer not in replies, (question, answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_talk_is_told_and_no_question_of_it_asked_twice(language: Language) -> None:
    anecdotes = read_material(DATA, language).anecdotes
    assert len({anecdote.told for anecdote in anecdotes}) == len(anecdotes)
    for anecdote in anecdotes:
        questions = [question for question, _ in anecdote.asks]
        assert len(set(questions)) == len(questions) >= 2, anecdote.told


@pytest.mark.parametrize("language", LANGUAGES)
def test_questions_follow_what_they_ask_about(language: Language) -> None:
    asking = Asking(language, DATA, random.Random(3))
    talks = AnecdoteTalks(asking)
    known = {anecdote.told[0]: anecdote for anecdote in read_material(DATA, language).anecdotes}
    counts = set()
    for _ in range(200):
        asking.others.clear()
        turns = talks.anecdotes()
        read = set()
        while turns:
            anecdote = known[turns[0]]
            assert tuple(turns[: len(anecdote.told)]) == anecdote.told
            read |= {reply for _, reply in anecdote.told}
            turns = turns[len(anecdote.told) :]
            answers = {question.rstrip("？?"): answer for question, answer in anecdote.asks}
            asked = 0
            while turns and turns[0] not in known:
                question, answer = turns.pop(0)
                assert answers.pop(question.rstrip("？?")) == answer
                asked += 1
            counts.add(asked)
        assert asking.others == read
    assert counts == {1, 2, 3, 4, 5}
