"""Where the service page's programs are."""

from __future__ import annotations

from pathlib import Path

# An installed package carries copies, a checkout has the originals (see pyproject.toml).
_PLACES = (
    Path(__file__).parents[1] / "pages",
    Path(__file__).parents[4] / "examples",
    Path(__file__).parents[4] / "examples/java/src/main/java",
)


def page(name: str) -> Path:
    """The file of that name. Raises FileNotFoundError when the package was built without it."""
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    raise FileNotFoundError(f"{name} is not part of this installation.")
