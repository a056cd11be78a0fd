from __future__ import annotations

from tests.server.conftest import keys, quiet

__all__ = ["keys", "quiet"]
