"""Whom sandboxes that root starts become: a user of its own each, who owns nothing.

The ids lie below 65,536, so that containers with user namespaces of their own have them, and in a
range that systemd leaves unused (systemd's "Users, Groups, UIDs and GIDs").
"""

from __future__ import annotations

import random

from glmscope.errors import SandboxUnavailable

_FIRST, _COUNT = 61_000, 100


class UserIds:
    """Those that are free. Chosen by chance, so that two servers rarely share one."""

    def __init__(self) -> None:
        self._free = list(range(_FIRST, _FIRST + _COUNT))
        random.shuffle(self._free)

    def take(self) -> int:
        """One that no sandbox of this process has. Raises SandboxUnavailable."""
        if not self._free:
            raise SandboxUnavailable(f"There are {_COUNT} sandboxes already.")
        return self._free.pop()

    def give_back(self, uid: int) -> None:
        """When its sandbox is gone."""
        self._free.append(uid)
