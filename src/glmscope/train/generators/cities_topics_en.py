"""English questions that could pass for an introduction and are about one topic of a city.

As in `cities_topics_zh`; choices as in `cities_wordings_zh`.
"""

from __future__ import annotations

from glmscope.train.generators.wording_macros import expand

_NOUNS = {
    "place": "[location|geography|position|whereabouts]",
    "climate": "[climate|weather|weather through the year|seasons]",
    "history": "[history|past|origins]",
    "sights": "[sights|attractions|landmarks|places worth seeing]",
    "food": "[food|cuisine|local dishes|specialties]",
}

_SHARED = {
    "say": "[describe|talk about|tell me about|say something about]",
    "end": "[.|.||!|, please.]",
    "ask": "[?|?|?|]",
}

_FRAMES = (
    "[nothing else|leave out the rest|skip the rest]: just the {noun} of {city}{end}",
    "[don't introduce the whole city|not the whole city|no general introduction], only the"
    " {noun} of {city}{end}",
    "write [a few lines|a paragraph] about the {noun} of {city} for [a brochure|a poster|a"
    " blog]{end}",
    "[my mum|my teacher|a guest|a friend] asks about the {noun} of {city}, [what do I say|help"
    " me]{ask}",
    "[I'm off|I'm flying|we're moving] to {city}. {say} the {noun}[ there|]{end}",
    "[essay|homework|talk|topic]: the {noun} of {city}{end}",
    "as for the {noun}, what [is there to say about|do you know of] {city}{ask}",
)

_ASKS = {
    "place": (
        "[I'm bad at geography|I can't find it on the map]: where [exactly |]is {city}{ask}",
        "which [way|direction|part of the country] is {city}{ask}",
        "is {city} [on the coast|inland|by a river|in the mountains]{ask}",
    ),
    "climate": (
        "[what do I pack|what do I wear|do I need a coat] for a [week|business trip] in"
        " {city}{ask}",
        "[I hate the cold|I can't stand heat]. [Will I be fine|Can I live] in {city}{ask}",
        "what are [winters|summers|the seasons] like in {city}{ask}",
        "[does it freeze|is it sweltering|is it muggy] in {city}{ask}",
    ),
    "history": (
        "how did {city} [start out|become what it is|get going]{ask}",
        "what was {city} [centuries ago|in the old days|like long ago]{ask}",
        "[my history class|my history homework] is on {city}'s past, [what happened there|help"
        " me]{ask}",
    ),
    "sights": (
        "[one day|one afternoon|a weekend] in {city}: [what do I see|where do I go]{ask}",
        "[make|give me|write] a [list of sights|must-see list] for {city}{end}",
        "what [mustn't I miss|would you photograph|is the landmark] in {city}{ask}",
        "where [do I take|would you take] [my mum|the kids|a guest] sightseeing in {city}{ask}",
    ),
    "food": (
        "[just got to|I'm in] {city} and I'm [hungry|starving]. What do I eat{ask}",
        "[make|give me|write] a [list of dishes|must-eat list] for {city}{end}",
        "what's for [breakfast|dinner|lunch] in {city}{ask}",
        "what [food|treat|snack] should I bring [home|back] from {city}{ask}",
    ),
}

_AFTER_FRAMES = (
    "[hm, |right, |cool, |fine, |ah, ]and the {noun}{ask}",
    "[never mind the rest|forget the rest], just the {noun}{end}",
    "my [mum|friend|daughter] wants to know about the {noun}[ there|]{end}",
    "[could you|would you] go into the {noun}[ a bit more| a little|]{ask}",
)

_AFTER_ASKS = {
    "place": (
        "[wait|hang on], where [is that place|is it exactly|on the map is that]{ask}",
        "[how do I find it on a map|which direction is it]{ask}",
    ),
    "climate": (
        "and what about [winters|summers|the rainy season|spring] there{ask}",
        "[what do I pack|what clothes do I take|do I need a coat] for it{ask}",
        "[I hate the cold|I can't stand heat], [will I cope|is it for me]{ask}",
    ),
    "history": (
        "[has it been around long|how far back does it go|how did it all start]{ask}",
        "what was it like [in the old days|centuries ago|back then]{ask}",
    ),
    "sights": (
        "what [shouldn't I miss|would you go and see|is there to photograph] there{ask}",
        "[if I had one afternoon|with the kids], what should we see{ask}",
    ),
    "food": (
        "[and for dinner|and when I get hungry], what do I eat there{ask}",
        "[anything tasty|anything good to eat|what do the locals eat] there{ask}",
        "what [food|treat] can I bring back from there{ask}",
    ),
}


def _expand(frames: tuple[str, ...], asks: tuple[str, ...], noun: str) -> tuple[str, ...]:
    return expand((*frames, *asks), {"noun": noun, **_SHARED})


NAMED = {topic: _expand(_FRAMES, _ASKS[topic], noun) for topic, noun in _NOUNS.items()}
"""Topic → questions that name the city."""

MEANT = {topic: _expand(_AFTER_FRAMES, _AFTER_ASKS[topic], noun) for topic, noun in _NOUNS.items()}
"""Topic → follow-ups that do not."""
