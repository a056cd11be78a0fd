"""Talks whose questions need an earlier turn: what was told, lists, steps, the talk itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.chat_values import Slots
from glmscope.train.generators.recall_material import (
    Ask,
    Fact,
    Material,
    expand,
    pick,
    read_material,
)

_HEARD_AGAIN_SHARE = 0.45
_OTHERS_SHARE = 0.55
"""How often what is said to something told is not the model's own."""


class Asking:
    """Puts what is asked into the sentences that users ask with."""

    def __init__(self, language: Language, data: Path, rng: random.Random) -> None:
        self.language = language
        self.material: Material = read_material(data, language)
        self.rng = rng
        self._frames = self.material.words["frames"]
        self.others: set[str] = set()
        """What other assistants have said: read, and not learned."""

    def slots(self) -> Slots:
        """Fresh values."""
        return Slots(self.material.pools, self.language, self.rng)

    def choose(self, table: str, name: str) -> str:
        """One pattern of a table of the file, expanded."""
        return pick(self.material.words[table][name], self.rng)

    def question(self, ask: Ask, values: Slots) -> str:
        """A question for `ask`."""
        kinds = [("clause", ask.clause), ("inner", ask.inner), ("noun", ask.noun)]
        frames = [(name, wordings) for name, wordings in kinds if wordings]
        weights = [{"clause": 5, "inner": 4, "noun": 3}[name] for name, _ in frames]
        ((name, wordings),) = self.rng.choices(frames, weights)
        return self.framed(name, values.fill(pick(wordings, self.rng)))

    def short_question(self, ask: Ask, values: Slots) -> str:
        """A question for `ask` with nothing said before or after."""
        if not ask.clause:
            return self.question(ask, values)
        marks = ("？", "？", "") if self.language == "zh" else ("?", "?", "")
        return self.cased(values.fill(pick(ask.clause, self.rng))) + self.rng.choice(marks)

    def framed(self, frame: str, asked: str) -> str:
        """`asked` in a sentence: a question, a request, with what people say before and after."""
        if self.language == "zh" and asked.endswith(("呢", "吗", "来着")):
            frame = "bare"
        sentence = pick(self._frames[frame], self.rng)
        if self.language == "en" and not sentence.startswith("{}"):
            asked = lower_first(asked)
        return self.cased(sentence.replace("{}", asked))

    def told(self, sentence: str) -> str:
        """`sentence` as a user tells it."""
        frame = pick(self._frames["tell"], self.rng)
        if self.language == "en" and not frame.startswith("{}"):
            sentence = lower_first(sentence)
        return self.cased(frame.replace("{}", sentence))

    def cased(self, sentence: str) -> str:
        """In English: a capital first, or now and then none at all."""
        if self.language == "zh":
            return sentence
        return sentence if self.rng.random() < 0.12 else sentence[0].upper() + sentence[1:]

    def heard(self, own: str | None = None) -> str:
        """What is said to something told: by the model, in general or `own`, or by another."""
        if self.rng.random() < _OTHERS_SHARE:
            sentences = self.rng.sample(self._frames["others"], self.rng.choice((1, 1, 2)))
            blank = "" if self.language == "zh" else " "
            said = blank.join(expand(sentence, self.rng) for sentence in sentences)
            self.others.add(said)
            return said
        return own or str(self.rng.choice(self._frames["heard"]))

    def correction(self, sentence: str) -> str:
        """`sentence` put right what was told before."""
        frame = pick(self._frames["correction"], self.rng)
        if self.language == "en" and not frame.startswith("{}"):
            sentence = lower_first(sentence)
        return frame.replace("{}", sentence)

    def between(self) -> Turn:
        """A turn of small talk."""
        question, answer = self.rng.choice(self._frames["between"])
        return question, answer


def lower_first(sentence: str) -> str:
    """`sentence` without its capital, unless it begins with I or a name."""
    first, _, rest = sentence.partition(" ")
    keeps = first.startswith("I'") or first == "I" or first.lower() not in _EN_OPENINGS
    return sentence if keeps else f"{first.lower()} {rest}".strip()


_EN_OPENINGS = frozenset(
    (
        *("what", "what's", "who", "who's", "where", "where's", "when", "when's", "which", "why"),
        *("how", "how's", "it", "it's", "is", "was", "do", "does", "did", "are", "am", "my", "our"),
        *("the", "we", "they", "you", "your", "today", "tomorrow", "for", "in", "at", "on"),
        *("please", "call"),
    )
)


