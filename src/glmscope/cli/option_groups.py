"""Options that several commands take, written down once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from inspect import Parameter
from typing import Any


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A Typer command that takes, in place of a parameter of a dataclass, that class's fields.

    Each field is annotated as an option and has a default; `command` takes keywords only.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, tuple[Callable[..., Any], list[Parameter]]] = {}
    shown: list[Parameter] = []
    for name, parameter in signature.parameters.items():
        kind = parameter.annotation
        if isinstance(kind, type) and is_dataclass(kind):
            groups[name] = kind, _options(kind)
            shown += groups[name][1]
        else:
            shown.append(parameter)

    @functools.wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 (whatever the options are of)
        for name, (group, options) in groups.items():
            given[name] = group(**{option.name: given.pop(option.name) for option in options})
        command(**given)

    # Typer reads both.
    run.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return run


def _options(group: type) -> list[Parameter]:
    fields = inspect.signature(group, eval_str=True).parameters.values()
    return [field.replace(kind=Parameter.KEYWORD_ONLY) for field in fields]
