"""The start card's figures: measured of an idle engine, kept for this machine, read with advice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glmscope.chat.service import ServedModel
from glmscope.cli import calibration, fit_card
from glmscope.cli.calibration import Calibration, Disturbed, calibrate, keep, kept_calibration
from glmscope.cli.fit_card import FitCard, advice
from glmscope.cli.memory import GIB, need_of
from glmscope.cli.options import ModelOptions
from glmscope.cli.wiring import open_models
from glmscope.engine.engine import EngineLoad
from glmscope.engine.openvino import OpenVINOEngine
from glmscope.model.manifest import read_manifest
from tests.cli.support import WAIT, glmscope, serving
from tests.support.nano import write_nano

MEASURED = Calibration(
    one=5.0,
    many=30.0,
    streams=8,
    prompt_tokens=128,
    first_seconds=2.5,
    bytes_per_second=20e9,
    step_bytes=3.2e9,
)


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may need more than the ten seconds of a server."""
    monkeypatch.setattr(calibration, "SECONDS", WAIT)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nano(tmp_path_factory.mktemp("calibration"))


@pytest.fixture
def served(home: Path, directory: Path) -> Iterator[ServedModel]:
    (model,) = open_models(ModelOptions(models=(f"m={directory}",), cache_gb=0.05))
    yield model
    asyncio.run(model.engine.close())


def engine_of(model: ServedModel) -> OpenVINOEngine:
    assert isinstance(model.engine, OpenVINOEngine)
    return model.engine


async def test_an_idle_engine_is_measured(served: ServedModel) -> None:
    engine = engine_of(served)
    measured = await calibrate(engine, served.tokenizer.prefix_ids)
    assert min(measured.one, measured.many, measured.first_seconds) > 0
    assert (measured.streams, measured.prompt_tokens) == (8, 128)
    # Everything but the embedding, which a step looks a row up in.
    size = (engine.manifest.nbytes - 1088 * 128) / 2
    assert size < measured.step_bytes < 2 * size
    assert 0 < measured.bandwidth_share < 10  # a megabyte comes from the caches


def test_a_small_cache_is_measured_with_fewer_replies(home: Path, directory: Path) -> None:
    per_token = need_of(read_manifest(directory), ModelOptions()).per_token
    options = ModelOptions(models=(f"m={directory}",), cache_gb=640 * per_token / GIB)
    (model,) = open_models(options)
    engine = engine_of(model)
    try:
        assert engine.cached_tokens == 640
        measured = asyncio.run(calibrate(engine, model.tokenizer.prefix_ids))
        assert measured.streams == engine.fit_at_once(72) < 8
    finally:
        asyncio.run(engine.close())


async def test_an_engine_that_is_never_idle_is_not_measured(
    served: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "SECONDS", 0.5)
    engine = engine_of(served)
    monkeypatch.setattr(engine, "load", lambda: EngineLoad(1, 0, 0.0))
    with pytest.raises(Disturbed):
        await calibrate(engine, served.tokenizer.prefix_ids)


async def test_who_asks_meanwhile_spoils_it(
    served: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(served)
    monkeypatch.setattr(engine, "load", lambda: EngineLoad(1, 1, 0.0))
    async with calibration._left_alone(engine, 2):
        await asyncio.sleep(0)
    with pytest.raises(Disturbed):
        async with calibration._left_alone(engine, 1):
            await asyncio.sleep(0)


def test_figures_are_kept_for_what_they_were_measured_of(served: ServedModel, home: Path) -> None:
    engine = engine_of(served)
    assert kept_calibration(engine, None) is None
    keep(engine, None, MEASURED)
    keep(engine, 1, replace(MEASURED, one=3.0))
    assert kept_calibration(engine, None) == MEASURED
    assert kept_calibration(engine, 1) == replace(MEASURED, one=3.0)
    assert kept_calibration(engine, 2) is None
    for damaged in ("{", "[]", '{"a": 1}'):
        (home / "calibrations.json").write_text(damaged)
        assert kept_calibration(engine, None) is None


def test_the_card_says_what_fits(served: ServedModel) -> None:
    engine = engine_of(served)
    card = FitCard([served, replace(served, id="other")], ModelOptions(), print)
    (line,) = card.lines()
    # 64 blocks each, and one to spare where prefixes are kept.
    held = engine.cached_tokens // 32 // 65
    assert held == engine.cached_tokens // 2048 - 1
    assert line.endswith(f"GB of memory m holds 2048 tokens × {held} at once.")
    keep(engine, None, MEASURED)
    _, speed, share = card.lines()
    assert speed == (
        "  m: 5.0 tokens/s for one reply, 30.0 for 8 together; the first after 2.5 s for a prompt "
        "of 128 tokens."
    )
    assert share.startswith("  One reply reads 16.0 GB/s, 80% of what this machine reads. ")


def test_a_small_network_is_measured_only_when_that_is_asked_for(served: ServedModel) -> None:
    told: list[str] = []
    card = FitCard([served], ModelOptions(), told.append)
    card.calibrate(again=False)
    card.close()
    assert not told
    card.calibrate(again=True)
    card.close()
    assert "tokens/s for one reply" in told[0]
    assert kept_calibration(engine_of(served), None) is not None


def test_the_change_that_would_help_most(
    served: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, options = engine_of(served), ModelOptions()
    assert advice(engine, options, MEASURED) == "It answers at once."
    monkeypatch.setattr(fit_card, "is_worth_it", lambda engine: True)
    assert "--weights int4 would read 0.00 GB a step instead of 3.20" in advice(
        engine, options, MEASURED
    )
    small = replace(MEASURED, step_bytes=1.0)  # as if the weights were as small as they can be
    monkeypatch.setattr(fit_card, "cores", lambda: 4)
    assert "--threads 4" in advice(engine, ModelOptions(threads=2), small)
    assert "cores would help most" in advice(engine, options, small)
    full = replace(small, bytes_per_second=5.0)
    assert "Faster memory would help most" in advice(engine, options, full)
    monkeypatch.setattr(engine, "max_positions", 100)
    assert "would hold the network's whole context of 2048 tokens" in advice(engine, options, full)


def test_figures_come_after_the_card(home: Path, directory: Path, tmp_path: Path) -> None:
    options = ("--model", f"m={directory}", "--no-auth", "--calibrate")
    with serving(*options, errors=tmp_path / "errors") as server:
        assert not any("tokens/s" in line for line in server.lines)  # it does not wait for them
        assert server.process.stdout is not None
        # On a machine that is busy with other things, ten seconds may not be enough.
        line = server.process.stdout.readline()
        assert "tokens/s for one reply" in line or "The speed of m was not measured" in line


def test_the_next_start_knows_what_was_measured(
    served: ServedModel, directory: Path, tmp_path: Path
) -> None:
    keep(engine_of(served), None, MEASURED)
    options = ("--model", f"m={directory}", "--no-auth")
    with serving(*options, errors=tmp_path / "errors") as server:
        assert any("m: 5.0 tokens/s for one reply" in line for line in server.lines)


def test_nothing_is_measured_where_no_network_runs(home: Path) -> None:
    done = glmscope("serve", "--engine", "scripted", "--calibrate")
    assert done.returncode == 2
    assert "--calibrate measures networks, and none is to run." in done.stderr
