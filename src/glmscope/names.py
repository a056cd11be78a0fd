"""Names that somebody wrote by hand, and the ones that there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from glmscope.errors import UsageError


def check_known(given: Iterable[str], known: Iterable[str], complaint: str) -> None:
    """Raises UsageError for the first name that is not known, with the nearest one that is.

    `complaint` begins the sentence, such as `x.toml: unknown name`; the name in quotes follows.
    """
    known = sorted(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}."
            raise UsageError(f'{complaint} "{name}"; {hint}')
