"""The options that say what a key may do, how much, and until when."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated

import typer

from glmscope.cli.moments import read_end
from glmscope.errors import UsageError
from glmscope.store.keyinfo import NO_LIMIT, KeyLimits, KeyTerms

_TERMS = "What the key may do"

ModelsOption = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="ID,ID…|all",
        help="The models that it may use.",
        rich_help_panel=_TERMS,
    ),
]
ExpiresOption = Annotated[
    str | None,
    typer.Option(
        "--expires",
        metavar="30d|2026-12-31|never",
        help="When it ends: after a span, or after a day (UTC).",
        rich_help_panel=_TERMS,
    ),
]
_METAVAR = "N|none|default"
RequestsOption = Annotated[
    str | None,
    typer.Option("--rpm", metavar=_METAVAR, help="Requests a minute.", rich_help_panel=_TERMS),
]
TokensOption = Annotated[
    str | None,
    typer.Option(
        "--tpm", metavar=_METAVAR, help="Tokens a minute, in and out.", rich_help_panel=_TERMS
    ),
]
ConcurrentOption = Annotated[
    str | None,
    typer.Option(
        "--concurrent",
        metavar=_METAVAR,
        help="Requests at the same time.",
        rich_help_panel=_TERMS,
    ),
]
MonthlyOption = Annotated[
    str | None,
    typer.Option(
        "--monthly",
        metavar=_METAVAR,
        help="Tokens a month (UTC), in and out.",
        rich_help_panel=_TERMS,
    ),
]


@dataclass(frozen=True)
class TermOptions:
    """The options as given; None leaves a term as it is."""

    models: ModelsOption = None
    expires: ExpiresOption = None
    requests_per_minute: RequestsOption = None
    tokens_per_minute: TokensOption = None
    concurrent_requests: ConcurrentOption = None
    tokens_per_month: MonthlyOption = None

    def applied_to(self, terms: KeyTerms) -> KeyTerms:
        """`terms` with what was given changed. Raises UsageError for what cannot be read."""
        if self.models is not None:
            terms = replace(terms, models=_read_models(self.models))
        if self.expires is not None:
            never = self.expires == "never"
            terms = replace(
                terms, expires_at=None if never else read_end(self.expires, "--expires")
            )
        limits = {
            limit.name: _read_limit(given)
            for limit in fields(KeyLimits)
            if (given := getattr(self, limit.name)) is not None
        }
        return replace(terms, limits=replace(terms.limits, **limits))


def described(terms: KeyTerms) -> str:
    """What is special about a key, a line each; empty for an ordinary one without limits."""
    lines = [] if terms.role.value == "user" else [terms.role.value]
    if terms.models is not None:
        lines.append(f"models {', '.join(sorted(terms.models))}")
    for name, value in terms.limits.given().items():
        lines.append(f"{name.replace('_', ' ')}: {value if value != NO_LIMIT else 'none'}")
    return "\n".join(lines)


def _read_models(text: str) -> frozenset[str] | None:
    if text == "all":
        return None
    models = frozenset(model.strip() for model in text.split(","))
    if not all(model and model.isprintable() for model in models):
        raise UsageError("--models is a list of model ids with commas between, or all.")
    return models


def _read_limit(text: str) -> int | None:
    if text in ("none", "default"):
        return NO_LIMIT if text == "none" else None
    if not text.isascii() or not text.isdecimal() or int(text) == NO_LIMIT:
        raise UsageError(
            f"A limit is a whole number from 1 on, none for no limit, or default, not {text!r}."
        )
    return int(text)
