"""Follow-ups that need what the user told before: facts, lists, stories, running sums."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from glmscope.train.generators.chat_entries import Language
from glmscope.train.generators.chat_patterns import Patterns, Story
from glmscope.train.generators.chat_values import Slots
from glmscope.train.generators.chat_wording import reword

Turn = tuple[str, str]
"""A question and its answer."""

_NOTED: dict[Language, str] = {"zh": "好的，我记住了。", "en": "All right, I will remember that."}
_CORRECTIONS: dict[Language, tuple[str, ...]] = {
    "zh": ("不对，我说错了，{}", "我刚才说错了，{}", "更正一下，{}", "不好意思，其实{}"),
    "en": ("Sorry, I was wrong. {}", "Let me correct that. {}", "No, wait. {}"),
}
_SUM: dict[Language, tuple[str, str]] = {
    "zh": ("{}加{}等于多少？", "{}加{}等于{}。"),
    "en": ("What is {} plus {}?", "{} plus {} is {}."),
}
_AND_PLUS: dict[Language, tuple[str, ...]] = {
    "zh": ("再加{}呢？", "再加上{}是多少？", "再加{}等于几？"),
    "en": ("And plus {}?", "Now add {}.", "What if I add {} more?"),
}


class Recall:
    """Makes talks whose last question needs an earlier turn."""

    def __init__(
        self,
        patterns: Patterns,
        rng: random.Random,
        unrelated_turn: Callable[[Language], Turn],
    ) -> None:
        self._patterns = patterns
        self._rng = rng
        self._unrelated_turn = unrelated_turn

    def turns(self, language: Language) -> tuple[Turn, ...]:
        """One talk."""
        makers = (self._facts, self._untold, self._corrected, self._story, self._sum)
        (maker,) = self._rng.choices(makers, (48, 6, 7, 33, 6))
        return tuple(maker(language))

    def _facts(self, language: Language) -> list[Turn]:
        told = [
            (fact, self._patterns.slots(language, self._rng))
            for fact in self._different_facts(language, self._rng.choice((1, 1, 1, 2, 2, 3)))
        ]
        if len(told) > 1 and self._rng.random() < 0.5:
            sentences = [values.fill(self._rng.choice(fact.tell)) for fact, values in told]
            joined = "，".join(sentences) + "。" if language == "zh" else " ".join(sentences)
            turns = [(joined, _NOTED[language])]
        else:
            turns = [self._tell(fact, values, language) for fact, values in told]
        turns += self._unrelated(language)
        asked = self._rng.sample(told, min(len(told), self._rng.choice((1, 1, 2))))
        return turns + [self._ask(fact, values, language) for fact, values in asked]

    def _untold(self, language: Language) -> list[Turn]:
        told, untold = self._different_facts(language, 2)
        values = self._patterns.slots(language, self._rng)
        before = [self._tell(told, values, language)] if self._rng.random() < 0.5 else []
        wordings, _ = untold.asks[0]
        question = reword(self._rng.choice(wordings), language, self._rng)
        return [*before, (question, untold.unknown)]

    def _corrected(self, language: Language) -> list[Turn]:
        (fact,) = self._different_facts(language, 1)
        first, second = (self._patterns.slots(language, self._rng) for _ in range(2))
        again, heard = self._tell(fact, second, language)
        again = self._rng.choice(_CORRECTIONS[language]).format(again)
        turns = [self._tell(fact, first, language), (again, heard)]
        return [*turns, self._ask(fact, second, language)]

    def _story(self, language: Language) -> list[Turn]:
        story = self._rng.choice(self._patterns.stories[language])
        values = self._patterns.slots(language, self._rng)
        told = self._tell(story, values, language)
        questions = min(len(story.asks), self._rng.choice((1, 1, 2)))
        asks = self._rng.sample(range(len(story.asks)), questions)
        between = self._unrelated(language)
        return [told, *between, *(self._ask(story, values, language, index) for index in asks)]

    def _sum(self, language: Language) -> list[Turn]:
        first, second = self._rng.randint(1, 30), self._rng.randint(1, 30)
        more, total = self._rng.randint(1, 20), first + second
        question, answer = _SUM[language]
        again = self._rng.choice(_AND_PLUS[language]).format(more)
        return [
            (question.format(first, second), answer.format(first, second, total)),
            (again, answer.format(total, more, total + more)),
        ]

    def _different_facts(self, language: Language, count: int) -> Sequence[Story]:
        facts = self._patterns.facts[language]
        # Names are what is most often told: the first fact is the name.
        first = [facts[0]] if self._rng.random() < 0.25 else []
        return first + self._rng.sample(facts[1:], count - len(first))

    def _unrelated(self, language: Language) -> list[Turn]:
        return [
            self._unrelated_turn(language) for _ in range(self._rng.choice((0, 0, 0, 0, 1, 1, 2)))
        ]

    def _tell(self, story: Story, values: Slots, language: Language) -> Turn:
        sentence = values.fill(self._rng.choice(story.tell))
        if language == "zh":
            sentence += self._rng.choice(("", "", "。", "。", "！"))
        elif self._rng.random() < 0.3:
            sentence = sentence.rstrip(".")
        return sentence, values.fill(story.heard)

    def _ask(self, story: Story, values: Slots, language: Language, index: int = 0) -> Turn:
        wordings, answer = story.asks[index]
        question = values.fill(self._rng.choice(wordings))
        return reword(question, language, self._rng), values.fill(answer)
