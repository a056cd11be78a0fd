"""Wraps the core of a question in what people say around it: 请…, 能帮我…吗, could you …."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from glmscope.train.generators.tool_values import Language
from glmscope.train.toml_file import read_toml


class Frames:
    """The frames of train/data/tools_frames.toml."""

    def __init__(self, frames: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._frames = frames

    @classmethod
    def read(cls, data: Path) -> Frames:
        """The frames in the folder `train/data`."""
        return cls(read_toml(data / "tools_frames.toml"))

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
            return template
        if ends_free:
            fitting = [frame for frame in fitting if frame.endswith(("}", "}。", "}."))]
        capital = core[:1].upper() + core[1:]
        return rng.choice(fitting).replace("{^}", capital).replace("{}", core)
