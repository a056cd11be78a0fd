"""Questions about a list of numbers: statistics, order, counts."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from glmscope.train.generators.interpreter_formula import (
    Number,
    UnsuitableError,
    evaluate,
    print_line,
    square_root,
    without_point_zero,
)
from glmscope.train.generators.interpreter_material import Desk, Entry, Exchange, Run, fill
from glmscope.train.generators.interpreter_numbers import draw

_LIST_FIRST_SHARE = 0.3
"""How many questions give the list first, and then say what is wanted of it."""

_BRACKETS_SHARE = 0.1
_LAST_SHARE = 0.3

_GOING_ON = re.compile("^(再|那它们的|那|now |and )")
"""What only a later question begins with."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list as it is written, and the values that Python reads."""

    written: tuple[str, ...]

    @property
    def numbers(self) -> list[Number]:
        """The values."""
        return [evaluate(text) for text in self.written]

    @property
    def exact(self) -> list[Fraction]:
        """The values as fractions."""
        return [number.exact for number in self.numbers]

    @property
    def has_floats(self) -> bool:
        """Whether Python counts in floats with this list."""
        return any(number.is_float for number in self.numbers)

    @property
    def literal(self) -> str:
        """The list in Python."""
        return f"[{', '.join(self.written)}]"


@dataclass(frozen=True, slots=True)
class Statistic:
    """What to compute of `data`; `k` is a number that the question names."""

    code: str
    compute: Callable[[Items, Fraction], Number | Sequence[str]]
    rounded: Literal["always", "floats", "never"] = "never"
    spec: str = ""
    """How the numbers are drawn where not every list will do."""


