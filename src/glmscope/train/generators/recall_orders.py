"""Talks about an order: lists and instructions that the user tells, and one place in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from glmscope.train.generators.chat_entries import Entry, Language
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.recall_material import ItemList, pick
from glmscope.train.generators.recall_talks import Asking

_LIST_ASKS = ("at", "first", "last", "after", "before", "how_many", "all", "whether")
_LIST_WEIGHTS = (8, 3, 5, 3, 3, 4, 3, 2)
_STEP_ASKS = ("step", "next_step", "first", "last", "count")
_STEP_WEIGHTS = (9, 3, 2, 4, 3)
_STEP_FORMS: dict[Language, tuple[str, ...]] = {
    "zh": ("{}. {}", "{}、{}", "（{}）{}", "第{}步，{}"),
    "en": ("{}. {}", "{}) {}", "Step {}: {}"),
}


class OrderTalks:
    """Makes talks about lists and about steps."""

    def __init__(self, asking: Asking, guides: Sequence[Entry]) -> None:
        self._asking = asking
        self._rng: random.Random = asking.rng
        self._guides = guides
        self._words = asking.material.words["list_words"]
        self._steps = asking.material.words["steps"]

    def items(self) -> list[Turn]:
        """A list, and several questions about it."""
        asking, rng = self._asking, self._rng
        sort = rng.choice(asking.material.lists)
        values = asking.slots()
        count = rng.randint(3, 6)
        items = [values.fill(f"{{{sort.items}{place}}}") for place in range(1, count + 1)]
        told = asking.told(pick(sort.tell, rng).replace("{}", self._joined(items)))
        turns = [(told, asking.heard())]
        if rng.random() < 0.25:
            turns.append(asking.between())
        names = rng.choices(_LIST_ASKS, _LIST_WEIGHTS, k=rng.choice((2, 3, 3, 4)))
        return turns + [self._ask_list(name, sort, items, values.fill) for name in names]

    def told_steps(self) -> list[Turn]:
        """Instructions of the user's own, and questions about their steps."""
        asking, rng = self._asking, self._rng
        actions = rng.sample(asking.material.pools["action"], rng.randint(3, 6))
        steps = [asking.slots().fill(action) for action in actions]
        form = rng.choice(_STEP_FORMS[asking.language])
        separator = rng.choice(("\n", "\n", "；" if asking.language == "zh" else "; "))
        listed = separator.join(form.format(*each) for each in enumerate(steps, 1))
        heard = self._steps["heard"].format(self._number(len(steps)))
        told = pick(self._steps["tell"], rng).replace("{}", listed)
        return [(told, asking.heard(heard)), *self._ask_steps(steps, rng.choice((2, 3, 4)))]

    def given_steps(self) -> list[Turn]:
        """A how-to that the assistant gives, and questions about its steps."""
        entry = self._rng.choice(self._guides)
        turn = (self._rng.choice(entry.questions), entry.reply)
        return [turn, *self._ask_steps(entry.steps, self._rng.choice((1, 2, 3)))]

    def _joined(self, items: Sequence[str]) -> str:
        words = self._words
        separator = self._rng.choice(words["separators"])
        last = self._rng.choice(words["last_separators"])
        return separator.join(items[:-1]) + last + items[-1]

    def _ask_list(
        self, name: str, sort: ItemList, items: Sequence[str], fill: Callable[[str], str]
    ) -> Turn:
        rng, words = self._rng, self._words
        place = {"first": 0, "last": len(items) - 1, "before": rng.randrange(1, len(items))}.get(
            name, rng.randrange(len(items) - (name == "after"))
        )
        known = {
            "ordinal": words["ordinals"][place],
            "count": sort.count,
            "what": sort.what,
            "wh": rng.choice(sort.wh),
            "number": self._number(len(items)),
            "items": self._listed(items),
            "item": items[place],
            "before": items[place],
            "after": items[place],
        }
        asked, answer = dict(known), words.get(f"{name}_answer", words["at_answer"])
        if name == "after":
            known["item"] = items[place + 1]
        elif name == "before":
            known["item"] = items[place - 1]
        elif name == "whether":
            strange = rng.random() < 0.5
            answer = words["no" if strange else "yes"]
            asked["item"] = known["item"] = fill(f"{{{sort.items}9}}") if strange else items[place]
        question = pick(words[name], rng).format(**asked)
        return self._framed(question), answer.format(**known)

    def _framed(self, question: str) -> str:
        """Chinese clauses stand in any frame; English ones that are questions only in a few."""
        return self._asking.framed("clause", question)

    def _ask_steps(self, steps: Sequence[str], count: int) -> list[Turn]:
        names = self._rng.choices(_STEP_ASKS, _STEP_WEIGHTS, k=count)
        return [self._ask_step(name, steps) for name in names]

    def _ask_step(self, name: str, steps: Sequence[str]) -> Turn:
        rng, words = self._rng, self._steps
        ordinals = words["ordinals"]
        place = rng.randrange(len(steps) - (name == "next_step"))
        question = pick(words[name], rng).replace("{}", ordinals[place])
        if name == "count":
            return self._framed(question), words["count_answer"].format(self._number(len(steps)))
        if name == "last":
            return self._framed(question), words["answer"].format(words["last_name"], steps[-1])
        place += name == "next_step"
        place = 0 if name == "first" else place
        answer: str = words["answer"].format(ordinals[place], steps[place])
        return self._framed(question), answer

    def _number(self, count: int) -> str:
        return str(self._words["numerals"][count])

    def _listed(self, items: Sequence[str]) -> str:
        if self._asking.language == "zh":
            return "、".join(items)
        return ", ".join(items[:-1]) + " and " + items[-1]
