"""The hand-written facts: `facts.toml`, one at a time, and `fact_tables.toml`, in rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.train.generators.chat_entries import Language
from glmscope.train.toml_file import read_toml


@dataclass(frozen=True, slots=True)
class Fact:
    """Wordings of one question and the answer to all of them."""

    questions: tuple[str, ...]
    answer: str
    subject: str = ""
    """What tells it from the others of its series; empty where a follow-up cannot name it."""


@dataclass(frozen=True, slots=True)
class Series:
    """Facts that are asked for alike, or a single one."""

    topic: str
    language: Language
    facts: tuple[Fact, ...]

    @property
    def is_table(self) -> bool:
        """Whether "and what about …?" can ask for another fact of the series."""
        return len(self.facts) > 1 and all(fact.subject for fact in self.facts)


def load_series(data: Path) -> tuple[Series, ...]:
    """Every single fact, then every pattern over the rows of its table."""
    singles = read_toml(data / "facts.toml")["fact"]
    file = read_toml(data / "fact_tables.toml")
    tables = {table["name"]: table for table in file["table"]}
    return (
        *(_single(entry) for entry in singles),
        *(_series(pattern, tables[pattern["table"]]) for pattern in file["pattern"]),
    )


def _single(entry: Mapping[str, Any]) -> Series:
    fact = Fact(tuple(entry["questions"]), entry["answer"])
    return Series(entry["topic"], entry["language"], (fact,))


def _series(pattern: Mapping[str, Any], table: Mapping[str, Any]) -> Series:
    language: Language = pattern["language"]

    def fact(row: list[str]) -> Fact:
        values = dict(zip(table["fields"], row, strict=True))

        def fill(sentence: str) -> str:
            filled = sentence.format_map(values)
            # A value may open the sentence: "the Netherlands" does so with a capital.
            return filled[0].upper() + filled[1:] if language == "en" else filled

        return Fact(
            tuple(map(fill, pattern["questions"])),
            fill(pattern["answer"]),
            pattern.get("subject", "").format_map(values),
        )

    return Series(pattern["topic"], language, tuple(map(fact, table["rows"])))
