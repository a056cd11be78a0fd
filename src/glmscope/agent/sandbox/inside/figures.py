"""The backend of matplotlib inside a sandbox: `plt.show()` shows figures as pictures."""

from __future__ import annotations

from typing import Any, ClassVar

from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from . import display
from .replies import Replies

replies: list[Replies] = []  # the kernel's, put here when it starts


class FigureManager(FigureManagerBase):  # type: ignore[misc, unused-ignore]
    """Shows by handing out a picture."""

    def show(self) -> None:
        """`figure.show()`."""
        display.show_figure(self.canvas.figure, replies[0])

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """`plt.show()`: every open figure."""
        display.show_figures(replies[0])


class FigureCanvas(FigureCanvasAgg):  # type: ignore[misc, unused-ignore]
    """Draws in memory."""

    manager_class: ClassVar[Any] = FigureManager
