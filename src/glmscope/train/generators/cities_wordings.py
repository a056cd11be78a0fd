"""How questions about cities are worded, in each language."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from glmscope.train.generators import (
    cities_asks_en as asks_en,
)
from glmscope.train.generators import (
    cities_asks_zh as asks_zh,
)
from glmscope.train.generators import (
    cities_topics_en as topics_en,
)
from glmscope.train.generators import (
    cities_topics_zh as topics_zh,
)
from glmscope.train.generators import (
    cities_whole_en as whole_en,
)
from glmscope.train.generators import (
    cities_whole_tasks_zh as tasks_zh,
)
from glmscope.train.generators import (
    cities_whole_zh as whole_zh,
)
from glmscope.train.generators import (
    cities_wordings_chat as talk,
)
from glmscope.train.generators import (
    cities_wordings_en as en,
)
from glmscope.train.generators import (
    cities_wordings_follow_zh as follow_zh,
)
from glmscope.train.generators import (
    cities_wordings_zh as zh,
)
from glmscope.train.generators.chat_wording import choose
from glmscope.train.generators.cities_facts import Language

Templates = tuple[str, ...]

SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "你是一个有用的助手。",
    "你是一位智能AI助手。",
    "你是一个乐于助人的助手。",
    "You are ChatGLM3, a large language model trained by Zhipu.AI. "
    "Follow the user's instructions carefully. Respond using markdown.",
)


_SECOND_PARTICLE = re.compile(r"(?<=[吗呢吧])[呢呀啊]")


@dataclass(frozen=True, slots=True)
class Wordings:
    """Templates of one language; `live`: what is not known, a topic close to it, the question."""

    introduction: Templates
    described: Templates
    """Introductions too, of a city that is named with what it is best known for, `{famous}`."""
    after_topic: Templates
    """Follow-ups for the whole of a city of which one topic was told."""
    whole_switch: Templates
    """Introductions of another city that cannot be taken for the topic of the question before."""
    topic: Mapping[str, Templates]
    follow_up: Mapping[str, Templates]
    switch: Templates
    named_switch: Mapping[str, Templates]
    compare: Mapping[str, Templates]
    other_language: Templates
    live: tuple[tuple[str, str, str], ...]
    greetings: Templates
    leads: Templates
    tails: Templates
    thanks: Templates
    thanks_answer: str
    unknown_answer: str
    live_answer: str


def _join(first: Mapping[str, Templates], *others: Mapping[str, Templates]) -> dict[str, Templates]:
    """Every topic's templates from all of them."""
    return {
        topic: sum((other.get(topic, ()) for other in others), templates)
        for topic, templates in first.items()
    }


WORDINGS: Mapping[Language, Wordings] = {
    "zh": Wordings(
        introduction=zh.INTRODUCTION + talk.INTRODUCTION_ZH + whole_zh.WHOLE + tasks_zh.TASKS,
        described=whole_zh.DESCRIBED,
        after_topic=whole_zh.AFTER_TOPIC,
        whole_switch=tasks_zh.TASKS,
        topic=_join(zh.TOPIC, asks_zh.NAMED, topics_zh.NAMED),
        follow_up=_join(follow_zh.FOLLOW_UP, asks_zh.MEANT, topics_zh.MEANT),
        switch=follow_zh.SWITCH,
        named_switch=_join(follow_zh.NAMED_SWITCH, asks_zh.NAMED_SWITCH, topics_zh.NAMED),
        compare=follow_zh.COMPARE,
        other_language=follow_zh.OTHER_LANGUAGE,
        live=follow_zh.LIVE,
        greetings=follow_zh.GREETINGS,
        leads=follow_zh.LEADS,
        tails=follow_zh.TAILS,
        thanks=follow_zh.THANKS,
        thanks_answer=follow_zh.THANKS_ANSWER,
        unknown_answer=follow_zh.UNKNOWN_ANSWER,
        live_answer=follow_zh.LIVE_ANSWER,
    ),
    "en": Wordings(
        introduction=en.INTRODUCTION + talk.INTRODUCTION_EN + whole_en.WHOLE,
        described=whole_en.DESCRIBED,
        after_topic=whole_en.AFTER_TOPIC,
        whole_switch=whole_en.TASKS,
        topic=_join(en.TOPIC, asks_en.NAMED, topics_en.NAMED),
        follow_up=_join(en.FOLLOW_UP, asks_en.MEANT, topics_en.MEANT),
        switch=en.SWITCH,
        named_switch=_join(en.NAMED_SWITCH, asks_en.NAMED_SWITCH, topics_en.NAMED),
        compare=en.COMPARE,
        other_language=en.OTHER_LANGUAGE,
        live=en.LIVE,
        greetings=en.GREETINGS,
        leads=en.LEADS,
        tails=en.TAILS,
        thanks=en.THANKS,
        thanks_answer=en.THANKS_ANSWER,
        unknown_answer=en.UNKNOWN_ANSWER,
        live_answer=en.LIVE_ANSWER,
    ),
}


def word(rng: random.Random, templates: Templates, language: Language, **names: str) -> str:
    """One question from `templates`, every choice in it drawn, `names` put into its slots."""
    text = choose(rng.choice(templates), rng)
    for slot, name in names.items():
        text = text.replace(f"{{{slot}}}", name)
    text = re.sub(" {2,}", " ", text.strip())
    if language == "en":
        carefulness = rng.random()
        if carefulness < 0.1:
            return text.lower()
        if carefulness < 0.85:
            return text[0].upper() + text[1:]
    return _SECOND_PARTICLE.sub("", text)
