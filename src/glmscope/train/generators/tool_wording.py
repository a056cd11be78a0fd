"""Words a question anew: synonyms, what people say before and around it: 请…, could you …."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml

_CONTEXT_SHARE = 0.14
_ALTERNATIVES = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"(\{[^}]*\})")


class Frames:
    """The frames and synonyms of train/data/tools_frames.toml."""

    def __init__(
        self,
        frames: Mapping[str, Mapping[str, Sequence[str]]],
        synonyms: Mapping[str, Mapping[str, Sequence[str]]],
    ) -> None:
        self._frames = frames
        self._synonyms = synonyms
        self._patterns = {
            language: re.compile("|".join(_bounded(word) for word in sorted(words, key=len)[::-1]))
            for language, words in synonyms.items()
        }

    @classmethod
    def read(cls, data: Path) -> Frames:
        """The frames in the folder `train/data`."""
        frames = read_toml(data / "tools_frames.toml")
        return cls(frames, frames.pop("synonyms"))

    def reword(self, rng: random.Random, template: str, language: Language) -> str:
        """The template with one of each `[alternatives|choices]`, and synonyms here and there."""
        chosen = _ALTERNATIVES.sub(lambda match: rng.choice(match[1].split("|")), template)

        def other(match: re.Match[str]) -> str:
            if rng.random() < 0.45:
                return match[0]
            return rng.choice(self._synonyms[language][match[0]])

        pattern = self._patterns[language]
        parts = _SLOT.split(chosen)
        return "".join(part if part[:1] == "{" else pattern.sub(other, part) for part in parts)

    def put_around(
        self, rng: random.Random, template: str, language: Language, ends_free: bool
    ) -> str:
        """A wording of the template; one that starts with no mark stays as it is.

        Nothing but a full stop follows a template that ends with free text.
        """
        frames = self._frames[language]
        mark, core = template[:1], template[1:]
        if mark == "!":
            fitting = frames["order"]
        elif mark == "~":
            fitting = frames.get("plain_order", frames["order"])
        elif mark == "?":
            fitting = frames["yes_no" if core.endswith("吗") else "question"]
        else:
            fitting, core = ["{}"], template
        if ends_free:
            fitting = [frame for frame in fitting if frame.endswith(("}", "}。", "}."))]
        capital = core[:1].upper() + core[1:]
        framed = rng.choice(fitting).replace("{^}", capital).replace("{}", core)
        if rng.random() < _CONTEXT_SHARE:
            return rng.choice(frames["context"]) + framed
        return framed


def _bounded(word: str) -> str:
    escaped = re.escape(word)
    return rf"\b{escaped}\b" if word.isascii() else escaped
