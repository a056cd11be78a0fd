"""Names of tools and parameters, made anew: few of them are met twice, so they must be read."""

from __future__ import annotations

import random
from collections.abc import Sequence

_BEFORE = (
    "my",
    "app",
    "api",
    "do",
    "tool",
    "svc",
    "x",
    "ext",
    "home",
    "smart",
    "sys",
    "web",
    "the",
    "run",
)
_AFTER = (
    "v2",
    "tool",
    "api",
    "service",
    "2",
    "new",
    "now",
    "func",
    "v3",
    "helper",
    "fn",
    "plus",
    "x",
    "pro",
)
_VERBS = (
    "get",
    "fetch",
    "query",
    "lookup",
    "find",
    "check",
    "do",
    "run",
    "make",
    "handle",
    "process",
    "call",
    "ask",
    "use",
    "start",
    "perform",
    "request",
    "exec",
    "apply",
    "invoke",
    "send",
    "obtain",
    "load",
    "create",
    "show",
    "manage",
)
_THINGS = (
    "data",
    "info",
    "item",
    "record",
    "value",
    "detail",
    "service",
    "task",
    "action",
    "job",
    "entry",
    "result",
    "status",
    "request",
    "panel",
    "desk",
    "center",
    "hub",
    "agent",
    "module",
    "unit",
    "board",
    "kit",
    "box",
    "flow",
    "gate",
    "bot",
    "river",
    "cloud",
    "stone",
    "maple",
    "falcon",
    "amber",
    "pixel",
    "delta",
    "orbit",
    "lotus",
    "comet",
    "harbor",
    "tiger",
)
_NEUTRAL = (
    "tool {letter}",
    "tool {number}",
    "f{number}",
    "func {number}",
    "function {number}",
    "plugin{number}",
    "plugin {letter}",
    "fn {letter}",
    "action {number}",
    "skill {number}",
    "api {number}",
    "method {letter}",
    "op{number}",
    "t{number}",
    "cmd {number}",
)
_NEUTRAL_PARAMETERS = (
    "arg{number}",
    "param {letter}",
    "p{number}",
    "{letter}",
    "x{number}",
    "value {number}",
    "input {number}",
    "field {letter}",
    "param{number}",
    "var {letter}",
    "arg {letter}",
    "in{number}",
    "key {number}",
    "v{number}",
)
_ONSETS = ("b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z")
_MORE_ONSETS = ("br", "ch", "dr", "fl", "gr", "kl", "pr", "qu", "sh", "st", "tr", "x", "y", "")
_CODAS = ("", "", "", "n", "l", "r", "s", "m", "k", "x", "t")
_BEFORE_PARAMETER = ("input", "target", "the", "my", "given", "user", "q", "in", "new", "main")
_AFTER_PARAMETER = ("value", "str", "input", "text", "param", "field", "arg", "name", "data")
_LETTERS = "abcdeghjkmnpqrstuvwxyz"


def tool_words(rng: random.Random, own: Sequence[str]) -> str:
    """A name in words: one that fits, a longer or a vague one, one that says nothing."""
    draw = rng.random()
    if draw < 0.05:
        return _filled(rng, rng.choice(_NEUTRAL))
    if draw < 0.1:
        return nonsense(rng, rng.choice((1, 2, 2, 3)))
    if draw < 0.16:
        return _vague(rng)
    words = rng.choice(own)
    if draw < 0.24:
        parts = words.split(" ")
        rng.shuffle(parts)
        words = " ".join(parts)
    if draw < 0.4:
        return f"{words} {rng.choice(_AFTER)}"
    if draw < 0.5:
        return f"{rng.choice(_BEFORE)} {words}"
    return words


def parameter_words(rng: random.Random, own: Sequence[str], plain: bool) -> str:
    """A name in words; where not `plain`, it may be one that only its description explains."""
    draw = rng.random()
    if not plain and draw < 0.05:
        return _filled(rng, rng.choice(_NEUTRAL_PARAMETERS))
    if not plain and draw < 0.08:
        return nonsense(rng, rng.choice((1, 1, 2)))
    words = rng.choice(own)
    if draw < 0.15:
        return f"{words} {rng.choice(_AFTER_PARAMETER)}"
    if draw < 0.22:
        return f"{rng.choice(_BEFORE_PARAMETER)} {words}"
    return words


def nonsense(rng: random.Random, count: int) -> str:
    """Words without meaning, e.g. `zorbel norven`."""
    return " ".join(
        "".join(_syllable(rng) for _ in range(rng.choice((2, 2, 3)))) for _ in range(count)
    )


def _syllable(rng: random.Random) -> str:
    onset = rng.choice(_ONSETS if rng.random() < 0.7 else _MORE_ONSETS)
    return onset + rng.choice("aeiou") + rng.choice(_CODAS)


def _vague(rng: random.Random) -> str:
    words = [rng.choice(_VERBS), *rng.sample(_THINGS, k=rng.choice((1, 1, 2)))]
    if rng.random() < 0.3:
        words.append(rng.choice(_AFTER))
    return " ".join(words)


def _filled(rng: random.Random, pattern: str) -> str:
    return pattern.format(
        letter=rng.choice(_LETTERS), number=rng.choice((rng.randint(1, 9), rng.randint(10, 199)))
    )