def list_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One question about a list, and in every fourth dialogue more about the same list."""
    first = None
    while first is None:
        name = desk.draw_name("lists")
        items = draw_items(desk, STATISTICS[name].spec)
        first = _exchange(desk, name, items, first=True)
    turns = desk.rng.choice([1] * 9 + [2, 2, 3])
    more = [_exchange(desk, desk.draw_name("lists"), items, first=False) for _ in range(turns - 1)]
    return (first, *(exchange for exchange in more if exchange is not None))


def list_code(name: str, items: Items, k: str) -> Run:
    """The code that prints a statistic of a list. Raises UnsuitableError."""
    statistic = STATISTICS[name]
    result = statistic.compute(items, Fraction(k))
    rounded = statistic.rounded == "always" or (statistic.rounded == "floats" and items.has_floats)
    expression = statistic.code.replace("{k}", k)
    module = expression.partition(".")[0]
    lines = [f"import {module}"] if module in ("statistics", "math") else []
    lines += [f"data = {items.literal}", print_line(expression, rounded)]
    output = result.printed if isinstance(result, Number) else f"[{', '.join(result)}]"
    return Run("\n".join(lines), output)


def typed_list(desk: Desk, written: Sequence[str]) -> str:
    """A list as people type it."""
    if desk.language == "zh":
        separators = ["、", "、", "、", "，", "，", ",", ", ", ", ", " ", " ", "；"]
        lasts = ["和", "和", "与", "跟", "以及", "还有"]
    else:
        separators = [", ", ", ", ", ", ",", ",", " ", " ", "; "]
        lasts = [" and ", " and ", ", and ", " & "]
    separator = desk.pick(separators)
    if desk.rng.random() < _BRACKETS_SHARE:
        return f"[{separator.join(written)}]" if "," in separator else f"[{', '.join(written)}]"
    if desk.rng.random() < _LAST_SHARE and separator not in (" ", "；", "; "):
        return separator.join(written[:-1]) + desk.pick(lasts) + written[-1]
    return separator.join(written)


def _exchange(desk: Desk, name: str, items: Items, *, first: bool) -> Exchange | None:
    """None where the list has no such statistic, or none that is good to show."""
    entry: Entry = desk.material["lists"][name]
    k = desk.pick(items.written) if name == "count" else draw(desk.rng, "1..100")
    if name in ("above", "below") and desk.rng.random() < 0.7:
        k = str(math.floor(sum(items.exact) / len(items.exact)))
    try:
        run = list_code(name, items, k)
    except UnsuitableError:
        return None
    slots = {
        "data": typed_list(desk, items.written),
        "k": k,
        "result": without_point_zero(run.output),
    }
    if first and desk.rng.random() > _LIST_FIRST_SHARE:
        question = desk.ask(entry, slots)
    else:
        more = desk.choose(desk.pick(entry[f"{desk.language}_more"]))
        if first:
            more = desk.frame("list", _GOING_ON.sub("", more))
        question = desk.finish(fill(more, slots))
    return Exchange(question, (run,), desk.answer(entry, slots))


def draw_items(desk: Desk, spec: str) -> Items:
    """Three to twelve numbers of one sort; `spec` says which sort, where not every one will do."""
    rng = desk.rng
    size = rng.choice([3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12])
    specs = ["1..9", "1..99", "1..100", "10..99", "50..100", "1..999", "100..9999", "-20..40"]
    specs += ["2..20", "3000..15000", "60..100:1", "-9..9"]
    spec = spec or rng.choice([*specs, "0..100:1", "1..50:2", "1..9:3", "30..42:1", "-9..30:1"])
    written = [draw(rng, spec) for _ in range(size)]
    if spec != "2..12" and rng.random() < 0.2:
        written[rng.randrange(size)] = rng.choice(written)
    return Items(tuple(written))


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _median(items: Items, _k: Fraction) -> Number:
    ordered = sorted(items.numbers, key=lambda number: number.exact)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return Number((ordered[middle - 1].exact + ordered[middle].exact) / 2, True)


def _squares(items: Items, freedom: int) -> Number:
    """Sum of squared deviations over `n - freedom`; whole as in `statistics` where it is."""
    mean = _mean(items.exact)
    squares = sum(((value - mean) ** 2 for value in items.exact), Fraction(0))
    variance = squares / (len(items.exact) - freedom)
    return Number(variance, items.has_floats or variance.denominator != 1)


def _deviation(items: Items, freedom: int) -> Number:
    return Number(square_root(_squares(items, freedom).exact), True)


def _sorted(items: Items, reverse: bool = False) -> list[str]:
    return sorted(items.written, key=Fraction, reverse=reverse)


def _extreme(items: Items, place: int) -> Number:
    return evaluate(_sorted(items)[place])


def _from_ends(items: Items, sign: int) -> Number:
    """The greatest number with `sign` times the least."""
    least, most = _extreme(items, 0), _extreme(items, -1)
    return Number(most.exact + sign * least.exact, most.is_float or least.is_float)


def _sum(values: Sequence[Fraction], items: Items) -> Number:
    return Number(sum(values, Fraction(0)), items.has_floats)


def _count(flags: Sequence[bool]) -> Number:
    return Number(Fraction(sum(flags)), False)


def _near(items: Items, place: int) -> Number:
    """The number at this place of the sorted list. Raises UnsuitableError where it has none."""
    if len(items.written) < 4:
        raise UnsuitableError("the middle of three is called the median")
    return _extreme(items, place)


def _trimmed(items: Items, _k: Fraction) -> Number:
    if len(items.written) < 4:
        raise UnsuitableError("too few are left")
    return Number(_mean(sorted(items.exact)[1:-1]), True)


def _above_mean(items: Items, _k: Fraction) -> Number:
    mean = _mean(items.exact)
    if mean in items.exact:
        raise UnsuitableError("a double may be off on either side")
    return _count([value > mean for value in items.exact])


def _mode(items: Items, _k: Fraction) -> Number:
    (first, times), *others = Counter(items.written).most_common()
    if times == 1 or any(count == times for _, count in others):
        raise UnsuitableError("no single mode")
    return evaluate(first)


STATISTICS: dict[str, Statistic] = {
    "mean": Statistic(
        "sum(data) / len(data)", lambda items, _: Number(_mean(items.exact), True), "always"
    ),
    "median": Statistic("statistics.median(data)", _median, "always"),
    "sum": Statistic("sum(data)", lambda items, _: _sum(items.exact, items), "floats"),
    "max": Statistic("max(data)", lambda items, _: _extreme(items, -1)),
    "min": Statistic("min(data)", lambda items, _: _extreme(items, 0)),
    "second": Statistic("sorted(data)[-2]", lambda items, _: _extreme(items, -2)),
    "third": Statistic("sorted(data)[-3]", lambda items, _: _near(items, -3)),
    "second_least": Statistic("sorted(data)[1]", lambda items, _: _near(items, 1)),
    "range": Statistic("max(data) - min(data)", lambda items, _: _from_ends(items, -1), "floats"),
    "ends": Statistic("max(data) + min(data)", lambda items, _: _from_ends(items, 1), "floats"),
    "trimmed": Statistic(
        "(sum(data) - max(data) - min(data)) / (len(data) - 2)", _trimmed, "always"
    ),
    "above_mean": Statistic("sum(x > sum(data) / len(data) for x in data)", _above_mean),
    "evens": Statistic(
        "sum(x % 2 == 0 for x in data)",
        lambda items, _: _count([x % 2 == 0 for x in items.exact]),
        spec="1..99",
    ),
    "odds": Statistic(
        "sum(x % 2 == 1 for x in data)",
        lambda items, _: _count([x % 2 == 1 for x in items.exact]),
        spec="1..99",
    ),
    "variance": Statistic(
        "statistics.pvariance(data)", lambda items, _: _squares(items, 0), "always"
    ),
    "deviation": Statistic(
        "statistics.pstdev(data)", lambda items, _: _deviation(items, 0), "always"
    ),
    "sample_variance": Statistic(
        "statistics.variance(data)", lambda items, _: _squares(items, 1), "always"
    ),
    "sample_deviation": Statistic(
        "statistics.stdev(data)", lambda items, _: _deviation(items, 1), "always"
    ),
    "mode": Statistic("statistics.mode(data)", _mode, spec="2..12"),
    "sort": Statistic("sorted(data)", lambda items, _: _sorted(items)),
    "sort_down": Statistic(
        "sorted(data, reverse=True)", lambda items, _: _sorted(items, reverse=True)
    ),
    "length": Statistic("len(data)", lambda items, _: Number(Fraction(len(items.written)), False)),
    "above": Statistic(
        "sum(x > {k} for x in data)", lambda items, k: _count([x > k for x in items.exact])
    ),
    "below": Statistic(
        "sum(x < {k} for x in data)", lambda items, k: _count([x < k for x in items.exact])
    ),
    "count": Statistic(
        "data.count({k})", lambda items, k: _count([x == k for x in items.exact]), spec="2..12"
    ),
    "product": Statistic(
        "math.prod(data)",
        lambda items, _: Number(math.prod(items.exact, start=Fraction(1)), items.has_floats),
        "floats",
        spec="2..12",
    ),
    "squares": Statistic(
        "sum(x ** 2 for x in data)",
        lambda items, _: _sum([x**2 for x in items.exact], items),
        "floats",
    ),
    "reverse": Statistic("data[::-1]", lambda items, _: items.written[::-1]),
    "unique": Statistic(
        "sorted(set(data))", lambda items, _: sorted(set(items.written), key=Fraction), spec="2..12"
    ),
}
