"""The options of `glmscope bench` that no other command takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.errors import UsageError

if TYPE_CHECKING:
    from glmscope.bench.sizes import Sizes

_HERE = "On this machine"
_SERVER = "Over a server"
_NOTHING = "none"


@dataclass(frozen=True)
class SizeOptions:
    """What is measured of networks on this machine."""

    prefill: Annotated[
        str,
        typer.Option(metavar="N,N,…", help='Tokens of prompts, or "none".', rich_help_panel=_HERE),
    ] = "128,512,2048,8192"
    streams: Annotated[
        str,
        typer.Option(
            metavar="N,N,…", help='Replies decoded side by side, or "none".', rich_help_panel=_HERE
        ),
    ] = "1,2,4,8,16"
    context: Annotated[
        int,
        typer.Option(
            min=1, help="Tokens that each of them has to look back on.", rich_help_panel=_HERE
        ),
    ] = 32
    new: Annotated[
        int,
        typer.Option(min=2, help="Tokens that each decodes while timed.", rich_help_panel=_HERE),
    ] = 32
    rounds: Annotated[
        int, typer.Option(min=1, help="The best of so many counts.", rich_help_panel=_HERE)
    ] = 3

    def sizes(self) -> Sizes:
        """As numbers. Raises UsageError for what is none."""
        from glmscope.bench.sizes import Sizes

        prefill = _numbers("--prefill", self.prefill)
        streams = _numbers("--streams", self.streams)
        if not prefill and not streams:
            raise UsageError("With neither --prefill nor --streams nothing is left to measure.")
        return Sizes(prefill, streams, self.context, self.new)


@dataclass(frozen=True)
class LoadOptions:
    """How a server is asked."""

    rate: Annotated[
        float,
        typer.Option(min=0.001, help="Requests a second, on average.", rich_help_panel=_SERVER),
    ] = 1.0
    requests: Annotated[
        int, typer.Option(min=1, max=100_000, help="How many.", rich_help_panel=_SERVER)
    ] = 50
    seed: Annotated[
        int, typer.Option(help="Draws the moments at which they leave.", rich_help_panel=_SERVER)
    ] = 0
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Longest reply.  [default: the model's]", rich_help_panel=_SERVER),
    ] = None
    question: Annotated[
        list[str] | None,
        typer.Option(
            help="What is asked; may be repeated, and is asked in turn.", rich_help_panel=_SERVER
        ),
    ] = None


def _numbers(option: str, text: str) -> tuple[int, ...]:
    """`128,512` as numbers."""
    if text == _NOTHING:
        return ()
    if not re.fullmatch(r"[1-9]\d{0,5}(,[1-9]\d{0,5})*", text):
        raise UsageError(f'{option} takes numbers like 128,512, or "none", not {text!r}.')
    return tuple(dict.fromkeys(map(int, text.split(","))))
