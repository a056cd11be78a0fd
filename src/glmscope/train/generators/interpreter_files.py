"""Questions about an uploaded CSV file, answered with pandas.

The file is announced as in the ChatGLM specification, section 8.2 "Code interpreter".
"""

from __future__ import annotations

from glmscope.train.generators.interpreter_formula import without_point_zero
from glmscope.train.generators.interpreter_material import Desk, Exchange, Run
from glmscope.train.generators.interpreter_numbers import draw

FOLDER = "/mnt/data/"

_EXPRESSIONS = {
    "mean": 'df["{column}"].mean()',
    "sum": 'df["{column}"].sum()',
    "max": 'df["{column}"].max()',
    "min": 'df["{column}"].min()',
    "rows": "len(df)",
    "columns": "list(df.columns)",
    "head": "df.head()",
}


def file_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One or two questions about a file; the second one without announcing it again."""
    stem, *columns = desk.pick(desk.material["words"][f"{desk.language}_tables"])
    announced = announcement(desk, stem)
    first = _exchange(desk, stem, columns)
    question = desk.pick([f"{announced}\n{first.question}", f"{first.question}\n{announced}"])
    exchanges = [Exchange(question, first.runs, first.answer)]
    if desk.rng.random() < 0.25:
        exchanges.append(_exchange(desk, stem, columns))
    return tuple(exchanges)


def announcement(desk: Desk, stem: str) -> str:
    """The lines by which a user's text says that a file was uploaded."""
    return f"#File: {FOLDER}{stem}.csv\n#Size: {desk.rng.randint(120, 90000)}\n#File uploaded"


def read_csv(stem: str, encoding: str = "") -> str:
    """The lines of code that read the file; UTF-8 unless an encoding is given."""
    how = f', encoding="{encoding}"' if encoding else ""
    return f'import pandas as pd\ndf = pd.read_csv("{FOLDER}{stem}.csv"{how})'


def _exchange(desk: Desk, stem: str, columns: list[str]) -> Exchange:
    section = desk.material["files"]
    name = desk.draw_name("files")
    column = desk.pick(columns[1:])
    output = {
        "mean": draw(desk.rng, "10..9999:2"),
        "rows": draw(desk.rng, "8..5000"),
        "columns": "[" + ", ".join(f"'{each}'" for each in columns) + "]",
        "head": _table(desk, columns),
    }.get(name) or draw(desk.rng, "10..9999")
    code = f"{read_csv(stem)}\nprint({_EXPRESSIONS[name].replace('{column}', column)})"
    result = str(len(columns)) if name == "head" else without_point_zero(output)
    slots = {"column": column, "result": result}
    entry = section[name]
    return Exchange(desk.ask(entry, slots), (Run(code, output),), desk.answer(entry, slots))


def _table(desk: Desk, columns: list[str]) -> str:
    """The first five rows as pandas prints them: the columns end below their names' ends."""
    names = desk.rng.sample("ABCDEFGH", 5)
    rows = [[name, *(draw(desk.rng, "1..500") for _ in columns[1:])] for name in names]
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    lines = [("", columns), *((str(index), row) for index, row in enumerate(rows))]
    return "\n".join(
        "  ".join(
            [f"{index:1}", *(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))]
        )
        for index, row in lines
    )
