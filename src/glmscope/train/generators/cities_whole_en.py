"""English questions for a whole introduction of a city, in many styles.

Choices as in `cities_wordings_zh`; `{say}` and the like are the macros below.
"""

from __future__ import annotations

from glmscope.train.generators.wording_macros import expand

_MACROS = {
    "say": "[describe|introduce|present|tell me about|talk about]",
    "tell": (
        "[tell me about it|describe it to me|introduce it|give me an introduction|what is it like"
        "|what should I know about it|fill me in|what sort of place is it]"
    ),
    "write": "[write|draft|prepare|compose|put together]",
    "text": "[a text|a paragraph or two|a short introduction|a few lines|a description|some copy]",
    "print": (
        "[a brochure|a leaflet|a travel guide|a poster|a flyer|a postcard|a school newspaper"
        "|a website|a blog|a newsletter|an exhibition panel|a guidebook|a calendar|a booklet]"
    ),
    "listener": (
        "[my mum|my grandmother|my kids|a tourist|our guests|a new colleague|my class|a pen pal"
        "|my boss|some friends|a foreign visitor]"
    ),
    "end": "[.|.||!|, please.| please]",
    "ask": "[?|?|?|]",
}

_TALK = (
    "{city}[ - | -- |: |, ][go|go ahead|tell me|let's hear it|the basics|in general|your"
    " turn]{end}",
    "so [what's|what is] {city} [all about|about, really|actually like]{ask}",
    "[what's the deal with|what's up with|what is it with] {city}{ask}",
    "{city}, [what is it like|what's it like|what sort of place is that|any good]{ask}",
    "[ever heard of|do you happen to know|are you familiar with] {city}? [Tell me|Go on|Say"
    " more]{end}",
    "[give me|I'll have|let's have] the [lowdown|rundown|big picture|whole picture|short version]"
    " [on|of] {city}{end}",
    "[sum up|sketch|outline|portray|characterise] {city}[ for me| in a paragraph| in your own"
    " words|]{end}",
    "[walk me through|take me through|show me round] {city} [in words|as a whole|in general|]{end}",
    "[talk|speak] to me about {city}[ as a whole| in general|]{end}",
    "[say a few words|say something|say a bit|speak for a minute] about {city} [in general|as a"
    " city|]{end}",
    "[honestly|frankly|to be fair|in your view], what is {city} like{ask}",
    "is {city} [any good|worth it|worth the trip|worth going to|worth a detour]{ask}",
    "why [go to|visit|would anyone visit|do people love|does everyone talk about] {city}{ask}",
    "what [sets {city} apart|makes {city} stand out|makes {city} so popular]{ask}",
    "[I can't picture|I have no picture of|I can't imagine] {city}. [Describe it|Help me]{end}",
    "[I know nothing|I've no clue|I know next to nothing] about {city}, {tell}{ask}",
    "[everyone|my sister|my neighbour] [raves|keeps going on|won't stop talking] about {city}."
    " {tell}{ask}",
    "[how would you|how do you] [sum up|explain|present|portray] {city} [to a stranger|]{ask}",
    "[the city of|the place called|a city named] {city}: {tell}{ask}",
    "[teach|tell|show] me [all|everything|the essentials] about {city}{end}",
    "[what|which things] should [everyone|a visitor|a newcomer|one] know about {city}{ask}",
    "[I'd love|I would like|I want] to hear about {city} [as a whole|from start to finish|in"
    " general]{end}",
    "{city} [for dummies|explained|at a glance|in brief|in a few words|from scratch]{end}",
    "[quick|short|brief|full|complete] [introduction|overview|profile|portrait] of {city}{end}",
    "[kindly|would you kindly|I should be grateful if you could] [introduce|describe|present]"
    " {city}{end}",
    "[might I ask for|could I trouble you for|may I request] [an account|a description|a survey] of"
    " {city}{ask}",
    "[in about a hundred words|in two or three sentences|in three short paragraphs|at length|in"
    " detail], {say} {city}{end}",
    "{say} {city} [in about a hundred words|in a few sentences|in some detail|as fully as you"
    " can]{end}",
    "[keep it short|no need to be long|take your time|be thorough]: {say} {city}{end}",
    "[the place I mean|the city I want|my pick|the one I want to hear about] is {city}{end}",
    "[let's do|let's take|today it's|my choice is] {city}. [Start|Go ahead|Introduce it]{end}",
    "{say}, [if you would|if you can|when you're ready], the city of {city}{end}",
)

_SHORT = (
    "{city} [101|in words|from A to Z|through your eyes|for the curious|unpacked]{end}",
    "[introducing|all about|getting to know|a look at|a glance at] {city}{end}",
    "[pitch|sell|recommend] me {city}{end}",
    "[overall|on the whole|all in all|generally speaking], what is {city} like{ask}",
    "[the facts|the main things|the essentials] about {city}[ in brief| in short|]{end}",
    "what [kind of|sort of|type of] [town|city|place] would you say {city} is{ask}",
    "[impressions|a sketch|a snapshot|a word picture] of {city}{end}",
    "[city of the day|today's city|this week's city|our next stop]: {city}",
    "[name a city|pick a place|a city I like]: {city}. [Go on|Describe it|What is it like]{end}",
    "[curious|wondering] about {city}[, that's all|. Tell me|, what is it like]{end}",
)

