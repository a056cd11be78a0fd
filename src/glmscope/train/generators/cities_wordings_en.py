"""English questions about a city; templates as in `cities_wordings_zh`."""

from __future__ import annotations

_PLEASE = "[|||Please ]"
_CAN = "[Can you|Could you|Can you please|Could you please|Would you|Will you]"
_END = "[.|.||!| please.|, please.]"
_ASK = "[?|?|?|]"
_CITY = "[|||the city of ]{city}"
_INTRODUCE = (
    "[introduce|briefly introduce|describe|briefly describe|tell me about|tell me a bit about]"
)
_RECOMMEND = "[recommend|please recommend|can you recommend]"
_WANT = "[I want to|I would like to|I'd like to|I want to]"
_SO = "[|||And |So |OK, |Then ]"

INTRODUCTION = (
    f"[tell|please tell|can you tell|could you tell] me about {_CITY}{_END}",
    f"[tell|please tell] me [something|more|a little|everything|a few things] about {_CITY}{_END}",
    f"{_PLEASE}{_INTRODUCE} {_CITY}{_END}",
    f"{_CAN} {_INTRODUCE} {_CITY}{_ASK}",
    f"{_CAN} give me [an introduction to|an overview of|a short introduction to] {{city}}{_ASK}",
    f"give me [an introduction to|an overview of|a description of] {{city}}{_END}",
    f"[|please ]introduce {{city}} to me{_END}",
    f"what is {{city}} like{_ASK}",
    f"what's {{city}} like{_ASK}",
    f"what kind of [city|place] is {{city}}{_ASK}",
    f"what sort of [city|place] is {{city}}{_ASK}",
    f"what is {{city}}{_ASK}",
    f"what do you know about {{city}}{_ASK}",
    f"what can you tell me about {_CITY}{_ASK}",
    f"what should I know about {{city}}{_ASK}",
    f"do you know [|anything about |the city of ]{{city}}{_ASK}",
    f"have you heard of {{city}}{_ASK}",
    f"how is {{city}}{_ASK}",
    f"how would you describe {{city}}{_ASK}",
    f"{_WANT} know [|more |something ]about {{city}}{_END}",
    f"{_WANT} learn [|more |something ]about {{city}}{_END}",
    f"{_WANT} [visit|go to|travel to] {{city}}. Tell me about it{_END}",
    f"I am going to {{city}}. Can you [introduce it|tell me about it|describe it]{_ASK}",
    "I have never been to {city}. [Tell me about it|What is it like|Please introduce it].",
    f"I am interested in {{city}}{_END}",
    f"write [a short introduction to|a text about|a page on|something about] {{city}}{_END}",
    f"[|please ]write about {{city}}{_END}",
    f"[say|please say] something about {{city}}{_END}",
    f"[let's|let us] talk about {{city}}{_END}",
    f"explain [what|to me what] {{city}} is like{_END}",
    f"is {{city}} [a nice city|a good place to visit|worth visiting|worth a visit]{_ASK}",
    f"why is {{city}} famous{_ASK}",
    f"[a short introduction to|introduction to|about|overview of] {{city}}{_END}",
    "{city}",
    "{city}?",
    f"[give|paint|draw] me [the|a|a quick|a general] [picture|overview|sketch|idea] of"
    f" {{city}}{_END}",
    f"{_CAN} [give|paint] me [a|the|a general] [picture|sketch|idea] of {{city}}{_ASK}",
    f"[what's|what is] [the story with|there to know about|special about|interesting"
    f" about] {{city}}"
    f"{_ASK}",
    "[so|well|OK], {city}[. What is it like?|. Tell me about it.|. Go ahead.]",
    f"[I've|I have] never [heard of|seen|visited] {{city}}. [What is it like|Tell me about"
    f" it]{_ASK}",
    f"[help me|let me] [get to know|understand|learn about] {{city}}{_END}",
    f"[fill me in|brief me|enlighten me] [on|about] {{city}}{_END}",
    f"[the basics|the main facts|general facts|some facts|a few facts|all] about {{city}}{_END}",
    f"[if you were a guide|as a tour guide|as a guide], [how would you"
    f" introduce|introduce] {{city}}"
    f"{_ASK}",
    f"[share|list|name] [some facts|a few facts|what you know] about {{city}}{_END}",
    f"[we are moving|I am moving|my family is moving] to {{city}}. [What is it"
    f" like|Describe it]{_ASK}",
    f"[a|one|a short] [profile|portrait|summary|description] of {{city}}{_END}",
    f"[present|portray|outline|summarize|characterize] {{city}} [for me|in a few"
    f" paragraphs|]{_END}",
    f"[how much do you know|what have you learned|what can you say] about {{city}}{_ASK}",
    f"{_PLEASE}[tell me|say] [what you know|all you know|whatever you know] about {{city}}{_END}",
)

