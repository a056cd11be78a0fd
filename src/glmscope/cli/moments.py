"""Days and spans of time as people type them: `30d`, `12h`, `2026-12-31`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from glmscope.errors import UsageError

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def read_span(text: str, option: str) -> timedelta:
    """`90m`, `12h` or `30d`. Raises UsageError, naming the option, for anything else."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text.strip())
    if found is None:
        raise UsageError(f"{option} is a span like 90m, 12h or 30d, not {text!r}.")
    return int(found[1]) * _UNITS[found[2]]


def read_end(text: str, option: str) -> datetime:
    """When something ends: after a span from now, or with the last second of a day in UTC.

    Raises UsageError, naming the option, for anything else and for what is over already.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)
    if text[-1:] in _UNITS:
        end = now + read_span(text, option)
    else:
        day = _read_date(text, f"{option} is a span like 30d or a day like 2026-12-31")
        end = datetime.combine(day, time.max, timezone.utc).replace(microsecond=0)
    if end <= now:
        raise UsageError(f"{option}: {text} is over already.")
    return end


def read_day(text: str, option: str) -> date:
    """A day in UTC: a date, or so many days ago. Raises UsageError, naming the option."""
    if re.fullmatch(r"[0-9]{1,5}d", text):
        return datetime.now(timezone.utc).date() - timedelta(days=int(text[:-1]))
    return _read_date(text, f"{option} is a day like 2026-12-31, or 30d for thirty days ago")


def _read_date(text: str, meaning: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{meaning}, not {text!r}.") from None