class ToldTalks:
    """Facts and stories that the user tells, and questions about them."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._rng = asking.rng

    def facts(self) -> list[Turn]:
        """Several facts, told one by one or together, and two to four of them asked for."""
        told = self.different(self._rng.choice((1, 2, 2, 3, 3, 4, 5)))
        turns = self.tell(told)
        turns += self._small_talk()
        asked = self._rng.sample(told, min(len(told), self._rng.choice((1, 2, 3, 4))))
        turns += [self.ask(fact.asks[0], values) for fact, values in asked]
        return turns

    def story(self) -> list[Turn]:
        """A story, and several questions about it."""
        # Those with turns of their own are told in scenes.
        stories = [each for each in self._asking.material.stories if not (each.heard or each.then)]
        (story,) = self._rng.choices(stories, [each.weight for each in stories])
        values = self._asking.slots()
        told = self._asking.told(values.fill(pick(story.tell, self._rng)))
        asks = self._rng.sample(story.asks, min(len(story.asks), self._rng.choice((1, 2, 3, 4))))
        turns = [(told, self._asking.heard()), *self._small_talk()]
        return turns + [self.ask(ask, values) for ask in asks]

    def single(self) -> list[Turn]:
        """One fact or story in a sentence, and a question about it as short as most are."""
        material, rng = self._asking.material, self._rng
        stories = [each for each in material.stories if not (each.heard or each.then)]
        among = rng.choice((material.facts, stories))
        (fact,) = rng.choices(among, [each.weight for each in among])
        values = self._asking.slots()
        sentence = values.fill(pick(fact.tell, rng))
        told = self._asking.cased(sentence) if rng.random() < 0.7 else self._asking.told(sentence)
        ask = rng.choice(fact.asks)
        question = self._asking.short_question(ask, values)
        return [(told, self._asking.heard()), (question, values.fill(ask.answer))]

    def untold(self) -> list[Turn]:
        """Facts, and a question about one that was not told."""
        *told, (fact, values) = self.different(self._rng.choice((1, 2, 3)))
        turns = self.tell(told) if told else []
        question = self._asking.question(fact.asks[0], values)
        turns.append((question, values.fill(fact.unknown)))
        if told:
            asked, known = self._rng.choice(told)
            turns.append(self.ask(asked.asks[0], known))
        return turns

    def corrected(self) -> list[Turn]:
        """Facts of which one is put right afterwards."""
        told = self.different(self._rng.choice((1, 2, 3)))
        turns = self.tell(told)
        place = self._rng.randrange(len(told))
        fact, first = told[place]
        second = first.redrawn(fact.unknown)
        sentence = self._asking.correction(second.fill(pick(fact.tell, self._rng)))
        turns.append((sentence, self._asking.heard(second.fill(fact.heard))))
        told[place] = (fact, second)
        asked = [told[place]]
        if place > 0:
            asked.insert(self._rng.randrange(2), told[0])
        return turns + [self.ask(each.asks[0], values) for each, values in asked]

    def different(self, count: int) -> list[tuple[Fact, Slots]]:
        """Facts of different names: what is asked for by the same words stands once."""
        facts, names = self._asking.material.facts, set()
        told: list[tuple[Fact, Slots]] = []
        # Often facts of one sort, which only their names tell apart.
        same = self._rng.choices(facts, [each.weight for each in facts])[0]
        alike = count > 1 and same.weight > 1 and self._rng.random() < 0.35
        while len(told) < count:
            fact = self._rng.choices(facts, [each.weight for each in facts])[0]
            fact, values = same if alike else fact, self._asking.slots()
            name = values.fill(fact.unknown)
            alike = alike and name not in names
            if name not in names:
                names.add(name)
                told.append((fact, values))
        return told

    def tell(self, told: Sequence[tuple[Fact, Slots]]) -> list[Turn]:
        """The turns in which a user tells facts, together or one by one."""
        sentences = [values.fill(pick(fact.tell, self._rng)) for fact, values in told]
        if len(told) > 1 and self._rng.random() < 0.45:
            ends = {"zh": ("，", "，", "。", "；"), "en": (", ", ". ", ", and ", "; ")}
            together = self._rng.choice(ends[self._asking.language]).join(sentences)
            return [(self._asking.told(together), self._asking.heard())]
        return [
            (self._asking.told(sentence), self._heard(fact, values))
            for sentence, (fact, values) in zip(sentences, told, strict=True)
        ]

    def _heard(self, fact: Fact, values: Slots) -> str:
        again = self._rng.random() < _HEARD_AGAIN_SHARE
        return self._asking.heard(values.fill(fact.heard) if again else None)

    def ask(self, ask: Ask, values: Slots) -> Turn:
        """A question, and its answer."""
        return self._asking.question(ask, values), values.fill(ask.answer)

    def _small_talk(self) -> list[Turn]:
        count = self._rng.choice((0, 0, 0, 1, 1, 2))
        return [self._asking.between() for _ in range(count)]
