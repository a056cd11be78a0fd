"""JSON files that hold an object with a list of rules: scripts and fault plans."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from glmscope.errors import UsageError
from glmscope.names import check_known


def read_text(path: Path, kind: str) -> str:
    """The text of the file; `kind`, such as "script", names it in the UsageError that it raises."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"Cannot read the {kind} {path}: {reason}.") from error


def parse(text: str, name: str, others: Collection[str] = ()) -> dict[str, Any]:
    """The object: "rules", a list of anything, and what `others` allows beside it.

    Raises UsageError for anything else; `name` stands for the file in it.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise UsageError(f'{name} must be an object with a list "rules".')
    check_known(document, ["rules", *others], f"{name} has an unknown name,")
    return document
