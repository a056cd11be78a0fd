"""Dialogues about simple facts: one question, a row of them, or "and what about …?"."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from glmscope.text.prompt import PromptMessage
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_patterns import Patterns, read_patterns
from glmscope.train.generators.chat_wording import reword
from glmscope.train.generators.facts_material import Fact, Series, load_series

_FURTHER_SHARE = 0.25
"""How often one more question follows, after each of at most `_MOST_TURNS` - 1 answers."""
_SAME_SERIES_SHARE = 0.6
_MOST_TURNS = 3
_EMBEDDED_SHARE = 0.25
_SINGLE_WEIGHT = 3
"""A fact that stands alone, counted in rows of a table."""

# A Chinese question keeps its word order inside another one.
_EMBEDDINGS_ZH = (
    "你知道{}吗？",
    "你知道{}吗？",
    "能告诉我{}吗？",
    "可以告诉我{}吗？",
    "你能说说{}吗？",
    "我想知道{}。",
    "告诉我{}。",
    "帮我查一下{}。",
    "我不记得{}了。",
    "我忘了{}。",
    "有谁知道{}？",
    "说说看，{}？",
    "你清楚{}吗？",
    "你记得{}吗？",
    "孩子问我{}。",
    "考考你，{}？",
    "猜猜{}？",
)
_FOLLOW_UPS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "那{}呢？",
        "那{}呢？",
        "{}呢？",
        "换成{}呢？",
        "那么{}呢？",
        "如果是{}呢？",
        "再说说{}。",
        "{}又怎么样？",
        "还有{}呢？",
        "那要是{}呢？",
        "我还想知道{}的。",
        "{}的呢？",
        "同样的问题，{}呢？",
    ),
    "en": (
        "And {}?",
        "What about {}?",
        "How about {}?",
        "And what about {}?",
        "Now {}.",
        "And for {}?",
        "OK, and {}?",
        "The same for {}?",
        "{}?",
    ),
}


def dialogues(rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
    """`count` dialogues of kind "fact" from `facts.toml` and `fact_tables.toml` in `data`."""
    series = load_series(data)
    patterns = read_patterns(data)
    weights = [len(each.facts) if each.is_table else _SINGLE_WEIGHT for each in series]
    by_language: dict[Language, tuple[list[Series], list[int]]] = {"zh": ([], []), "en": ([], [])}
    for each, weight in zip(series, weights, strict=True):
        members, member_weights = by_language[each.language]
        members.append(each)
        member_weights.append(weight)
    for _ in range(count):
        (first,) = rng.choices(series, weights)
        yield _talk(rng, patterns, first, *by_language[first.language])


def _talk(
    rng: random.Random,
    patterns: Patterns,
    series: Series,
    others: list[Series],
    weights: list[int],
) -> Dialogue:
    messages = list(patterns.opening(rng))
    fact = rng.choice(series.facts)
    question = _question(rng, fact, series.language)
    for _ in range(_MOST_TURNS - 1):
        messages += _turn(question, fact)
        if rng.random() >= _FURTHER_SHARE:
            break
        if series.is_table and rng.random() < _SAME_SERIES_SHARE:
            fact = rng.choice([other for other in series.facts if other is not fact])
            question = rng.choice(_FOLLOW_UPS[series.language]).format(fact.subject)
        else:
            (series,) = rng.choices(others, weights)
            fact = rng.choice(series.facts)
            question = _question(rng, fact, series.language)
    else:
        messages += _turn(question, fact)
    return Dialogue("fact", tuple(messages))


def _turn(question: str, fact: Fact) -> tuple[PromptMessage, PromptMessage]:
    return PromptMessage("user", question), PromptMessage("assistant", fact.answer)


def _question(rng: random.Random, fact: Fact, language: Language) -> str:
    """One of the fact's wordings, with courtesies and punctuation as people put them."""
    wording = rng.choice(fact.questions)
    if language == "zh" and wording.endswith("？") and rng.random() < _EMBEDDED_SHARE:
        wording = rng.choice(_EMBEDDINGS_ZH).format(wording.removesuffix("？"))
    return reword(wording, language, rng)
