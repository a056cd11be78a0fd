"""The numbers of a worked problem's question: where they stand, what else may be put there.

Where a number is more than a number - a time, a date, an ordinal - the question is `is_odd`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

_FRACTION = r"(?<![\d/.,])\d+/\d+(?![\d/.,]*\d)"
_WRITTEN = re.compile(rf"(?P<fraction>{_FRACTION})|\d+(?:,\d{{3}})*(?:\.\d+)?")
_ODD = re.compile(
    r"[A-Za-z#=+*<>]\d|\d(?!%)[^\W\d_]|\d[:'\"”’=+*<>^°]|\d,?\d*-\$?\d|\d,\d{1,2}\b|\d,\d{4}|(?<!\d)\.\d"
    r"|(?<!\w)-\$?\d|\d ?[-–]?[ap]\.?m\b|o'clock|\d \d|\d-\d|\d,\d{3}\d|[½¼¾²³£€{}]|(?<![\d,.])0\d"
    r"|\d/\d+/|\d ?%? ?(?:to|and|or|-) \d+/\d|\d/\d+,\d|\d\.\d+\.\d"
    r"|(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r" \d|\b(?:in|since|of|year|by|until|during|from) (?:1[5-9]|20)\d\d\b(?! [a-z])"
    r"|(?i:\b(?:ratio|numbers? \d|grade \d|room \d|route \d)\b)"
)
"""Times, dates, ranges, ordinals, ratios: numbers that are more than a number."""

_STANDS_FOR = {
    "1": r"one|\d/\d|half|thirds?|fourths?|quarter|fifths?|sixths?|%|percent",
    "2": r"two|twice|half|halves|halved|double[ds]?|both|couples?|pairs?|second|twins?|bicycles?",
    "3": r"three|thrice|triples?|tripled|thirds?|triplets?|triangles?|yards?",
    "4": r"four|quarters?|fourths?|quadruple[ds]?|months?|monthly|square|rectang\w+",
    "5": r"five|fifths?|nickels?|weekdays?|workdays?|school days?",
    "6": r"six|sixths?",
    "7": r"seven|sevenths?|weeks?|weekly",
    "8": r"eight|eighths?",
    "9": r"nine|ninths?",
    "10": r"ten|tenths?|dimes?|decades?",
    "11": r"eleven",
    "12": r"twelve|dozens?|years?|yearly|annual\w*|months?|monthly|foot|feet|inch|inches",
    "15": r"fifteen",
    "16": r"sixteen|ounces?|pounds?",
    "20": r"twenty",
    "24": r"days?|daily|twenty-four",
    "25": r"quarters?",
    "30": r"thirty|months?|monthly|half",
    "31": r"months?",
    "36": r"yards?",
    "40": r"forty",
    "50": r"fifty|half",
    "52": r"years?|yearly|annual\w*",
    "60": r"sixty|minutes?|hours?|hourly|seconds?",
    "100": r"hundreds?|%|percent\w*|cents?|dollars?|meters?|metres?|cm|centimeters?|century",
    "365": r"years?|yearly|annual\w*",
    "1000": r"thousands?|kilo\w+|km|kg|ml|grams?|meters?|milli\w+|liters?",
    "3600": r"hours?",
}
"""A constant, and the words of a question that may stand for it."""
_WORDS = {
    Fraction(number): re.compile(rf"(?i)(?<![a-z])(?:{words})(?![a-z])")
    for number, words in _STANDS_FOR.items()
}


def is_odd(question: str) -> bool:
    """Whether the question has numbers that are more than numbers."""
    return _ODD.search(question) is not None


def is_said(value: Fraction, question: str) -> bool:
    """Whether a word of the question may stand for `value`: "twice", "a week"."""
    return value in _WORDS and _WORDS[value].search(question) is not None


@dataclass(frozen=True, slots=True)
class Written:
    """A number of a question: its text without commas, and whether another may stand for it."""

    text: str
    grouped: bool
    is_percent: bool
    is_free: bool
    most: int | None
    """A week has no more than 7 days."""

    def shown(self, text: str) -> str:
        """Another number's text in this one's way of writing: 1,200."""
        whole, point, decimals = text.partition(".")
        return f"{int(whole):,}{point}{decimals}" if self.grouped else text


@dataclass(frozen=True, slots=True)
class Found:
    """A number where it stands in a question."""

    start: int
    end: int
    text: str
    is_grouped: bool
    is_percent: bool
    is_free: bool
    most: int | None
    needs_use: bool = True
    """Not the 1 of 1/2: to halve needs none."""

    def as_written(self, is_free: bool) -> Written:
        """The number without its place."""
        return Written(self.text, self.is_grouped, self.is_percent, is_free, self.most)


_MOST = (
    (r"[ -]days? (?:a|per|each|every|in a) week", 7),
    (r"[ -]hours? (?:a|per|each|every|in a) day", 24),
    (r"[ -]hours? (?:daily|nightly|on)", 24),
    (r"[ -]years?[ -]old", 99),
)


def numbers_of(question: str) -> Iterator[Found]:
    """The numbers of a question; the two of a fraction stay as they are."""
    for found in _WRITTEN.finditer(question):
        if found["fraction"]:
            for part in re.finditer(r"\d+", found[0]):
                start, end = found.start() + part.start(), found.start() + part.end()
                yield Found(start, end, part[0], False, False, False, None, part[0] != "1")
            continue
        text, after = found[0].replace(",", ""), question[found.end() :]
        is_percent = re.match(r" ?(?:%|percent)", after) is not None
        most = next((most for words, most in _MOST if re.match(words, after)), None)
        is_free = Fraction(text) > 1 and (not is_percent or Fraction(text) < 100)
        grouped = "," in found[0]
        yield Found(found.start(), found.end(), text, grouped, is_percent, is_free, most)


def with_slots(question: str, found: list[Found]) -> str:
    """The question with slots in place of its numbers: `{n0}`, `{n1}`, …"""
    for place, number in reversed(list(enumerate(found))):
        question = f"{question[: number.start]}{{n{place}}}{question[number.end :]}"
    return question
