"""Running checks: each kind of client in a lane of its own, side by side."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from glmscope.conform.check import CHECKS, Check, Lane, MismatchError, Skip, letters
from glmscope.conform.checks import register_all
from glmscope.conform.sdk.sdk import Sdk
from glmscope.conform.table import ROWS
from glmscope.conform.target import Target

_WIRE_CHECKS_AT_ONCE = 4
_NO_SCRIPT = "needs the scripted engine with the conformance script"


class Outcome(enum.Enum):
    """How a check ended."""

    PASSED = "pass"
    FAILED = "fail"
    SKIPPED = "skip"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table: a numbered check as one kind of client saw it."""

    number: int
    who: str
    client: str
    outcome: Outcome
    reason: str
    seconds: float

    @property
    def text(self) -> str:
        """What the check says."""
        return ROWS[self.number - 1].text


@dataclass(frozen=True, slots=True)
class Absent:
    """A kind of client that is not there, and why."""

    lane: Lane
    reason: str


def run_checks(
    target: Target,
    sdks: Sequence[Sdk],
    absent: Sequence[Absent] = (),
    only: Collection[int] | None = None,
    progress: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Run the checks numbered in `only`, or all, and return their results in the table's order.

    Raises OSError when nothing answers at the address.
    """
    register_all()
    run = _Run(target.plays_script, progress)
    wanted = [check for check in CHECKS if only is None or check.number in only]
    shared = [check for check in wanted if not check.alone]
    # The slowest first, so that nobody waits for it in the end.
    raw = sorted(_numbers(shared, Lane.WIRE), key=lambda group: group[0].number != 53)
    # What a network says may depend on how many ask at once, in the last digits of its numbers.
    at_once = len(sdks) + _WIRE_CHECKS_AT_ONCE if run.plays_script else 1
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(run.lane, _numbers(shared, sdk.lane), sdk) for sdk in sdks]
        futures += [pool.submit(run.one, group, target, "raw") for group in raw]
        for future in futures:
            future.result()
    for group in _numbers([check for check in wanted if check.alone], Lane.WIRE):
        run.one(group, target, "raw")
    for missing in absent:
        for group in _numbers(wanted, missing.lane):
            run.add(group[0], missing.lane.value, Outcome.SKIPPED, missing.reason, 0.0)
    return sorted(run.results, key=lambda result: (result.number, result.client))


def _numbers(checks: Sequence[Check], lane: Lane) -> list[list[Check]]:
    """The checks of a lane, those of one number together."""
    groups: dict[int, list[Check]] = {}
    for check in checks:
        if check.lane is lane:
            groups.setdefault(check.number, []).append(check)
    return list(groups.values())


class _Run:
    def __init__(self, plays_script: bool, progress: Callable[[Result], None]) -> None:
        self.results: list[Result] = []
        self.plays_script = plays_script
        self._progress = progress
        self._lock = threading.Lock()

    def lane(self, groups: list[list[Check]], sdk: Sdk) -> None:
        for group in groups:
            self.one(group, sdk, sdk.name)

    def one(self, group: list[Check], subject: Target | Sdk, client: str) -> None:
        started = time.monotonic()
        outcome, reason = run_one(group, subject, self.plays_script)
        self.add(group[0], client, outcome, reason, time.monotonic() - started)

    def add(self, check: Check, client: str, outcome: Outcome, reason: str, seconds: float) -> None:
        who = letters(check.number, check.lane)
        result = Result(check.number, who, client, outcome, reason, seconds)
        with self._lock:
            self.results.append(result)
            self._progress(result)


def run_one(
    group: Sequence[Check], subject: Target | Sdk, plays_script: bool
) -> tuple[Outcome, str]:
    """Run the parts of one numbered check that can be run; the first that does not pass decides."""
    outcome, reason = Outcome.SKIPPED, _NO_SCRIPT
    for part in group:
        if plays_script or not part.needs_script:
            outcome, reason = _attempt(part, subject)
            if outcome is not Outcome.PASSED:
                break
    return outcome, reason


def _attempt(check: Check, subject: Target | Sdk) -> tuple[Outcome, str]:
    try:
        check.body(subject)
    except Skip as skipped:
        return Outcome.SKIPPED, str(skipped)
    except MismatchError as mismatch:
        return Outcome.FAILED, str(mismatch)
    except Exception as error:
        # An answer that cannot be read, or none at all, is not what the protocol says either.
        return Outcome.FAILED, f"{type(error).__name__}: {str(error)[:200]}"
    return Outcome.PASSED, ""