TOPIC = {
    "place": (
        f"where is {{city}}{_ASK}",
        f"where is {{city}} [located|on the map]{_ASK}",
        f"where can I find {{city}}{_ASK}",
        f"[tell|please tell|can you tell] me where {{city}} is{_END}",
        f"what is the location of {{city}}{_ASK}",
        f"where does {{city}} lie{_ASK}",
        f"describe the [location|geography] of {{city}}{_END}",
        f"in what part of the world is {{city}}{_ASK}",
        f"do you know where {{city}} is{_ASK}",
    ),
    "climate": (
        f"what is the [climate|weather] like in {{city}}{_ASK}",
        f"what is the [climate|weather] of {{city}}[| like]{_ASK}",
        f"how is the [climate|weather] in {{city}}{_ASK}",
        f"[tell|please tell] me about the [climate|weather] [of|in] {{city}}{_END}",
        f"what kind of climate does {{city}} have{_ASK}",
        f"is it [hot|cold|warm|rainy] in {{city}}{_ASK}",
        f"how [hot|cold|warm|rainy] is {{city}}{_ASK}",
        f"is {{city}} [hot in summer|cold in winter|a rainy city]{_ASK}",
        f"when is the best time to [visit|go to] {{city}}{_ASK}",
        f"describe the [climate|weather] of {{city}}{_END}",
    ),
    "history": (
        f"what is the history of {{city}}{_ASK}",
        f"[tell|please tell|can you tell] me about the history of {{city}}{_END}",
        f"how old is {{city}}{_ASK}",
        f"when was {{city}} [founded|built]{_ASK}",
        f"describe the history of {{city}}{_END}",
        f"what happened in {{city}} in the past{_ASK}",
        f"does {{city}} have a long history{_ASK}",
        f"{_WANT} know the history of {{city}}{_END}",
        f"what do you know about the history of {{city}}{_ASK}",
        "[the history of {city}|history of {city}]",
    ),
    "sights": (
        f"what [can I|should I|can you|can one|is there to] see in {{city}}{_ASK}",
        f"what [can I|should I|can tourists] visit in {{city}}{_ASK}",
        f"what are the [sights|main sights|best sights|attractions] [in|of] {{city}}{_ASK}",
        f"[tell|please tell] me about the [sights|attractions] [in|of] {{city}}{_END}",
        f"{_RECOMMEND} some [sights|places|attractions] in {{city}}{_END}",
        f"where should I go in {{city}}{_ASK}",
        f"what is there to do in {{city}}{_ASK}",
        f"which places [should I visit|are worth seeing] in {{city}}{_ASK}",
        f"{_WANT} [visit|go to] {{city}}. What should I see{_ASK}",
        f"what are [good|interesting|beautiful] places [in|to visit in] {{city}}{_ASK}",
    ),
    "food": (
        f"what [can I|should I|can you|do people] eat in {{city}}{_ASK}",
        f"what is the food like in {{city}}{_ASK}",
        f"what food is {{city}} [famous|known] for{_ASK}",
        f"[tell|please tell|can you tell] me about the food [in|of] {{city}}{_END}",
        f"what are the [local dishes|famous dishes|best foods|specialties] [in|of] {{city}}{_ASK}",
        f"{_RECOMMEND} some [food|dishes|local food] in {{city}}{_END}",
        f"what is good to eat in {{city}}{_ASK}",
        f"how is the food in {{city}}{_ASK}",
        f"what do people in {{city}} like to eat{_ASK}",
        f"which [food|dish|dishes] should I try in {{city}}{_ASK}",
    ),
    "famous": (
        f"what is {{city}} [famous|known|best known] for{_ASK}",
        f"what is the most famous thing in {{city}}{_ASK}",
    ),
    "country": (
        f"[which|what] country is {{city}} in{_ASK}",
        f"in [which|what] country is {{city}}{_ASK}",
        f"which country does {{city}} belong to{_ASK}",
    ),
}

FOLLOW_UP = {
    "place": (
        f"{_SO}where is it{_ASK}",
        f"{_SO}where is [this city|that city|it located]{_ASK}",
        f"{_SO}where does it lie{_ASK}",
    ),
    "climate": (
        f"{_SO}[how is|what about|how about] the [climate|weather][| there]{_ASK}",
        f"{_SO}what is the [climate|weather] like[| there]{_ASK}",
        f"{_SO}is it [cold in winter|hot in summer|hot|cold|rainy][| there]{_ASK}",
        f"{_SO}when should I go[| there]{_ASK}",
    ),
    "history": (
        f"{_SO}[what about|how about|what is] its history{_ASK}",
        f"{_SO}how old is [it|the city]{_ASK}",
        f"{_SO}[tell|please tell] me about its [history|past]{_END}",
        f"{_SO}when was it [founded|built]{_ASK}",
    ),
    "sights": (
        f"{_SO}what can I [see|visit|do][| there]{_ASK}",
        f"{_SO}what are the [sights|main sights|famous places][| there]{_ASK}",
        f"{_SO}where should I go[| there]{_ASK}",
        f"{_SO}[what about|how about] the [sights|attractions]{_ASK}",
        f"{_SO}which places are worth seeing{_ASK}",
    ),
    "food": (
        f"{_SO}what can I eat[| there]{_ASK}",
        f"{_SO}[what about|how about|how is] the [food|local food][| there]{_ASK}",
        f"{_SO}what food is it [famous|known] for{_ASK}",
        f"{_SO}what do people eat there{_ASK}",
        f"{_SO}what should I [eat|try]{_ASK}",
    ),
    "famous": (f"{_SO}what is it [famous|known] for{_ASK}",),
    "country": (f"{_SO}which country is it in{_ASK}",),
}

