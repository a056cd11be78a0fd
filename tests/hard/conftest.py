from __future__ import annotations

from tests.server.conftest import quiet

__all__ = ["quiet"]
