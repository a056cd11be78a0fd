"""Questions about times of the day: how long from one to another, and when something is over."""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.train.generators.interpreter_formula import without_point_zero
from glmscope.train.generators.interpreter_material import Desk, Exchange, Run
from glmscope.train.generators.interpreter_numbers import in_words
from glmscope.train.generators.interpreter_sums import formula_run

_DAY = 24 * 60
_CHINESE_PERIODS = (
    (5, ("凌晨",)),
    (8, ("早上", "早上", "清晨", "早晨")),
    (12, ("上午", "上午", "早上")),
    (13, ("中午",)),
    (18, ("下午",)),
    (19, ("傍晚", "下午")),
    (21, ("晚上",)),
    (23, ("晚上", "晚上", "夜里")),
    (24, ("晚上", "夜里", "深夜")),
)
_ENGLISH_PERIODS = (
    (1, "at night"),
    (12, "in the morning"),
    (18, "in the afternoon"),
    (21, "in the evening"),
    (24, "at night"),
)
"""Names of the time before each hour."""
_STYLES = {"digits": 5, "hours": 4, "words": 2}
"""How times are typed, by weight: 20:30; 晚上8点30分, 8:30 pm; 晚上八点半, half past eight."""
_NAMED_MINUTES = {0: "", 15: "一刻", 30: "半", 45: "三刻"}
_SPOKEN_MINUTES = {15: "quarter past", 30: "half past"}


@dataclass(frozen=True, slots=True)
class Time:
    """A time of the day."""

    hour: int
    minute: int

    @classmethod
    def at(cls, minutes: int) -> Time:
        """So many minutes after midnight."""
        return cls(minutes // 60 % 24, minutes % 60)

    @property
    def code(self) -> str:
        """Its minutes since midnight."""
        return f"{self.hour} * 60 + {self.minute}"


def clock_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One question from the section `clock`.

    `minutes` and `hours` ask for the time between two, `overnight` for minutes past midnight, `end`
    for the time so many minutes after another one, `start` before it.
    """
    section = desk.material["clock"]
    name = desk.draw_name("clock")
    first, length = _drawn(desk, name)
    second = Time.at(first.hour * 60 + first.minute + length)
    style = desk.rng.choices(list(_STYLES), list(_STYLES.values()))[0]
    slots = {"a": typed(desk, first, style), "b": typed(desk, second, style), "n": str(length)}
    run = _run(name, first, second, length)
    slots["result"] = without_point_zero(run.output)
    return (Exchange(desk.ask(section[name], slots), (run,), desk.answer(section[name], slots)),)


def _drawn(desk: Desk, name: str) -> tuple[Time, int]:
    """A time and how many minutes pass until the other one."""
    rng = desk.rng
    step = 30 if name == "hours" else rng.choice((1, 5, 5, 5, 15))
    if name == "overnight":
        begins = rng.randrange(19 * 60, _DAY, step)
        return Time.at(begins), _DAY - begins + rng.randrange(0, 10 * 60, step)
    if name in ("end", "start"):
        length = rng.randrange(5, 300, rng.choice((1, 5)))
        begins = rng.randrange(6 * 60, 18 * 60, step)
        return Time.at(begins), length
    length = rng.randrange(step, rng.choice((3, 6, 12)) * 60, step)
    return Time.at(rng.randrange(5 * 60, _DAY - length, step)), length


def _run(name: str, first: Time, second: Time, length: int) -> Run:
    """The code with what it prints."""
    between = f"({second.code}) - ({first.code})"
    if name == "minutes":
        return formula_run(between, between)
    if name == "hours":
        return formula_run(f"({between}) / 60", f"({between}) / 60")
    if name == "overnight":
        over = f"24 * 60 - ({first.code}) + ({second.code})"
        return formula_run(over, over)
    known, other, sign = (first, second, "+") if name == "end" else (second, first, "-")
    shown = f"{other.hour}:{other.minute:02d}"
    code = f"minutes = {known.code} {sign} {length}\n"
    return Run(code + 'print(f"{minutes // 60}:{minutes % 60:02d}")', shown)


def typed(desk: Desk, time: Time, style: str) -> str:
    """A time as people type it, in 24 hours, or with words for the half of the day."""
    if style == "digits":
        return f"{time.hour}:{time.minute:02d}"
    return _chinese(desk, time, style) if desk.language == "zh" else _english(desk, time, style)


def _chinese(desk: Desk, time: Time, style: str) -> str:
    """下午5点05分, or in words 下午五点一刻."""
    periods = next(names for before, names in _CHINESE_PERIODS if time.hour < before)
    hour = str(_of_twelve(time.hour)) if time.hour else "0"
    if style == "words":
        hour = "两" if hour == "2" else in_words(hour, "zh")
        minute = _NAMED_MINUTES.get(time.minute)
        if minute is None:
            tens = "零" if time.minute < 10 else ""
            unit = "分" if time.minute == 10 else desk.pick(["分", ""])  # 九点十 is no time
            minute = f"{tens}{in_words(str(time.minute), 'zh')}{unit}"
    elif time.minute == 30 and desk.rng.random() < 0.5:
        minute = "半"
    else:
        minute = f"{time.minute:{desk.pick(['02d', 'd'])}}分" if time.minute else ""
    return f"{desk.pick(periods)}{hour}点{minute or desk.pick(['', '', '整'])}"


def _english(desk: Desk, time: Time, style: str) -> str:
    """5:05 pm, or in words half past five in the afternoon."""
    hour, morning = _of_twelve(time.hour), time.hour < 12
    if style == "words" and time.minute in _SPOKEN_MINUTES:
        part = next(name for before, name in _ENGLISH_PERIODS if time.hour < before)
        return f"{_SPOKEN_MINUTES[time.minute]} {in_words(str(hour), 'en')} {part}"
    half = desk.pick([" am", " a.m.", " AM", "am"] if morning else [" pm", " p.m.", " PM", "pm"])
    minute = f":{time.minute:02d}" if time.minute or desk.rng.random() < 0.3 else ""
    return f"{hour}{minute}{half}"


def _of_twelve(hour: int) -> int:
    """The hour as a dial shows it."""
    return (hour - 1) % 12 + 1
