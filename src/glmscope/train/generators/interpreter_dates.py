"""Questions about dates, answered with the module `datetime`."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from glmscope.train.generators.interpreter_formula import print_line
from glmscope.train.generators.interpreter_material import Desk, Exchange, Run

_WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
_LEAP = {("zh", True): "是", ("zh", False): "不是", ("en", True): "is", ("en", False): "is not"}


def date_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One question from the section `dates`."""
    section = desk.material["dates"]
    name = desk.draw_name("dates")
    first, second = _two_dates(desk, name)
    days = desk.rng.choice([desk.rng.randint(2, 60), desk.rng.randint(10, 1000), 100])
    slots = {"a": typed_date(desk, first), "b": typed_date(desk, second), "n": str(days)}
    slots |= {"y": str(first.year), "m": str(first.month), "month": f"{first:%B}"}
    slots |= {"z": str(second.year), "b_in_year": _without_year(desk, second)}
    run, slots["result"] = _run(name, first, second, days, desk)
    return (Exchange(desk.ask(section[name], slots), (run,), desk.answer(section[name], slots)),)


def typed_date(desk: Desk, day: date) -> str:
    """A date as people type it; the order of its parts is always clear."""
    numeric = [day.isoformat(), f"{day.year}/{day.month}/{day.day}"]
    if desk.language == "zh":
        full = f"{day.year}年{day.month}月{day.day}日"
        spoken = f"{day.year}年{day.month}月{day.day}号"
        return desk.pick([full, full, full, spoken, f"{day.year}.{day.month}.{day.day}", *numeric])
    named = f"{day:%B} {day.day}, {day.year}"
    return desk.pick([named, named, f"{day.day} {day:%B} {day.year}", *numeric])


def _without_year(desk: Desk, day: date) -> str:
    if desk.language == "zh":
        return f"{day.month}月{day.day}{desk.pick(['日', '日', '号'])}"
    return desk.pick([f"{day:%B} {day.day}", f"{day.day} {day:%B}"])


def _two_dates(desk: Desk, name: str) -> tuple[date, date]:
    """The earlier one first; mostly less than two years apart, but where years are counted."""
    year = desk.rng.choice([desk.rng.randint(2015, 2030), desk.rng.randint(1900, 2100)])
    if name == "between_in_year":
        early, late = sorted(desk.rng.sample(range(365), 2))
        return date(year, 1, 1) + timedelta(days=early), date(year, 1, 1) + timedelta(days=late)
    if name == "leap_years":
        return date(year, 1, 1), date(year + desk.rng.randint(3, 120), 1, 1)
    first = date(year, 1, 1) + timedelta(days=desk.rng.randrange(365))
    distance = desk.rng.choice([desk.rng.randint(2, 350), desk.rng.randint(30, 5000)])
    return first, first + timedelta(days=distance)


def _run(name: str, first: date, second: date, days: int, desk: Desk) -> tuple[Run, str]:
    """The code with what it prints, and how an answer names that."""
    if name in ("between", "between_in_year"):
        result = str((second - first).days)
        return _code("date", f"({_literal(second)} - {_literal(first)}).days", result), result
    if name == "leap_years":
        years = range(first.year, second.year + 1)
        result = str(sum(calendar.isleap(year) for year in years))
        expression = f"sum(calendar.isleap(year) for year in range({years.start}, {years.stop}))"
        return _calendar_code(expression, result), result
    if name == "weekday":
        weekday = f"{first:%A}"
        run = _code("date", f'{_literal(first)}.strftime("%A")', weekday)
        return run, _WEEKDAYS[first.weekday()] if desk.language == "zh" else weekday
    if name in ("after", "before"):
        sign, shift = ("+", timedelta(days)) if name == "after" else ("-", -timedelta(days))
        day = first + shift
        expression = f"{_literal(first)} {sign} timedelta(days={days})"
        run = _code("date, timedelta", expression, day.isoformat())
        chinese = f" {day.year}年{day.month}月{day.day}日"
        return run, chinese if desk.language == "zh" else day.isoformat()
    if name == "day_of_year":
        result = str(first.timetuple().tm_yday)
        return _code("date", f"{_literal(first)}.timetuple().tm_yday", result), result
    if name == "leap":
        leap = calendar.isleap(first.year)
        expression = f"calendar.isleap({first.year})"
        return _calendar_code(expression, str(leap)), _LEAP[desk.language, leap]
    result = str(calendar.monthrange(first.year, first.month)[1])
    expression = f"calendar.monthrange({first.year}, {first.month})[1]"
    return _calendar_code(expression, result), result


def _literal(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"


def _code(names: str, expression: str, output: str) -> Run:
    return Run(f"from datetime import {names}\n{print_line(expression, rounded=False)}", output)


def _calendar_code(expression: str, output: str) -> Run:
    return Run(f"import calendar\n{print_line(expression, rounded=False)}", output)
