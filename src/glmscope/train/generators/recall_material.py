"""The material of `recall_zh.toml`, `recall_more_zh.toml` and those in English, as sentences.

What the tables mean stands at the top of `recall_zh.toml`.
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
    """What a user tells and can ask for. Only a fact with one ask knows `heard` and `unknown`."""

    tell: tuple[str, ...]
    asks: tuple[Ask, ...]
    weight: int = 1
    heard: str = ""
    unknown: str = ""


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
    more = read_toml(data / f"recall_more_{language}.toml")
    pools = {
        name: tuple(word.replace("~", " ") for word in words.split())
        for name, words in {**tables["values"], **more["values"]}.items()
    }
    return Material(
        facts=tuple(_fact(table) for table in (*tables["fact"], *more["fact"])),
        stories=tuple(_story(table) for table in (*tables["story"], *more["story"])),
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
        pools={**read_patterns(data).pools[language], **pools},
    )


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
    return Fact(tell=tuple(table["tell"]), asks=asks, weight=table.get("weight", 1))