_REASONS = (
    "[I'm flying|I'm being sent|we're off|I have to go] to {city} [for work|on business|for a"
    " wedding|next week], {tell}{ask}",
    "I [just landed|just arrived|got off the train|am at the station] in {city}. {tell}{ask}",
    "[we are stuck|I have a layover|we stop over|I'm changing planes] in {city}, {tell}{ask}",
    "[I'm thinking of|we're considering|I'm about to start] [living|working|studying] in {city}."
    " {tell}{ask}",
    "[I got a job|I got a place at a university|my company opens an office] in {city}. {tell}{ask}",
    "my [daughter|son|brother|cousin] [is moving to|studies in|got a job in] {city}. {tell}{ask}",
    "my [new flatmate|colleague|teacher|neighbour|fiancée] [grew up in|comes from] {city},"
    " {tell}{ask}",
    "[a friend|my daughter|a child|someone at work] asked about {city} and I [had no answer|didn't"
    " know what to say]. {tell}{ask}",
    "[the film|this novel|the song|the news] [is set in|mentions|keeps coming back to] {city}."
    " {tell}{ask}",
    "[the tickets are booked|our bags are packed|the visa came through]: {city}! {tell}{ask}",
    "[we drew|I picked|the wheel landed on|my finger landed on] {city}. {tell}{ask}",
    "my [family|grandfather|mother] [came from|was born in|left] {city} but I've never been."
    " {tell}{ask}",
    "[I'm bored|I can't sleep|waiting for my bus|while I eat], [tell me about|talk about|describe]"
    " {city}{end}",
    "[should I move|should we go|would you send me] to {city}? {tell}{ask}",
)

_OTHERS = (
    "{write} {text} [about|on] {city} for {print}{end}",
    "I'm [making|designing|printing] {print} [about|on] {city} and need {text}{end}",
    "{city} [brochure|leaflet|travel guide|poster|booklet] text{end}",
    "what would {print} say about {city}{ask}",
    "{write} [an encyclopedia entry|a dictionary entry|an article|a page|a school essay] [on|about]"
    " {city}{end}",
    "[encyclopedia|encyclopedia entry|city guide|city profile|fact sheet|topic]: {city}{end}",
    "[essay|homework|assignment|composition|exam question]: [describe |introduce |]{city}{end}",
    "my [daughter|son|class|pupil] has to [present|write about|give a talk on] {city}, [help"
    " out|can you help|give us a text]{end}",
    "[I'm giving a talk|I have a presentation|we have a class project] on {city}, [give me some"
    " lines|write me an introduction|what do I say]{end}",
    "{write} the [narration|voice-over|opening|script] for a [film|video|programme|podcast] about"
    " {city}{end}",
    "{write} a welcome [speech|text|note] that [introduces|describes|presents] {city}{end}",
    "explain to {listener} what [sort of|kind of] [city|place] {city} is{end}",
    "[describe|introduce|present] {city} to {listener}{end}",
    "{listener} [wants|needs] to know about {city}. [What do I say|Describe it|Introduce it]{end}",
    "how [do|should|would] I [describe|explain|present] {city} to {listener}{ask}",
    "[pretend|imagine|suppose] I'm [a visitor|five years old|from abroad|an investor] and"
    " [describe|introduce|present] {city}{end}",
    "[speaking as|in the role of|like] a [local|taxi driver|guide|teacher], [describe|introduce]"
    " {city}{end}",
    "where is {city}, what's [special about it|it like], and [is it worth a visit|should I"
    " go]{ask}",
    "{city}: [where, how old, what to see, what to eat|climate, history, sights and"
    " food|location, past and present]{end}",
    "tell me about the [location, weather, history, sights and food|geography, past and"
    " cuisine|climate, history and food] of {city}{end}",
    "[not just|don't only tell me about|never mind only] the [sights|food|weather], [I want|give"
    " me] the whole of {city}{end}",
    "[from its location to its food|from past to present|from weather to food], {say} {city}{end}",
    "[everything|all of it]: where {city} is, its history, [its sights and its food|what to see"
    " and eat]{end}",
    "[the good and the bad|from every angle|all aspects]: what is {city} like{ask}",
    "{write} three paragraphs [about|on] {city}{end}",
    "[a postcard|a letter|an email] home from {city}: [how would you describe the city|describe"
    " the place]{ask}",
)

TASKS = expand(_OTHERS, _MACROS)
"""Texts about `{city}` for a purpose or for others, and several things asked at once."""

WHOLE = expand((*_TALK, *_SHORT, *_REASONS), _MACROS) + TASKS
"""Questions for everything about `{city}`."""

DESCRIBED = expand(
    (
        "{city}, [known|famous|best known] for {famous}: {tell}{ask}",
        "I only know {city} for {famous}. [Tell me about the whole city|What is the city like"
        "|Describe the city]{end}",
        "apart from {famous}, what is {city} like [as a city|as a whole|in general]{ask}",
        "[I want to go|we're going] to {city} because of {famous}. First [introduce|describe] the"
        " city{end}",
    ),
    _MACROS,
)
"""The same, of a city that is called what it is best known for; `{famous}` is that."""

AFTER_TOPIC = expand(
    (
        "[and|so|but|OK, and] what is [it|the city|the place] like [as a whole|in general"
        "|overall]{ask}",
        "[now|OK, now|please|actually,] [describe|introduce] [the whole city|the city as a"
        " whole]{end}",
        "[give me|I'd like] a full introduction [to the city|of it]{end}",
        "[tell me|say] everything about [it|the city|that place]{end}",
        "[not just that|the rest too|and all the rest]: introduce the whole city{end}",
    ),
    _MACROS,
)
"""Follow-ups for everything about a city of which one topic was told."""
