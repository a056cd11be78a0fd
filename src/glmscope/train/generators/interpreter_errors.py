"""Code that fails where it is run: what is run instead, or why there is no result."""

from __future__ import annotations

from glmscope.train.generators.interpreter_files import announcement, read_csv
from glmscope.train.generators.interpreter_formula import (
    UnsuitableError,
    print_line,
    without_point_zero,
)
from glmscope.train.generators.interpreter_lists import (
    Items,
    draw_items,
    list_code,
    typed_list,
)
from glmscope.train.generators.interpreter_material import Desk, Exchange, Run
from glmscope.train.generators.interpreter_numbers import draw

_NUMPY = {"mean": "np.mean(data)", "deviation": "np.std(data)", "variance": "np.var(data)"}
_SHORT_MONTHS = {2: 30, 4: 31, 6: 31, 9: 31, 11: 31}
"""A day that these months never have."""


def error_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One question whose code fails, or might have failed."""
    make = desk.rng.choice([_numpy, _encoding, _by_zero, _no_such_date])
    return (make(desk),)


def traceback(line: int, error: str) -> str:
    """What Python prints for an error at that line of code given on its input."""
    return (
        f'Traceback (most recent call last):\n  File "<stdin>", line {line}, in <module>\n{error}'
    )


def _numpy(desk: Desk) -> Exchange:
    """The user wants numpy, which may be missing."""
    name = desk.pick(list(_NUMPY))
    items, plain = _list_with_result(desk, name)
    code = "\n".join(
        ["import numpy as np", f"data = {items.literal}", print_line(_NUMPY[name], rounded=True)]
    )
    if desk.rng.random() < 0.4:
        runs: tuple[Run, ...] = (Run(code, str(float(plain.output))),)
    else:
        runs = (Run(code, traceback(1, "ModuleNotFoundError: No module named 'numpy'")), plain)
    entry = desk.material["errors"][f"numpy_{name}"]
    result = without_point_zero(plain.output)
    slots = {"data": typed_list(desk, items.written), "result": result}
    return Exchange(desk.ask(entry, slots), runs, desk.answer(entry, slots))


def _list_with_result(desk: Desk, name: str) -> tuple[Items, Run]:
    while True:
        items = draw_items(desk, "")
        try:
            return items, list_code(name, items, "0")
        except UnsuitableError:
            continue


def _encoding(desk: Desk) -> Exchange:
    """A file in GBK: read again with its encoding."""
    stem, *columns = desk.pick(desk.material["words"][f"{desk.language}_tables"])
    column = desk.pick(columns[1:])
    last = f'print(df["{column}"].mean())'
    error = "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xd0 in position 0: "
    failed = Run(f"{read_csv(stem)}\n{last}", traceback(2, f"{error}invalid continuation byte"))
    output = draw(desk.rng, "10..9999:2")
    again = Run(f"{read_csv(stem, encoding='gbk')}\n{last}", output)
    entry = desk.material["files"]["mean"]
    slots = {"column": column, "result": output}
    question = f"{announcement(desk, stem)}\n{desk.ask(entry, slots)}"
    return Exchange(question, (failed, again), desk.answer(entry, slots))


def _by_zero(desk: Desk) -> Exchange:
    number = draw(desk.rng, "whole")
    code = print_line(f"{number} / 0", rounded=True)
    run = Run(code, traceback(1, "ZeroDivisionError: division by zero"))
    question = desk.ask(desk.material["sums"]["divide"], {"a": number, "b": "0"})
    entry = desk.material["errors"]["by_zero"]
    return Exchange(question, (run,), desk.answer(entry, {}))


def _no_such_date(desk: Desk) -> Exchange:
    year, month = desk.rng.randint(1950, 2050), desk.pick(list(_SHORT_MONTHS))
    day = _SHORT_MONTHS[month]
    typed = f"{year}年{month}月{day}日" if desk.language == "zh" else f"{year}-{month:02}-{day}"
    last = print_line(f'date({year}, {month}, {day}).strftime("%A")', rounded=False)
    error = traceback(2, "ValueError: day is out of range for month")
    run = Run(f"from datetime import date\n{last}", error)
    question = desk.ask(desk.material["dates"]["weekday"], {"a": typed})
    entry = desk.material["errors"]["no_such_date"]
    return Exchange(question, (run,), desk.answer(entry, {}))
