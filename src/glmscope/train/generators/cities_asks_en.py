"""English questions about one topic of a city, whether it is named or only meant.

Written as in `cities_asks_zh`: `{it}` is the city's name or a pronoun, `{there}` "in Paris" or
"there", `{of}` "of Paris" or nothing, `{its}` "Paris's" or "its".
"""

from __future__ import annotations

from collections.abc import Iterator

_MACROS = {
    "ask": "[?|?|?|]",
    "end": "[.|.||!| please.|, please.|, thanks.]",
    "please": "[|||please |just |briefly, please ]",
    "can": "[can you|could you|would you|will you|can you please|could you please]",
    "tell": "[tell me about|tell me a bit about|describe|say something about|talk about|explain]",
    "want": (
        "[I want to|I'd like to|I would like to|I also want to|I'd love to|I wish to|let me"
        "|I'm curious to]"
    ),
}

_ABOUT = (
    "{please}{tell} the {noun} {there}{end}",
    "{please}{tell} {its} {noun}{end}",
    "{can} {tell} the {noun} {there}{ask}",
    "{can} {tell} {its} {noun}{ask}",
    "{want} [know|hear|learn|know more|hear a bit] about {its} {noun}{end}",
    "{want} [know|hear|learn|know more|hear a bit] about the {noun} {there}{end}",
    "[what about|how about] the {noun} {there}{ask}",
    "[what about|how about] {its} {noun}{ask}",
    "[what can you tell me|what do you know|anything to say|anything interesting] about"
    " {its} {noun}"
    "{ask}",
    "[I'm interested in|I am interested in|I wonder about|I am curious about] {its} {noun}{end}",
    "[do you know|do you know anything about|any idea about] {its} {noun}{ask}",
    "[give me|show me] [a word|a few words|a line|a sentence|something] on {its} {noun}{end}",
    "[in a sentence|in short|in a few words|briefly], {its} {noun}{end}",
)

_FOLLOW_ABOUT = (
    "[and|and what about|what about|how about|and now|now|next|also|so] the {noun}{ask}",
    "[and|and what about|what about|how about|and now|now] its {noun}{ask}",
    "[you did not mention|you haven't mentioned|you forgot] the {noun}{end}",
    "[OK, |Great. |Thanks. |I see. |Nice. |Got it. ][now|and|what about] the {noun}{ask}",
    "[the |its |]{noun}[?|, please.|.|]",
    "[tell me|say] more about the {noun}{end}",
)

_NOUNS = {
    "place": "[location|geography|position|surroundings]",
    "climate": "[climate|weather|seasons|temperatures|rainfall|winters and summers]",
    "history": "[history|past|origins|story|historical background|early days]",
    "sights": "[sights|attractions|landmarks|famous places|architecture|places to visit|monuments]",
    "food": "[food|cuisine|local dishes|specialties|cooking|local food|snacks|street food]",
}

