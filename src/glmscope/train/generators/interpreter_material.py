"""Wordings of `interpreter*.toml`, and what a generator makes of them: exchanges.

A wording is a template: `[加|加上|]` is a choice, which may hold others, `{a}` a slot, and
`<是多少>` one of the synonyms under that name. Wordings that ask (`zh_ask`) and that give a task
(`zh_do`) are set into the frames of their sort: "请问…？", "帮我…。".
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from glmscope.train.toml_file import read_toml

Language: TypeAlias = Literal["zh", "en"]
Entry: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

_SPACED_SHARE = 0.3
"""How much of the Chinese has spaces around numbers and Latin words."""

_BETWEEN_SCRIPTS = re.compile(r"(?<=[一-鿿])(?=[\w(-])(?![一-鿿])|(?<=[a-zA-Z0-9)%])(?=[一-鿿])")
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SYNONYM = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of code and what it prints."""

    code: str
    output: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, the code that is run for it (none for small talk), and the answer."""

    question: str
    runs: tuple[Run, ...]
    answer: str


class Material:
    """The tables of the files `interpreter*.toml`, by section and name; their lists joined.

    `corpus` is the folder of the corpora, where there is one.
    """

    def __init__(self, data: Path, corpus: Path | None = None) -> None:
        self.corpus = corpus
        self._sections: dict[str, dict[str, Any]] = {}
        for path in sorted(data.glob("interpreter*.toml")):
            _join(self._sections, read_toml(path))

    def __getitem__(self, section: str) -> dict[str, Any]:
        return self._sections[section]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one dialogue is made: the material, the draw, and the language of the user."""

    material: Material
    rng: random.Random
    language: Language

    def entry(self, section: str) -> Entry:
        """One entry of a section that has wordings in this language, drawn by `weight`."""
        entry: Entry = self.material[section][self.draw_name(section)]
        return entry

    def draw_name(self, section: str) -> str:
        """The name of one, likewise."""
        entries: dict[str, Entry] = {
            name: entry
            for name, entry in self.material[section].items()
            if self._has_wordings(entry)
        }
        weights = [entry.get("weight", 1) for entry in entries.values()]
        return self.rng.choices(list(entries), weights)[0]

    def _has_wordings(self, entry: Entry) -> bool:
        return any(f"{self.language}_{form}" in entry for form in ("ask", "do", "say"))

    def ask(self, entry: Entry, slots: Mapping[str, str]) -> str:
        """The question of an entry in one of its wordings and one of the frames for it.

        A wording under `say` is a whole sentence and needs no frame.
        """
        wordings = [
            (form, wording)
            for form in ("ask", "do", "say")
            for wording in entry.get(f"{self.language}_{form}", ())
        ]
        form, wording = self.rng.choice(wordings)
        question = self.choose(wording)
        return self.finish(fill(question if form == "say" else self.frame(form, question), slots))

    def frame(self, form: str, question: str) -> str:
        """The question in one of the frames for its form."""
        frame = self.rng.choice(self.material["frames"][f"{self.language}_{form}"])
        return self.choose(frame).replace("{q}", question)

    def finish(self, question: str) -> str:
        """A question as people type it: English with a capital, Chinese now and then spaced."""
        question = question.strip()
        if self.language == "en":
            return question[:1].upper() + question[1:]
        if self.rng.random() < _SPACED_SHARE:
            return _BETWEEN_SCRIPTS.sub(" ", question)
        return question

    def answer(self, entry: Entry, slots: Mapping[str, str]) -> str:
        """The answer of an entry: one wording, always the same."""
        return fill(str(entry[f"{self.language}_answer"]), slots)

    def choose(self, template: str) -> str:
        """The template with every `<synonym>` and `[a|b]` decided, those inside others too."""
        synonyms: Mapping[str, list[str]] = self.material["synonyms"]
        while True:
            text = _SYNONYM.sub(lambda name: self.rng.choice(synonyms[name[1]]), template)
            text = _CHOICE.sub(lambda choice: self.rng.choice(choice[1].split("|")), text)
            if text == template:
                return text
            template = text

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return self.rng.choice(options)


def _join(tables: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add to the tables what another file has under the same names."""
    for name, value in more.items():
        if isinstance(value, dict):
            _join(tables.setdefault(name, {}), value)
        elif isinstance(value, list):
            tables[name] = [*tables.get(name, ()), *value]
        else:
            tables[name] = value


def fill(template: str, slots: Mapping[str, str]) -> str:
    """The template with its slots filled; braces in what fills them mean nothing."""
    return re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], template)
