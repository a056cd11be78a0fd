"""The conformance script: what the scripted engine is asked, and what it then says.

A server plays it when it is started with `--engine scripted --script FILE` and the file that
`script_text` holds. Replies of digits have one token a digit in every vocabulary that splits
digits, as ChatGLM's do.
"""

from __future__ import annotations

from importlib import resources

PROBE = "conform: who answers"
GREETING = "The conformance script, version 1."

DIGITS = "conform: digits"
DIGITS_REPLY = "1234567890" * 5
CHOOSE = "conform: choose"
"""Has eight wordings for each of four parts."""
STOP = "conform: stop"
STOP_WORD = "HALT"
STOPPED_REPLY = "alpha beta "
ALMOST = "conform: almost"
"""Begins to say the stop word and does not."""
ALMOST_REPLY = "alpha beta HAL, not the word, gamma"
CHARACTERS = "conform: characters"
CHARACTERS_REPLY = "汉字，😀🇨🇳 𠮷龘 é ✓ – 完"
SLOWLY = "conform: slowly"
"""40 digits, one every 25 ms."""
LONG = "conform: long"
"""600 digits, one every 50 ms: half a minute."""
SILENCE = "conform: silence"
"""A digit every 18 seconds."""
FAIL_AT_ONCE = "conform: fail at once"
FAIL_LATER = "conform: fail later"
"""Fails after 12 tokens."""
PROMPT = "conform: prompt"
"""Says the whole prompt, role markers and all."""
WEATHER = "conform: weather"
"""Calls the tool `get_weather` with the arguments below."""
WEATHER_ARGUMENTS = {"city": "杭州", "days": 3}
SUNNY = "conform: sunny"
SUNNY_REPLY = "It is sunny."
HANGZHOU = "介绍下杭州"


def echo(question: str) -> str:
    """What the script says to everything else."""
    return f"You said: {question}"


def script_text() -> str:
    """The script, as a file for `glmscope serve --script`."""
    return (resources.files(__package__) / "script.json").read_text(encoding="utf-8")
