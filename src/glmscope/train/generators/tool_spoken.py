"""Tools whose questions people said themselves: user turns of a corpus with their values marked.

Source: the corpus `crosswoz_dialogues` (CrossWOZ, Apache-2.0), whose turns say which of their words
stand for what. The tools that they are questions for are in `train/data/tools_spoken.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from glmscope.train.corpus import read_rows
from glmscope.train.generators.tool_kit import LANGUAGES, Kind, Tool, make_kind
from glmscope.train.toml_file import read_toml

CORPUS = "crosswoz_dialogues"
GROUP = "spoken"

_LONGEST = 60
"""Characters of a question at most."""


@dataclass(frozen=True)
class _Turn:
    """What a user says in one domain: the values by slot, and what is asked for."""

    text: str
    domain: str
    values: Mapping[str, str]
    asks_for: frozenset[str]


@lru_cache(maxsize=2)
def spoken_tools(data: Path, corpus: Path) -> tuple[Tool, ...]:
    """The tools of `tools_spoken.toml` in `data`, with questions from the folder `corpus`.

    Their questions are in Chinese alone. Raises UsageError when the corpus is not there.
    """
    tables = read_toml(data / "tools_spoken.toml")
    entries = tables.pop("parameters")
    turns = list(_turns(read_rows(CORPUS, corpus)))
    tools = []
    for name, entry in tables.items():
        slots = entry["slots"]
        fitting = [turn for turn in turns if _fits(turn, entry)]
        kinds = {
            slot: _kind(entries[slot], [turn.values.get(slots[slot], "") for turn in fitting])
            for slot in slots
        }
        templates = (_template(turn, slots) for turn in fitting)
        questions = tuple(template for template in templates if template is not None)
        tools.append(_tool(name, entry, kinds, questions))
    return tuple(tools)


def _turns(rows: Iterator[dict[str, Any]]) -> Iterator[_Turn]:
    """The turns about one domain that say each of their values once, and name none twice."""
    for row in rows:
        for message in row["messages"]:
            acts = message.get("dialog_act", ())
            said = [act for act in acts if act[0] in ("Inform", "Select") and act[3]]
            domains = {act[1] for act in said}
            values = {slot: value for _, _, slot, value in said}
            text = str(message["content"])
            if message["role"] != "user" or len(domains) != 1 or len(values) < len(said):
                continue
            if len(text) > _LONGEST or any(text.count(value) != 1 for value in values.values()):
                continue
            asked = frozenset(act[2] for act in acts if act[0] == "Request")
            yield _Turn(text, domains.pop(), values, asked)


def _fits(turn: _Turn, entry: Mapping[str, Any]) -> bool:
    """Whether a turn is a question for the tool of this entry."""
    slots = set(entry["slots"].values())
    wanted = {entry["slots"][slot] for slot in entry.get("required", ())}
    named = set(turn.values)
    asks_for = entry.get("asks_for")
    return (
        turn.domain in entry["domain"]
        and named <= slots
        and wanted <= named
        and not turn.asks_for & set(entry.get("asks_not", ()))
        and (asks_for is None or (bool(turn.asks_for) and turn.asks_for <= set(asks_for)))
    )


def _template(turn: _Turn, slots: Mapping[str, str]) -> str | None:
    """The turn with slots in place of its values; none where one stands within another."""
    places = sorted(
        (turn.text.index(turn.values[said]), slot, turn.values[said])
        for slot, said in slots.items()
        if said in turn.values
    )
    written, after = "", 0
    for start, slot, value in places:
        if start < after:
            return None
        written += f"{turn.text[after:start]}{{{slot}}}"
        after = start + len(value)
    return written + turn.text[after:]


def _kind(entry: Mapping[str, Any], said: Sequence[str]) -> Kind:
    """A parameter whose values are those that were said, and more."""
    values = [*entry["more"], *filter(None, dict.fromkeys(said))]
    about = {language: tuple(entry[language]) for language in LANGUAGES}
    return make_kind({**entry, **{f"choices_{each}": values for each in LANGUAGES}}, about)


def _tool(
    name: str, entry: Mapping[str, Any], kinds: Mapping[str, Kind], questions: tuple[str, ...]
) -> Tool:
    required = tuple(entry.get("required", ()))
    return Tool(
        id=name,
        group=GROUP,
        names=tuple(entry["names"]),
        about={language: tuple(entry[f"about_{language}"]) for language in LANGUAGES},
        required=required,
        optional=tuple(slot for slot in entry["slots"] if slot not in required),
        kinds=kinds,
        questions={"zh": questions},
        answer={language: entry[f"answer_{language}"] for language in LANGUAGES},
        result=entry["result"],
        apart=frozenset(entry["apart"]),
    )
