"""Natural questions for made-up tools: values stand where speakers put them, not behind labels.

In Chinese before the verb (在杭州), before the thing (张三的), or after it all (，编号12);
in English in phrases after the thing (for Ann, in Leeds).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WORDINGS = 8
"""Wordings that are put together for one tool and language; a few of them are used."""
_MOST = {"of": 2, "after": 4}
"""So many values may stand before the thing, and after it all."""


@dataclass(frozen=True)
class Phrases:
    """What a tool's questions are made from: parameters by slot, and users' words."""

    entries: Mapping[str, Mapping[str, Any]]
    verbs_zh: Sequence[str]
    verbs_en: Sequence[str]
    things_zh: Sequence[str]
    things_en: Sequence[str]


def natural_zh(rng: random.Random, templates: Sequence[str], phrases: Phrases) -> tuple[str, ...]:
    """Some Chinese questions with all the slots of the tool."""
    return tuple(_one_zh(rng, rng.choice(templates), phrases) for _ in range(_WORDINGS))


def _one_zh(rng: random.Random, template: str, phrases: Phrases) -> str:
    places: dict[str, list[str]] = {"before": [], "of": [], "after": []}
    most = {**_MOST, "before": 1 if "{before}" in template else 0}
    for slot, entry in phrases.entries.items():
        open_places = [
            place for place in places if f"zh_{place}" in entry and len(places[place]) < most[place]
        ]
        place = rng.choice(open_places)
        phrase = rng.choice(entry[f"zh_{place}"])
        places[place].append(phrase.replace("{}", f"{{{slot}}}"))
    if not any(entry.get("free") for entry in phrases.entries.values()):
        rng.shuffle(places["after"])
    said = {place: "".join(written) for place, written in places.items()}
    verb, thing = rng.choice(phrases.verbs_zh), rng.choice(phrases.things_zh)
    return template.format(verb=verb, thing=thing, **said)


def natural_en(rng: random.Random, templates: Sequence[str], phrases: Phrases) -> tuple[str, ...]:
    """Some English questions with all the slots of the tool."""
    return tuple(_one_en(rng, rng.choice(templates), phrases) for _ in range(_WORDINGS))


def _one_en(rng: random.Random, template: str, phrases: Phrases) -> str:
    close: list[str] = []
    apart: list[str] = []
    for slot, entry in phrases.entries.items():
        phrase = rng.choice(entry["en_with"])
        (apart if phrase.startswith(",") else close).append(phrase.replace("{}", f"{{{slot}}}"))
    rng.shuffle(close)
    said = " ".join((*close, *apart)).replace(" ,", ",")
    verb, thing = rng.choice(phrases.verbs_en), rng.choice(phrases.things_en)
    return template.format(verb=verb, thing=thing, **{"with": said}).replace(" ,", ",")
