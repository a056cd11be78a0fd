"""Values that users name in their questions, drawn from word lists and small grammars."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from glmscope.train.generators.digits import Digits
from glmscope.train.toml_file import read_toml

Language: TypeAlias = Literal["zh", "en"]

_CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_PART = re.compile(r"\{(?P<low>\d+)\.\.(?P<high>\d+)\}|\{(?P<list>[a-z_]+)\}|\{?(?P<mark>[#^])\}?")


WORD_FILES = ("tools_words.toml", "tools_phrases.toml", "tools_words_errands.toml")


class Words:
    """The lists of the `WORD_FILES` in train/data, by name."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._lists = lists

    @classmethod
    def read(cls, data: Path) -> Words:
        """The lists of the folder `train/data`."""
        lists: dict[str, Sequence[str]] = {}
        for file in WORD_FILES:
            lists |= read_toml(data / file)
        return cls(lists)

    def entries(self, name: str, language: Language) -> Sequence[str]:
        """The entries of list `name` in this language; one without a language serves both.

        Raises KeyError where there is no such list.
        """
        return self._lists.get(f"{name}_{language}") or self._lists[name]

    def draw(self, rng: random.Random, name: str, language: Language) -> str:
        """An entry of list `name`, its parts filled in."""
        return self.fill(rng, rng.choice(self.entries(name, language)), language)

    def fill(self, rng: random.Random, pattern: str, language: Language) -> str:
        """The pattern with its lists, ranges, digits and letters replaced by draws."""
        digits = Digits(rng)

        def part(match: re.Match[str]) -> str:
            if match["list"]:
                return self.draw(rng, match["list"], language)
            if match["low"]:
                return str(rng.randint(int(match["low"]), int(match["high"])))
            return digits.draw() if match["mark"] == "#" else rng.choice(_CAPITALS)

        return _PART.sub(part, pattern)
