"""The hand-written material and the settings are TOML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOMLError = tomllib.TOMLDecodeError


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. Raises OSError, or TOMLError for what is no TOML."""
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return content
