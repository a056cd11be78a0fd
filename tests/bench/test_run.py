"""Rounds over a small network, and what of the wanted sizes fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glmscope.bench.machine import Gauge, Machine
from glmscope.bench.report import NetworkReport, Report, Row, keep_best
from glmscope.bench.roofline import draw_roofline
from glmscope.bench.run import Subject, measure
from glmscope.bench.sizes import Sizes, fitting
from glmscope.bench.timing import Decoded
from glmscope.bench.work import Work
from glmscope.engine.openvino import OpenVINOEngine
from tests.support.nano import write_nano

MACHINE = Machine(cores=2, processor="Test", bytes_per_second=1000.0, int8_per_second=50_000.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nano(tmp_path_factory.mktemp("nano"))


@pytest.fixture(scope="module")
def report(model: Path) -> Report:
    def load() -> OpenVINOEngine:
        return OpenVINOEngine.open(model, cache_gb=0.05)

    told: list[str] = []
    sizes = Sizes(prefill=(20, 300, 5000), streams=(1, 3), context=10, new=4)
    subjects = [Subject("one", load), Subject("two", load)]
    report = measure(subjects, sizes, 2, Gauge(read_bytes=2**16), told.append)
    turns = ("what the machine can do", "one", "two")
    assert told == [f"Round {number} of 2: {turn}" for number in (1, 2) for turn in turns]
    return report


def test_every_network_is_measured_and_what_does_not_fit_is_said(report: Report) -> None:
    assert [network.model for network in report.networks] == ["one", "two"]
    for network in report.networks:
        assert network.weights == "int8"
        assert network.load_seconds > 0
        assert [row.name for row in network.rows] == [
            *("prefill 20", "prefill 300", "decode ×1", "decode ×3")
        ]
        assert network.left_out == ["prefill 5000 is left out: 2048 positions are fewer."]


def test_rows_tell_every_number(report: Report) -> None:
    for row in report.networks[0].rows:
        assert row.tokens_per_second > 0
        assert row.first_token_seconds > 0
        assert row.bandwidth_share(report.machine) > 0
        if row.kind == "decode":
            assert row.gap_median_seconds is not None
            assert row.gap_p95_seconds is not None
            assert 0 < row.gap_median_seconds <= row.gap_p95_seconds


def test_all_of_it_is_json(report: Report) -> None:
    written = json.loads(json.dumps(report.as_json()))
    assert written["rounds"] == 2
    assert written["sizes"]["context"] == 10
    assert set(written["versions"]) == {"glmscope", "openvino"}
    assert written["machine"]["int8_per_second"] > 0
    rows = written["networks"][1]["rows"]
    assert [row.get("tokens") for row in rows] == [20, 300, None, None]
    assert [row.get("streams") for row in rows] == [None, None, 1, 3]


def test_a_picture(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_roofline(report, tmp_path / "roofline")
    assert (tmp_path / "roofline").read_bytes().startswith(b"\x89PNG")


def test_shares_are_of_what_the_machine_does() -> None:
    row = Row.of_prefill(tokens=10, seconds=2.0, work=Work(nbytes=500.0, operations=20_000.0))
    assert row.tokens_per_second == 5
    assert row.first_token_seconds == 2
    assert row.bandwidth_share(MACHINE) == 0.25
    assert row.int8_share(MACHINE) == 0.2


def test_a_step_of_all_streams_takes_as_long_as_a_token_of_one() -> None:
    decoded = Decoded(8.0, 10.0, (0.1, 0.2, 0.3, 0.4), (0.5,) * 19 + (1.5,))
    row = Row.of_decode(decoded, Work(nbytes=100.0, operations=1000.0))
    assert row.name == "decode ×4"
    assert row.seconds == 0.5
    assert row.bytes_per_second == 200
    assert row.operations_per_second == 2000
    assert row.first_token_seconds == pytest.approx(0.25)
    assert row.gap_median_seconds == 0.5
    assert row.gap_p95_seconds == pytest.approx(0.55)


def test_the_fastest_row_of_a_name_is_kept() -> None:
    best: dict[str, Row] = {}
    for seconds in (3.0, 1.0, 2.0):
        keep_best(best, Row.of_prefill(6, seconds, Work(1.0, 1.0)))
    assert [row.tokens_per_second for row in best.values()] == [6.0]


def test_a_report_without_memory_says_so() -> None:
    empty = Report(MACHINE, [NetworkReport("m", "int4", 1.0, [], [])], None, 1, Sizes())
    assert empty.as_json()["memory_peak"] is None


def test_what_fits_stays_as_it_is() -> None:
    sizes = Sizes()
    assert fitting(sizes, 9000, 100_000) == (sizes, [])


def test_streams_need_positions_and_cache() -> None:
    sizes = Sizes(prefill=(64,), streams=(1, 16), context=500, new=32)
    assert fitting(sizes, 64, 10_000)[0].prefill == ()
    kept, left_out = fitting(sizes, 600, 5000)
    assert kept.streams == (1,)
    # 16 streams read their prompts in two steps each, while the first ones decode already.
    assert left_out == [
        "decode ×16 is left out: the KV cache holds 5000 tokens, and 9152 are needed; "
        "--cache-gb makes it larger."
    ]
    kept, left_out = fitting(sizes, 560, 100_000)
    assert left_out == ["decode ×16 is left out: 572 positions a stream do not fit."]
