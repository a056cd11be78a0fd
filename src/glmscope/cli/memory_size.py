"""Sizes of memory as people write them."""

from __future__ import annotations

import re

from glmscope.errors import UsageError


def parse_memory(text: str | int) -> int:
    """`6GB`, `6.5 GiB` or `800MB` in bytes. Raises UsageError for anything else.

    A configuration file may hold a number, which is no size either.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?", str(text).strip(), re.IGNORECASE)
    if found is None:
        raise UsageError(f"--memory takes a size like 6GB or 5.5GiB, not {text!r}.")
    number, unit, binary = found.groups()
    base = 1024 if binary else 1000
    return int(float(number) * base ** (1 + "kmgt".index(unit.lower())))