_ASKS = {
    "place": (
        "where [exactly is|on earth is|is] {it}{ask}",
        "where [is {it} located|does {it} lie|is {it} on the map|can I find {it}]{ask}",
        "[which|what] part of the [country|world|map] is {it} in{ask}",
        "is {it} [near the sea|by the sea|on a river|in the north or in the south|on the"
        " coast]{ask}",
        "what [is near|lies near|surrounds] {it}{ask}",
        "[can you tell me|tell me|do you know|I wonder] where {it} is{ask}",
    ),
    "climate": (
        "is it [hot|cold|warm|wet|dry|rainy|humid|mild|snowy] {there}{ask}",
        "[does it rain|does it snow|does it get cold|does it get hot][ a lot| much| often|]"
        " {there}{ask}",
        "[how cold are the winters|how hot are the summers|how are the winters] {there}{ask}",
        "what [is|are] the [winter|summer|weather|climate] like {there}{ask}",
        "[when is the best time to go|which season is best|which month is best] to visit {it}{ask}",
        "what [should I wear|clothes do I need|should I pack] {there}{ask}",
        "[do I need|should I bring|will I need] [an umbrella|a warm coat|a raincoat] {there}{ask}",
        "what kind of [climate|weather] [does {it} have|do you get {there}|is there {there}]{ask}",
    ),
    "history": (
        "how [old is {it}|long has {it} existed|far back does {it} go|did {it} begin]{ask}",
        "[when|how] was {it} [founded|built|settled|established|started]{ask}",
        "[what happened {there} long ago|what was {it} like in the past|what was {it} before]{ask}",
        "[how did {it} come about|how did {it} grow|how did {it} develop|where does {it} come from]"
        "{ask}",
        "is {it} [an old city|very old|ancient|an ancient capital|historic]{ask}",
        "what is the story [of|behind] {it}{ask}",
    ),
    "sights": (
        "what [is there|can I find|is worth seeing|is worth a visit] {there}{ask}",
        "what [should I see|can I see|can you see|can we visit|is there to see] {there}{ask}",
        "[any|are there any|are there] [nice places|good places|famous buildings|sights|landmarks]"
        " {there}{ask}",
        "[where should I go|where can I go|which places should I visit|what should I do]"
        " {there}{ask}",
        "[recommend|suggest|name|list] [some|a few] [sights|places to see|attractions]"
        " {there}{end}",
        "[what are|which are|name] the [must-sees|best places|top sights|main attractions] {there}"
        "{ask}",
        "[I have one day|I have a weekend|I'm a tourist]. What should I see {there}{ask}",
    ),
    "food": (
        "what [should I eat|can I eat|is good to eat|do people eat|do locals eat|is tasty]"
        " {there}{ask}",
        "what [should I try|can I try|dish is famous|is the best dish|is the local dish]"
        " {there}{ask}",
        "[which|what] [dishes|foods|snacks|specialties] [are famous|are good|should I try] {there}"
        "{ask}",
        "[is the food good|is there good food|any good food|any tasty dishes] {there}{ask}",
        "[recommend|suggest|name|list] [some|a few] [dishes|local foods|snacks|things to eat]"
        " {there}"
        "{end}",
        "[I'm hungry|I love food|I am a foodie]. What [should I eat|is good] {there}{ask}",
        "what [food|cuisine|cooking] is {it} [known|famous|best known] for{ask}",
    ),
}

_NAMED = {"it": "{city}", "there": "in {city}", "its": "[{city}'s|{city}'s|the city of {city}'s]"}
_MEANT = {
    "it": "[it|it|the city|that city|this city]",
    "its": "[its|its|the city's|the|the local|that city's]",
}
# "Is it cold there?", "Is it cold?"
_THERE = "[there|there|in that city|in the city|around there]"
_OPENING = "[||||||And |So |OK, |Then |Also, |By the way, |Thanks. |And ]"


def _fill(template: str, **slots: str) -> str:
    for name, text in {**slots, **_MACROS}.items():
        template = template.replace(f"{{{name}}}", text)
    return template


def _templates(topic: str) -> Iterator[str]:
    for template in _ABOUT:
        yield template.replace("{noun}", _NOUNS[topic])
    yield from _ASKS[topic]


def _follow_ups(topic: str) -> Iterator[str]:
    for template in _templates(topic):
        yield _OPENING + _fill(template, **_MEANT, there=_THERE)
        # What a follow-up asks for is plain without "there".
        if " {there}" in template:
            yield _OPENING + _fill(template.replace(" {there}", ""), **_MEANT)
    for template in _FOLLOW_ABOUT:
        yield _fill(template, noun=_NOUNS[topic])


NAMED = {topic: tuple(_fill(text, **_NAMED) for text in _templates(topic)) for topic in _ASKS}
"""Topic → questions that name the city."""

MEANT = {topic: tuple(_follow_ups(topic)) for topic in _ASKS}
"""Topic → follow-ups that do not."""

NAMED_SWITCH = {
    topic: tuple(f"[and |and |now, |OK, ||]{text}" for text in templates)
    for topic, templates in NAMED.items()
}
"""Topic → questions about it that turn to another city, which they name."""
