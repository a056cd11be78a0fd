"""Dialogues about cities: introductions, single topics, follow-ups that leave the city unnamed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from glmscope.text.prompt import PromptMessage
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.cities_facts import TOPICS, City, Language, load_cities
from glmscope.train.generators.cities_unknown import unknown_place
from glmscope.train.generators.cities_wordings import SYSTEMS, WORDINGS, word

_CHINESE_SHARE = 0.75
_ALIAS_SHARE = 0.1
_GREETING_SHARE = 0.06
_LEAD_SHARE = 0.1
_TAIL_SHARE = 0.1
_SYSTEM_SHARE = 0.25
_THANKS_SHARE = 0.08
_DESCRIBED_SHARE = 0.06
"""How often an introduction is asked for by what the city is best known for."""

# What an asker turns to: the five topics often, facts of one word now and then.
_ASIDES = ("famous", "country", "province")
_TOPIC_WEIGHTS = (4, 4, 4, 4, 4, 2, 1, 1)


class _Talk:
    """One conversation under way: its language, its messages, and what it is about."""

    def __init__(self, rng: random.Random, cities: tuple[City, ...]) -> None:
        self.rng = rng
        self.cities = cities
        self.language: Language = "zh" if rng.random() < _CHINESE_SHARE else "en"
        self.wordings = WORDINGS[self.language]
        self.city = rng.choice(cities)
        self.topic = ""
        """Empty after an introduction."""
        self.messages: list[PromptMessage] = []
        if rng.random() < _SYSTEM_SHARE:
            self.messages.append(PromptMessage("system", rng.choice(SYSTEMS)))

    def say(self, question: str, answer: str) -> None:
        self.messages.append(PromptMessage("user", question))
        self.messages.append(PromptMessage("assistant", answer))

    def word(self, templates: tuple[str, ...], **names: str) -> str:
        return word(self.rng, templates, self.language, **names)

    def around(self, question: str) -> str:
        """The question with a greeting, a reason or a wish around it, now and then."""
        words = self.wordings
        if self._now(_TAIL_SHARE):
            bare = question.rstrip("？?。！!.") if self.language == "zh" else question
            question = bare + self.rng.choice(words.tails)
        if self._now(_LEAD_SHARE):
            question = self.rng.choice(words.leads) + question
        if self._now(_GREETING_SHARE):
            question = self.rng.choice(words.greetings) + question
        return question

    def name(self, city: City) -> str:
        """The city as a user calls it."""
        if self.language == "zh" and city.aliases and self._now(_ALIAS_SHARE):
            return self.rng.choice(city.aliases)
        return city.names[self.language]

    def answer(self) -> str:
        if self.topic:
            return self.city.topic(self.topic, self.language)
        return self.city.introduction(self.language)

    def turn_to_topic(self) -> None:
        """Draw a topic that is not the present one and that can be asked of the city."""
        topics = (*TOPICS, *_ASIDES)
        while True:
            (topic,) = self.rng.choices(topics, _TOPIC_WEIGHTS)
            if topic != self.topic and (topic != "province" or self._in_a_province()):
                self.topic = topic
                return

    def turn_to_city(self) -> None:
        """Draw another city; a question that cannot be asked of it becomes one about its place."""
        self.city = self.another_city()
        if self.topic == "province" and not self._in_a_province():
            self.topic = "place"

    def another_city(self) -> City:
        while (city := self.rng.choice(self.cities)) is self.city:
            pass
        return city

    def _in_a_province(self) -> bool:
        return self.language == "zh" and self.city.province != ""

    def _now(self, share: float) -> bool:
        return self.rng.random() < share


def _introduce(talk: _Talk) -> None:
    talk.topic = ""
    names = {"city": talk.name(talk.city), "famous": talk.city.famous[talk.language]}
    described = talk.rng.random() < _DESCRIBED_SHARE
    wordings = talk.wordings.described if described else talk.wordings.introduction
    talk.say(talk.around(talk.word(wordings, **names)), talk.answer())


def _ask_topic(talk: _Talk) -> None:
    talk.turn_to_topic()
    question = talk.word(talk.wordings.topic[talk.topic], city=talk.name(talk.city))
    talk.say(talk.around(question), talk.answer())


def _follow_up(talk: _Talk) -> None:
    begin = talk.rng.choice((_introduce, _ask_topic))
    begin(talk)
    for _ in range(talk.rng.choice((1, 2, 2, 3, 3, 4))):
        question = _next_question(talk)
        talk.say(question, talk.answer())
    if talk.rng.random() < _THANKS_SHARE:
        talk.say(talk.rng.choice(talk.wordings.thanks), talk.wordings.thanks_answer)


def _next_question(talk: _Talk) -> str:
    """The next question of a talk; what it is about is the talk's city and topic from then on."""
    turn = talk.rng.random()
    if turn < 0.08 and talk.topic:
        talk.topic = ""
        return talk.word(talk.wordings.after_topic)
    if turn < 0.64:
        talk.turn_to_topic()
        return talk.word(talk.wordings.follow_up[talk.topic])
    if turn < 0.78:
        talk.turn_to_city()
        return talk.word(talk.wordings.switch, city=talk.name(talk.city))
    talk.city = talk.another_city()
    talk.topic = "" if turn < 0.88 else talk.rng.choice(TOPICS)
    named = talk.wordings.named_switch[talk.topic] if talk.topic else talk.wordings.whole_switch
    return talk.word(named, city=talk.name(talk.city))


