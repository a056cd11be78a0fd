"""The small model that comes with the package, as `glmscope convert` writes it, in `model/`."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "GLMSCOPE_NANO"
"""Names another converted directory to take the built-in model's place."""

_PACKAGED = Path(__file__).parent / "model"


def directory() -> Path:
    """Where the model lies, if it is here at all."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named).expanduser().absolute() if named else _PACKAGED


def is_here() -> bool:
    """Whether there is a model: a source tree may have been taken without its weights."""
    return directory().is_dir()