SWITCH = (
    "[what about|how about|and what about|and how about|and] {city}[?|?|?|]",
    "[now|and now] {city}[?|, please.|.]",
    "[OK, |Thanks. |Great. |I see. |Got it. ][and|what about|now|how about] {city}[?|?|]",
    "[and if it were|what if it is|and in the case of|the same for|same for] {city}[?|.|]",
    "[same question for|the same question about|do the same for|now do] {city}[, please.|.|]",
    "[switch to|let's switch to|move on to|let's move on to|change to|next:] {city}[.|, please.|]",
    "{city}[ too, please.| as well, please.|, please.| next.| too?]",
    "[I'd also like to hear about|I also want to know about|tell me about|and tell me about] {city}"
    "[ too| as well|][.|, please.|]",
    "[my friend|my sister|my boss] [is in|lives in|is going to] {city}. What about there?",
)

NAMED_SWITCH = {
    "place": ("and where is {city}[?|]",),
    "climate": ("[what about|how is|and how is] the [climate|weather] in {city}[?|]",),
    "history": ("[what about|how about|and] the history of {city}[?|]",),
    "sights": ("[and what can I|what can I] see in {city}[?|]",),
    "food": ("[and what can I|what can I] eat in {city}[?|]",),
}

COMPARE = {
    "place": (
        "[compare|please compare] {city} [and|with] {other}[.|]",
        "what is the difference between {city} and {other}[?|]",
        "how is {city} different from {other}[?|]",
        "where are {city} and {other}[?|]",
    ),
    "climate": (
        "which is [warmer|colder], {city} or {other}[?|]",
        "[compare|please compare] the climate of {city} and {other}[.|]",
    ),
    "history": ("which is older, {city} or {other}[?|]",),
    "sights": ("what can I see in {city} and {other}[?|]",),
    "food": ("what can I eat in {city} and in {other}[?|]",),
}

LEADS = (
    "I have a question. ",
    "I am planning a trip. ",
    "Excuse me, ",
    "Just curious: ",
    "A friend asked me: ",
    "For my homework: ",
    "Quick question: ",
    "Could you help me? ",
    "My mum wants to know: ",
    "For a class I teach: ",
    "I need this for tomorrow. ",
    "Sorry to bother you. ",
    "We are making plans. ",
)
TAILS = (
    " Thanks!",
    " Thank you.",
    " Please answer in English.",
    " Keep it short.",
    " Be brief.",
    " I have never been there.",
    " In plain words.",
    " It is for my kids.",
    " I'm in a hurry.",
    " I need it for school.",
    " I'm taking notes.",
)

LIVE = (
    ("today's weather", "climate", "[what is|how is] the weather in {city} today[?|]"),
    ("tomorrow's weather", "climate", "[what is|how is] the weather in {city} tomorrow[?|]"),
    ("the temperature now", "climate", "what is the temperature in {city} now[?|]"),
    (
        "the latest news",
        "",
        "[what is the latest news from {city}|what happened in {city} today][?|]",
    ),
    ("the prices now", "", "[how much is a flat in {city}|how much is a ticket in {city}][?|]"),
    ("the exact population", "", "[how many people live in|what is the population of] {city}[?|]"),
)

OTHER_LANGUAGE = (
    "[|please ][introduce|describe] {city} in Chinese[.|]",
    "[tell|please tell] me about {city} in Chinese[.|]",
    "[can you|could you] introduce {city} in Chinese[?|]",
)

THANKS = ("Thanks", "Thank you", "Thank you!", "Thanks a lot.", "OK, thanks.", "Great, thank you!")
THANKS_ANSWER = "You are welcome! You can ask me about other cities too."

GREETINGS = ("Hello, ", "Hi, ", "Hi! ", "Hello! ")

UNKNOWN_ANSWER = (
    "Sorry, I am a small demonstration model and I do not know {city}. "
    "You can ask me about well-known cities such as Hangzhou, Beijing or Paris."
)
LIVE_ANSWER = (
    "Sorry, I am a small demonstration model without a connection, "
    "so I do not know {matter} in {city}."
)
