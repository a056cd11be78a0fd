"""Values as text and as pictures."""

from __future__ import annotations

import io
import sys
from typing import Any

from .replies import Replies

_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "AR PL UMing CN",
    "AR PL UKai CN",
)


def show(value: object, replies: Replies) -> None:
    """Show a value: a picture where it has one, else its text as Python writes it."""
    png = getattr(type(value), "_repr_png_", None)
    picture = png(value) if png else None
    if isinstance(picture, bytes):
        replies.image(picture)
    else:
        replies.text("value", f"{value!r}\n")


def show_figures(replies: Replies) -> None:
    """Show the figures that are open, in the order in which they were made, and close them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        try:
            show_figure(figure, replies)
        finally:
            pyplot.close(figure)


def show_figure(figure: Any, replies: Replies) -> None:  # noqa: ANN401 (matplotlib is optional)
    """Show a figure of matplotlib's."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    replies.image(file.getvalue())


def prepare_libraries() -> None:
    """Import what is installed before the first cell asks for it, and set it up for text."""
    for prepare in (_prepare_pandas, _prepare_matplotlib):
        try:
            prepare()
        except ImportError:
            continue


def _prepare_pandas() -> None:
    import pandas as pd

    pd.set_option("display.width", 120)
    pd.set_option("display.max_columns", 30)
    pd.set_option("display.unicode.east_asian_width", True)


def _prepare_matplotlib() -> None:
    import logging

    import matplotlib.pyplot as plt
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    chinese = [name for name in _CHINESE_FONTS if name in installed][:1]
    # After the usual family, so that it helps out even where a cell names fonts that are not here.
    plt.rcParams["font.family"] = [*plt.rcParams["font.family"], *chinese]
    plt.rcParams["axes.unicode_minus"] = False
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
