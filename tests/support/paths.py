"""Where tests find the material that does not ship with the repository.

`SHARED` is the folder `shared` beside the repository. `TOKENIZER` is a published `tokenizer.model`:
the file that the environment variable GLMSCOPE_TOKENIZER names, else the one among the golden
files, else None.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
GOLDEN = SHARED / "golden"


def _find_tokenizer() -> Path | None:
    named = os.environ.get("GLMSCOPE_TOKENIZER")
    candidate = Path(named) if named else GOLDEN / "tokenizer" / "tokenizer.model"
    return candidate if candidate.is_file() else None


TOKENIZER = _find_tokenizer()

needs_golden = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="the golden files (shared/golden beside the repository) are absent"
)
needs_tokenizer = pytest.mark.skipif(
    TOKENIZER is None,
    reason="no published tokenizer.model: neither GLMSCOPE_TOKENIZER nor shared/golden has one",
)
