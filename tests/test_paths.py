from __future__ import annotations

import os
from pathlib import Path

import pytest

from glmscope import paths
from glmscope.errors import UsageError


def test_everything_lies_in_the_home_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv(paths.HOME_VARIABLE, str(home))
    assert paths.default_data_dir() == home
    for place in (paths.database_path(), paths.models_dir(), paths.converted_dir()):
        assert place.parent == home
    assert not home.exists()


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_it_the_systems_own_place_is_used(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv(paths.HOME_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(paths.HOME_VARIABLE, value)
    directory = paths.default_data_dir()
    assert directory.is_absolute()
    assert directory.name == "glmscope"


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX notion")
def test_a_new_data_directory_is_its_owners_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    assert paths.make_data_dir().stat().st_mode & 0o777 == 0o700
    assert paths.make_data_dir() == tmp_path / "home"


def test_a_data_directory_that_cannot_be_made_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "file" / "home"))
    with pytest.raises(UsageError, match=r"GLMSCOPE_HOME\.$"):
        paths.make_data_dir()
