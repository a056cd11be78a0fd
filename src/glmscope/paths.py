"""Where GLMScope keeps its files: one directory of the user's, chosen by the system's habit.

    $GLMSCOPE_HOME, else ~/.local/share/glmscope on Linux and its like on other systems
    ├── glmscope.toml  the configuration, where there is one
    ├── glmscope.db    keys, usage, traces
    ├── calibrations.json  how fast networks are on this machine
    ├── models/        checkpoints as published, one directory a model
    └── converted/     what `glmscope convert` made of them

The functions only name places; `make_data_dir` alone touches the disk.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from glmscope.errors import UsageError

HOME_VARIABLE = "GLMSCOPE_HOME"


def default_data_dir() -> Path:
    """The data directory: `GLMSCOPE_HOME` where it is set and not empty, else the system's own."""
    home = os.environ.get(HOME_VARIABLE, "").strip()
    if home:
        return Path(home).expanduser().absolute()
    return platformdirs.user_data_path("glmscope", appauthor=False)


def database_path() -> Path:
    """The SQLite file that is used when no database is named."""
    return default_data_dir() / "glmscope.db"


def config_path() -> Path:
    """The configuration file that is read when none is named."""
    return default_data_dir() / "glmscope.toml"


def calibrations_path() -> Path:
    """What was measured of networks on this machine, for the start card."""
    return default_data_dir() / "calibrations.json"


def models_dir() -> Path:
    """Parent of the downloaded checkpoints."""
    return default_data_dir() / "models"


def converted_dir() -> Path:
    """Parent of the converted models."""
    return default_data_dir() / "converted"


def make_data_dir() -> Path:
    """Create the data directory, readable by its owner alone, where it is missing.

    Raises UsageError, naming the variable that moves it, when that cannot be done.
    """
    directory = default_data_dir()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The data directory {directory} cannot be made: {error.strerror}; name another in "
            f"{HOME_VARIABLE}."
        ) from None
    return directory
