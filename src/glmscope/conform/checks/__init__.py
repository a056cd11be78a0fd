"""The checks, by what they look at. Each module registers its own when it is imported."""

from __future__ import annotations

import importlib
import pkgutil


def register_all() -> None:
    """Import every module of this package."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
