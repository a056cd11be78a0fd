"""Questions that are answered with a picture by matplotlib."""

from __future__ import annotations

from glmscope.train.generators.interpreter_lists import typed_list
from glmscope.train.generators.interpreter_material import Desk, Exchange, Run
from glmscope.train.generators.interpreter_numbers import draw

IMAGE = "[Image]"
"""What stands for a picture in an observation."""

_CURVES = {
    "np.sin(x)": (
        ("正弦函数", "正弦曲线", "y=sin(x)", "sin函数"),
        ("y = sin(x)", "the sine function"),
    ),
    "np.cos(x)": (("余弦函数", "余弦曲线", "y=cos(x)"), ("y = cos(x)", "the cosine function")),
    "x ** 2": (("y=x^2", "y=x²", "二次函数y=x^2"), ("y = x^2", "x squared")),
    "x ** 3": (("y=x^3", "y=x³"), ("y = x^3", "x cubed")),
    "np.exp(x)": (("指数函数", "y=e^x"), ("y = e^x", "the exponential function")),
    "2 * x + 1": (("y=2x+1",), ("y = 2x + 1",)),
}


def plot_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One question from the section `plots`."""
    section = desk.material["plots"]
    name = desk.draw_name("plots")
    size = desk.rng.randint(3, 7)
    spec = desk.pick(["1..9", "1..100", "10..99", "100..999", "1..40:1"])
    data = [draw(desk.rng, spec) for _ in range(size)]
    more = [draw(desk.rng, spec) for _ in range(size)]
    groups = desk.material["words"][f"{desk.language}_labels"]
    labels = desk.pick([group for group in groups if len(group) >= 3])[:size]
    if name in ("bar", "pie"):
        data = data[: len(labels)]
    curve = desk.pick(list(_CURVES))
    slots = {
        "data": typed_list(desk, data),
        "more": typed_list(desk, more),
        "labels": typed_list(desk, labels),
        "curve": desk.pick(_CURVES[curve][desk.language == "en"]),
    }
    lines = {
        "line": [f"data = {_numbers(data)}", 'plt.plot(data, marker="o")'],
        "bar": [*_labelled(labels, data), "plt.bar(labels, data)"],
        "pie": [*_labelled(labels, data), 'plt.pie(data, labels=labels, autopct="%1.1f%%")'],
        "scatter": [f"x = {_numbers(data)}", f"y = {_numbers(more)}", "plt.scatter(x, y)"],
        "sine": ["x = np.linspace(-10, 10, 500)", f"plt.plot(x, {curve})"],
    }[name]
    imports = ["import matplotlib.pyplot as plt"]
    if name == "sine":
        imports.insert(0, "import numpy as np")
    code = "\n".join([*imports, *lines, 'plt.savefig("plot.png")', "plt.show()"])
    entry = section[name]
    return (Exchange(desk.ask(entry, slots), (Run(code, IMAGE),), desk.answer(entry, slots)),)


def _numbers(data: list[str]) -> str:
    return f"[{', '.join(data)}]"


def _labelled(labels: list[str], data: list[str]) -> list[str]:
    quoted = ", ".join(f'"{label}"' for label in labels)
    return [f"labels = [{quoted}]", f"data = {_numbers(data)}"]
