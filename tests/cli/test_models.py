from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from glmscope.cli import models as command
from glmscope.model.catalog import CATALOG
from glmscope.model.convert import convert
from tests.support.checkpoints import write_checkpoint


def table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the command prints about each model, all of its lines joined."""
    # The width of a terminal, or none, must not break a line in two.
    monkeypatch.setattr(command, "out", Console(width=200, highlight=False))
    command.models()
    rows: dict[str, str] = {}
    for line in capsys.readouterr().out.splitlines():
        first, _, _ = line.strip().partition(" ")
        if any(row.id == first for row in CATALOG):
            name = first
            rows[name] = ""
        if rows:
            rows[name] += f"{line}\n"
    return rows


def test_every_model_is_listed_with_its_source(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = table(capsys, monkeypatch)
    assert rows.keys() == {row.id for row in CATALOG}
    for row in CATALOG:
        assert row.modelscope in rows[row.id]
        assert "known" in rows[row.id]
    for fact in ("ChatGLM3-6B", "v1.0.0", "7500", "6000, 1500", "chat, tools"):
        assert fact in rows["chatglm3-6b"]


def test_what_is_on_this_machine_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled = home / "models" / "chatglm3-6b"
    write_checkpoint(pulled)
    convert(pulled, home / "converted" / "chatglm3-6b-int8-0123", weights="int8")
    damaged = home / "converted" / "damaged"
    damaged.mkdir()
    (damaged / "glmscope.json").write_text("{}")
    rows = table(capsys, monkeypatch)
    assert "pulled" in rows["chatglm3-6b"]
    assert "int8" in rows["chatglm3-6b"]
    assert "known" not in rows["chatglm3-6b"]
    assert "known" in rows["chatglm-6b-v2"]
