"""`glmscope conform` against `glmscope serve`: every check, every SDK."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from glmscope.conform.script import script_text
from glmscope.conform.table import ROWS
from tests.cli.support import glmscope, serving
from tests.support.paths import REPOSITORY

OTHER_SDKS = ("1.14.0", "1.26.2", "2.0.2")
"""Those that `make sdk-envs` installs, each in an environment of its own."""

# What is not seen to hold, and why: nothing else may be skipped.
NO_CLIENT = "this SDK has no Client"
SKIPPED = {
    (50, "1.14.0"): NO_CLIENT,
    (50, "1.26.2"): NO_CLIENT,
    (51, "1.14.0"): "this SDK has no AioGeneration",
    (67, "1.14.0"): "this SDK has no Completions",
}


def interpreter(version: str) -> Path:
    return REPOSITORY / ".venv-sdk" / version / "bin" / "python"


def installed() -> list[str]:
    return [version for version in OTHER_SDKS if interpreter(version).is_file()]


@pytest.fixture(scope="module")
def report(address: tuple[str, str]) -> Any:
    """What one run with all SDKs that are here says, by number and client."""
    url, key = address
    pythons = [str(interpreter(version)) for version in installed()] or [sys.executable]
    options = [part for python in pythons for part in ("--python", python)]
    done = glmscope("conform", url, "--key", key, "--json", *options)
    assert done.stdout, done.stderr
    results = json.loads(done.stdout)["results"]
    failed = any(result["outcome"] == "fail" for result in results)
    assert done.returncode == int(failed)
    return {(result["number"], result["client"]): result for result in results}


@pytest.mark.parametrize("number", [row.number for row in ROWS if set(row.who) & {"R", "W"}])
def test_raw(report: Any, number: int) -> None:
    result = report[number, "raw"]
    assert (result["outcome"], result["reason"]) == ("pass", "")


@pytest.mark.parametrize("version", OTHER_SDKS)
@pytest.mark.parametrize("number", [row.number for row in ROWS if "P" in row.who])
def test_python(report: Any, number: int, version: str) -> None:
    if (number, f"python {version}") not in report:
        pytest.skip(f"no SDK {version} in .venv-sdk: make sdk-envs installs it")
    result = report[number, f"python {version}"]
    why = SKIPPED.get((number, version))
    if why is None:
        assert (result["outcome"], result["reason"]) == ("pass", "")
    else:
        assert result["outcome"] == "skip"
        assert why in result["reason"]


def test_java_is_skipped_with_a_reason(report: Any) -> None:
    rows = [row.number for row in ROWS if "J" in row.who]
    assert [number for number, client in report if client == "java"] == rows
    assert {report[number, "java"]["reason"] for number in rows} == {
        "no jars of the Java SDK were given (--java)"
    }


def test_a_wrong_key_fails_and_the_table_says_which(address: tuple[str, str]) -> None:
    url, _ = address
    done = glmscope("conform", url, "--key", "wrong", "--only", "4-5", "--python", sys.executable)
    assert done.returncode == 1
    assert "raw: 1 passed, 1 failed, 0 skipped" in done.stdout
    assert "401" in done.stdout


def test_only_known_numbers(address: tuple[str, str]) -> None:
    url, key = address
    done = glmscope("conform", url, "--key", key, "--only", "5,14-15", "--json")
    assert [result["number"] for result in json.loads(done.stdout)["results"]] == [5, 14, 15]
    for wrong in ("0", "69", "x", "", "3-", "5-4"):
        done = glmscope("conform", url, "--key", key, "--only", wrong)
        assert done.returncode == 2
        assert "--only" in done.stderr


def test_what_cannot_be_run_is_refused_in_a_sentence(
    address: tuple[str, str], tmp_path: Path
) -> None:
    url, key = address
    for arguments, words in (
        (("ftp://x", "--key", key), "ftp://x"),
        ((url, "--key", key, "--python", "/no/such/python"), "/no/such/python"),
        ((url, "--key", key, "--java", str(tmp_path)), "Java"),
    ):
        done = glmscope("conform", *arguments)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    done = glmscope("conform", "http://127.0.0.1:9", "--key", key, "--only", "5")
    assert (done.returncode, "Nothing answers" in done.stderr) == (1, True)


def test_without_the_script_its_checks_are_skipped(tmp_path: Path) -> None:
    options = ("--engine", "scripted", "--database", str(tmp_path / "keys.db"))
    with serving(*options, errors=tmp_path / "stderr") as running:
        key = running.exports["DASHSCOPE_API_KEY"]
        done = glmscope("conform", running.url, "--key", key, "--only", "5,24", "--json")
    five, twenty_four = json.loads(done.stdout)["results"]
    assert five["outcome"] == "pass"
    assert (twenty_four["outcome"], done.returncode) == ("skip", 0)
    assert "conformance script" in twenty_four["reason"]


def test_the_printed_script_is_the_shipped_one() -> None:
    done = glmscope("conform", "--print-script")
    assert (done.returncode, done.stdout) == (0, script_text())
