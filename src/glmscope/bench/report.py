"""What was measured of networks on this machine, each number beside what limits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import openvino

import glmscope
from glmscope.bench.machine import Machine
from glmscope.bench.memory import Memory
from glmscope.bench.percentiles import percentile
from glmscope.bench.sizes import Sizes
from glmscope.bench.timing import Decoded
from glmscope.bench.work import Work


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a prompt that was read, or streams that were decoded together."""

    kind: Literal["prefill", "decode"]
    size: int
    """Tokens of the prompt, or number of streams."""
    tokens_per_second: float
    """Read, or decoded by all streams together."""
    first_token_seconds: float
    """From the request on; of streams that were asked at once, the median."""
    work: Work
    """Of the whole prefill, or of one decoding step."""
    seconds: float
    """What `work` took."""
    gap_median_seconds: float | None = None
    gap_p95_seconds: float | None = None
    """Between two tokens of a stream."""

    @classmethod
    def of_prefill(cls, tokens: int, seconds: float, work: Work) -> Row:
        """A prompt of `tokens` whose reply began after `seconds`."""
        return cls("prefill", tokens, tokens / seconds, seconds, work, seconds)

    @classmethod
    def of_decode(cls, decoded: Decoded, work: Work) -> Row:
        """Streams side by side; `work` is that of a step."""
        streams = len(decoded.first_seconds)
        return cls(
            kind="decode",
            size=streams,
            tokens_per_second=decoded.tokens_per_second,
            first_token_seconds=percentile(decoded.first_seconds, 50),
            work=work,
            seconds=streams / decoded.tokens_per_second,
            gap_median_seconds=percentile(decoded.gap_seconds, 50),
            gap_p95_seconds=percentile(decoded.gap_seconds, 95),
        )

    @property
    def name(self) -> str:
        """As the table calls it."""
        return f"prefill {self.size}" if self.kind == "prefill" else f"decode ×{self.size}"

    @property
    def bytes_per_second(self) -> float:
        """Bytes that had to be read, by the time it took."""
        return self.work.nbytes / self.seconds

    @property
    def operations_per_second(self) -> float:
        """Operations that had to be done, by the time it took."""
        return self.work.operations / self.seconds

    def bandwidth_share(self, machine: Machine) -> float:
        """Of the bytes/s that the machine reads at best."""
        return self.bytes_per_second / machine.bytes_per_second

    def int8_share(self, machine: Machine) -> float:
        """Of the int8 operations/s that the machine does at best."""
        return self.operations_per_second / machine.int8_per_second

    def as_json(self, machine: Machine) -> dict[str, Any]:
        """Every number under its unit."""
        return {
            "kind": self.kind,
            "tokens" if self.kind == "prefill" else "streams": self.size,
            "tokens_per_second": self.tokens_per_second,
            "first_token_seconds": self.first_token_seconds,
            "gap_median_seconds": self.gap_median_seconds,
            "gap_p95_seconds": self.gap_p95_seconds,
            "bytes": self.work.nbytes,
            "operations": self.work.operations,
            "bytes_per_second": self.bytes_per_second,
            "operations_per_second": self.operations_per_second,
            "bandwidth_share": self.bandwidth_share(machine),
            "int8_share": self.int8_share(machine),
        }


def keep_best(best: dict[str, Row], row: Row) -> None:
    """Keep `row` under its name if it is the fastest so far."""
    before = best.setdefault(row.name, row)
    best[row.name] = max(before, row, key=lambda each: each.tokens_per_second)


@dataclass(frozen=True)
class NetworkReport:
    """One network: how long it took to load, its rows, and what did not fit it."""

    model: str
    weights: str
    load_seconds: float
    rows: Sequence[Row]
    left_out: Sequence[str]
    """A sentence each."""


@dataclass(frozen=True)
class Report:
    """One run: networks in turn, round after round, the best of each kept."""

    machine: Machine
    networks: Sequence[NetworkReport]
    memory: Memory | None
    """The peak of the process with all of the networks; None where the system does not tell."""
    rounds: int
    sizes: Sizes
    """As they were wanted."""

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "versions": {"glmscope": glmscope.__version__, "openvino": openvino.__version__},
            "machine": self.machine.as_json(),
            "rounds": self.rounds,
            "sizes": asdict(self.sizes),
            "memory_peak": None if self.memory is None else self.memory.as_json(),
            "networks": [
                {
                    "model": network.model,
                    "weights": network.weights,
                    "load_seconds": network.load_seconds,
                    "rows": [row.as_json(self.machine) for row in network.rows],
                    "left_out": list(network.left_out),
                }
                for network in self.networks
            ],
        }
