"""The material of `recall_zh.toml`, `recall_*_zh.toml` and those in English, as sentences.

What the tables mean stands at the top of `recall_zh.toml` and of `recall_scenes_zh.toml`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_patterns import read_patterns
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.chat_values import Pools
from glmscope.train.toml_file import read_toml

_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that can be asked: as a clause, inside another clause, by a noun; its answer."""

    clause: tuple[str, ...]
    inner: tuple[str, ...]
    noun: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What a user tells and can ask for.

    `heard` is what is said to it, "" for anything; `then` are further turns before the questions,
    what the user says in its wordings and the reply. Only a fact with one ask knows `unknown`.
    """

    tell: tuple[str, ...]
    asks: tuple[Ask, ...]
    weight: int = 1
    heard: str = ""
    unknown: str = ""
    then: tuple[tuple[tuple[str, ...], str], ...] = ()


@dataclass(frozen=True, slots=True)
class Anecdote:
    """What was told in turns, and questions with answers that have only these turns to go by."""

    told: tuple[Turn, ...]
    asks: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class ItemList:
    """Things in an order: which values they are, what they are called and asked for with."""

    items: str
    count: str
    wh: tuple[str, ...]
    tell: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class Material:
    """Everything of one language; `words` are the tables of patterns, by table and by name."""

    facts: tuple[Fact, ...]
    stories: tuple[Fact, ...]
    anecdotes: tuple[Anecdote, ...]
    lists: tuple[ItemList, ...]
    words: Mapping[str, Mapping[str, Any]]
    pools: Pools


def expand(pattern: str, rng: random.Random) -> str:
    """`pattern` with one of each `[a|b]` chosen, the inner ones first."""
    found = _ALTERNATIVES.search(pattern)
    while found:
        chosen = rng.choice(found[1].split("|"))
        pattern = pattern[: found.start()] + chosen + pattern[found.end() :]
        found = _ALTERNATIVES.search(pattern)
    return pattern


def pick(patterns: Sequence[str], rng: random.Random) -> str:
    """One of `patterns`, expanded."""
    return expand(rng.choice(patterns), rng)


@lru_cache(maxsize=4)
def read_material(data: Path, language: Language) -> Material:
    """The material of `language` under `data`."""
    tables = read_toml(data / f"recall_{language}.toml")
    files = [tables, *map(read_toml, sorted(data.glob(f"recall_*_{language}.toml")))]
    return Material(
        facts=tuple(_fact(table) for file in files for table in file.get("fact", ())),
        stories=tuple(_story(table) for file in files for table in file.get("story", ())),
        anecdotes=tuple(_anecdote(table) for file in files for table in file.get("anecdote", ())),
        lists=tuple(
            ItemList(
                items=table["items"],
                count=table["count"],
                wh=tuple(table["wh"]),
                tell=tuple(table["tell"]),
                what=table["what"],
            )
            for table in tables["list"]
        ),
        words={name: tables[name] for name in ("frames", "list_words", "steps", "again")},
        pools=_pools(read_patterns(data).pools[language], files),
    )


def _pools(known: Pools, files: Sequence[Mapping[str, Any]]) -> Pools:
    """The pools that are known with those of the files; a later one under a name replaces it.

    One under `more_NAME` adds to NAME.
    """
    pools = dict(known)
    for file in files:
        for name, words in file.get("values", {}).items():
            values = tuple(word.replace("~", " ") for word in words.split())
            kept = name.removeprefix("more_")
            pools[kept] = values if kept == name else tuple(dict.fromkeys((*pools[kept], *values)))
    return pools


def _fact(table: Mapping[str, Any]) -> Fact:
    return Fact(
        tell=tuple(table["tell"]),
        asks=(
            Ask(
                clause=tuple(table["ask"]),
                inner=tuple(table.get("inner", ())),
                noun=tuple(table.get("noun", ())),
                answer=table["answer"],
            ),
        ),
        weight=table.get("weight", 1),
        heard=table["heard"],
        unknown=table["unknown"],
    )


def _story(table: Mapping[str, Any]) -> Fact:
    asks = tuple(
        Ask(tuple(clauses), tuple(inner[0]) if inner else (), (), answer)
        for clauses, *inner, answer in table["asks"]
    )
    return Fact(
        tell=tuple(table["tell"]),
        asks=asks,
        weight=table.get("weight", 1),
        heard=table.get("heard", ""),
        then=tuple((tuple(said), reply) for said, reply in table.get("then", ())),
    )


def _anecdote(table: Mapping[str, Any]) -> Anecdote:
    told = table["told"]
    return Anecdote(
        told=tuple(zip(told[::2], told[1::2], strict=True)),
        asks=tuple((question, answer) for question, answer in table["asks"]),
    )