def _compare(talk: _Talk) -> None:
    other = talk.another_city()
    names = {"city": talk.name(talk.city), "other": talk.name(other)}
    topic = talk.rng.choice(TOPICS)
    answers = (city.topic(topic, talk.language) for city in (talk.city, other))
    talk.say(talk.word(talk.wordings.compare[topic], **names), "\n\n".join(answers))


def _unknown(talk: _Talk) -> None:
    known = {name for city in talk.cities for name in (*city.names.values(), *city.aliases)}
    place = unknown_place(talk.rng, talk.language, known)
    answer = talk.wordings.unknown_answer.format(city=place)
    topic = talk.rng.choice(("", *TOPICS))
    templates = talk.wordings.topic[topic] if topic else talk.wordings.introduction
    talk.say(talk.word(templates, city=place), answer)
    after = talk.rng.random()
    if after < 0.3:
        talk.topic = topic
        talk.say(talk.word(talk.wordings.switch, city=talk.name(talk.city)), talk.answer())
    elif after < 0.45:
        talk.say(talk.word(talk.wordings.follow_up[talk.rng.choice(TOPICS)]), answer)


def _live(talk: _Talk) -> None:
    matter, topic, template = talk.rng.choice(talk.wordings.live)
    city = talk.city.names[talk.language]
    answer = talk.wordings.live_answer.format(city=city, matter=matter)
    if topic:
        gap = " " if talk.language == "en" else ""
        answer += gap + talk.city.topic(topic, talk.language)
    talk.say(talk.word((template,), city=talk.name(talk.city)), answer)


def _other_language(talk: _Talk) -> None:
    language: Language = "en" if talk.language == "zh" else "zh"
    question = talk.word(talk.wordings.other_language, city=talk.name(talk.city))
    talk.say(question, talk.city.introduction(language))


_KINDS: tuple[tuple[str, Callable[[_Talk], None], float], ...] = (
    ("city-introduction", _introduce, 0.40),
    ("city-topic", _ask_topic, 0.13),
    ("city-follow-up", _follow_up, 0.36),
    ("city-compare", _compare, 0.025),
    ("city-unknown", _unknown, 0.045),
    ("city-live", _live, 0.025),
    ("city-other-language", _other_language, 0.015),
)


def dialogues(rng: random.Random, count: int, data: Path) -> Iterator[Dialogue]:
    """Yield `count` dialogues about the cities in the tables under `data`."""
    cities = load_cities(data)
    weights = [weight for _, _, weight in _KINDS]
    for _ in range(count):
        ((kind, converse, _),) = rng.choices(_KINDS, weights)
        talk = _Talk(rng, cities)
        converse(talk)
        yield Dialogue(kind, tuple(talk.messages))
