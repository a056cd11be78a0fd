"""Talks in which many pairs of things are told at once, and either is asked for by the other.

Nothing but the pair tells which value is right: all of them are of the same few sorts.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.recall_material import pick
from glmscope.train.generators.recall_talks import Asking
from glmscope.train.toml_file import read_toml

_TOGETHER_SHARE = 0.6
_BACK_SHARE = 0.35
_SEPARATORS: dict[Language, tuple[str, ...]] = {
    "zh": ("，", "，", "；", "。", "\n", "、"),
    "en": (", ", ", ", "; ", ". ", "\n", ", and "),
}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two values, and the verb of their talk with its ending and without."""

    this: str
    that: str
    verb: str = ""
    bare: str = ""

    def fill(self, pattern: str) -> str:
        """`pattern` with this pair in the place of its slots."""
        known = {"{a}": self.this, "{b}": self.that, "{v}": self.verb, "{w}": self.bare}
        return re.sub(r"\{[abvw]\}", lambda slot: known[slot[0]], pattern)


class PairTalks:
    """Makes talks about pairs, from `recall_pairs_*.toml`."""

    def __init__(self, asking: Asking, data: Path) -> None:
        self._asking = asking
        self._rng: random.Random = asking.rng
        tables = read_toml(data / f"recall_pairs_{asking.language}.toml")
        self._forms: list[dict[str, Any]] = tables["pair"]
        self._these = tables["pairs"]["these"].split()
        self._those = tables["pairs"]["those"].split()

    def pairs(self) -> list[Turn]:
        """Two to eight pairs of one form, told together or one by one, and some of them asked."""
        asking, rng = self._asking, self._rng
        form = rng.choice(self._forms)
        verb = rng.choice(form.get("verbs", [""]))
        told = [_Pair(*values, *verb.split()) for values in self._values(rng.randint(2, 8))]
        tell = pick(form["tell"], rng)
        sentences = [pair.fill(tell) for pair in told]
        if rng.random() < _TOGETHER_SHARE:
            together = rng.choice(_SEPARATORS[asking.language]).join(sentences)
            turns = [(asking.told(together), asking.heard())]
        else:
            turns = [(asking.told(sentence), asking.heard()) for sentence in sentences]
        asked = rng.sample(told, rng.randint(1, len(told)))
        return turns + [self._ask(form, pair) for pair in asked]

    def _values(self, count: int) -> list[tuple[str, str]]:
        """`count` of each side, less those that stand on both, and two at least."""
        while True:
            these, those = self._rng.choice(self._these), self._rng.choice(self._those)
            first, second = self._asking.slots(), self._asking.slots()
            values = [
                (first.fill(f"{{{these}{place}}}"), second.fill(f"{{{those}{place}}}"))
                for place in range(1, count + 1)
            ]
            known = {this for this, _ in values}
            kept = [(this, that) for this, that in values if that not in known]
            if len(kept) > 1:
                return kept

    def _ask(self, form: dict[str, Any], pair: _Pair) -> Turn:
        back = self._rng.random() < _BACK_SHARE
        question = pair.fill(pick(form["back" if back else "ask"], self._rng))
        answer = pair.fill(form["back_answer" if back else "answer"])
        return self._asking.framed("clause", question), answer
