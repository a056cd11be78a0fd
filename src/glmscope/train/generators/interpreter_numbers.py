"""Numbers as people write them: the text that a question shows is the text that code copies."""

from __future__ import annotations

import random

from glmscope.train.generators.digits import digits

_DIGITS = {1: 15, 2: 30, 3: 25, 4: 14, 5: 8, 6: 5, 7: 3}
"""How many digits a whole number has, by weight."""
_PLACES = {1: 5, 2: 4, 3: 2}

_CHINESE = "零一二三四五六七八九"
_CHINESE_UNITS = ((10_000, "万"), (1000, "千"), (100, "百"), (10, "十"), (1, ""))
_ENGLISH = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def draw(rng: random.Random, spec: str) -> str:
    """A number's text. `spec` is a range `low..high`, `low..high:places`, or a name.

    `any` is whole, decimal or negative; `positive` whole or decimal; `whole` has no decimals;
    `price` has up to two decimals; `square` and `cube` are those of a whole number.
    """
    if ".." in spec:
        bounds, _, places = spec.partition(":")
        low, high = bounds.split("..")
        return _between(rng, int(low), int(high), int(places or 0))
    chance = rng.random()
    if spec == "whole":
        return _whole(rng)
    if spec in ("square", "cube"):
        return str(rng.randint(2, 99) ** 2 if spec == "square" else rng.randint(2, 40) ** 3)
    if spec == "price":
        return _whole(rng) if chance < 0.4 else _between(rng, 1, 500, 2)
    if spec == "positive":
        return _whole(rng) if chance < 0.65 else decimal(rng)
    if spec == "any":
        text = _whole(rng) if chance < 0.65 else decimal(rng)
        return f"-{text}" if text != "0" and rng.random() < 0.08 else text
    raise ValueError(f"Unknown kind of number: {spec}")


def allows(spec: str, number: str) -> bool:
    """Whether `draw` might give this whole number above zero for a spec."""
    if ".." not in spec:
        return spec not in ("square", "cube")
    low, high = spec.partition(":")[0].split("..")
    return int(low) <= int(number) <= int(high)


LARGEST_IN_WORDS = 99_999


def in_words(written: str, language: str) -> str:
    """A number up to LARGEST_IN_WORDS as it is spoken.

    A Chinese decimal stands without its point: 八五 for 8.5.
    """
    whole, _, fraction = written.partition(".")
    if language == "zh" and fraction:
        return "".join(_CHINESE[int(digit)] for digit in whole + fraction)
    return _in_chinese(int(whole)) if language == "zh" else _in_english(int(whole))


def _in_chinese(number: int) -> str:
    """九千零四十 for 9040; 十五 for 15."""
    if number < 10:
        return _CHINESE[number]
    text, skipped = "", False
    for size, unit in _CHINESE_UNITS:
        digit, number = divmod(number, size)
        if digit:
            spoken = "两" if digit == 2 and size >= 1000 else _CHINESE[digit]
            text += ("零" if skipped and text else "") + spoken + unit
        skipped = not digit
    return text.removeprefix("一") if text.startswith("一十") else text


def _in_english(number: int) -> str:
    """One hundred twenty-five for 125."""
    if number < len(_ENGLISH):
        return _ENGLISH[number]
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            head, rest = divmod(number, size)
            return f"{_in_english(head)} {name}" + (f" {_in_english(rest)}" if rest else "")
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ENGLISH[ones]}" if ones else "")


def decimal(rng: random.Random) -> str:
    """A number with one to three decimals, the last of them not zero."""
    places = _weighted(rng, _PLACES)
    fraction = rng.randrange(10**places)
    if fraction % 10 == 0:
        fraction += rng.randint(1, 9)
    count = _weighted(rng, {0: 2, 1: 4, 2: 5, 3: 3, 4: 1})
    whole = digits(rng, count) if count else "0"
    return f"{whole}.{fraction:0{places}d}"


def _whole(rng: random.Random) -> str:
    count = _weighted(rng, _DIGITS)
    if rng.random() < 0.2:  # round numbers are common: 50, 1200
        return str(rng.randint(1, 99) * 10 ** max(0, count - 2))
    return digits(rng, count)


def _between(rng: random.Random, low: int, high: int, places: int) -> str:
    """From the range, with up to `places` decimals and no zero at the end of them."""
    places = rng.randint(0, places)
    number = rng.randint(low * 10**places, high * 10**places)
    if places == 0:
        return str(number)
    sign, number = ("-", -number) if number < 0 else ("", number)
    whole, fraction = divmod(number, 10**places)
    decimals = f"{fraction:0{places}d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def _weighted(rng: random.Random, weights: dict[int, int]) -> int:
    return rng.choices(list(weights), list(weights.values()))[0]
