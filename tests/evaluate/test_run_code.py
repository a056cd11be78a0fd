from __future__ import annotations

import pytest

from glmscope.evaluate.run_code import fenced_code, last_number, run_code


def test_what_it_prints_is_kept() -> None:
    result = run_code("import statistics\nprint(statistics.mean([1, 2, 6]), '平均')")
    assert (result.stdout, result.failure) == ("3 平均\n", "")


def test_it_starts_in_an_empty_directory_without_an_environment(monkeypatch) -> None:
    monkeypatch.setenv("SECRET", "hidden")
    result = run_code("import os\nprint(sorted(os.listdir()), 'SECRET' in os.environ)")
    assert result.stdout == "[] False\n"


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("print(", "SyntaxError: '(' was never closed"),
        ("x = bytearray(2 ** 31)", "MemoryError"),
        ("import sys\nsys.exit(3)", "exit status 3"),
        ("print('\0')", "SyntaxError: source code cannot contain null bytes"),
        ("open('file', 'wb').write(bytes(2 ** 21))", "OSError: [Errno 27] File too large"),
        ("input()", "EOFError: EOF when reading a line"),
    ],
)
def test_why_it_failed_is_said(code: str, failure: str) -> None:
    assert failure in run_code(code).failure


def test_an_endless_program_is_ended(monkeypatch) -> None:
    monkeypatch.setattr("glmscope.evaluate.run_code.CPU_SECONDS", 1)
    assert run_code("while True: pass").failure == "exit status -9"


def test_a_sleeping_program_is_ended_with_what_it_started(monkeypatch) -> None:
    monkeypatch.setattr("glmscope.evaluate.run_code.WALL_SECONDS", 0.5)
    sleep = "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    result = run_code(f"import subprocess, sys\n{sleep}")
    assert result.failure == "it ran for more than 0 s"


def test_endless_printing_fills_no_memory() -> None:
    result = run_code("while True: print('x' * 1000)")
    assert result.failure
    assert len(result.stdout) <= 2**20


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42),
        ("平均值是 3.50 分\n", 3.5),
        ("1 2\n-7", -7),
        ("1,234,567.5", 1234567.5),
        ("[1, 200]", 200),
        ("2.5e+20", 2.5e20),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_number_counts(text: str, number: float | None) -> None:
    assert last_number(text) == number


def test_the_last_fenced_block_is_run() -> None:
    turn = "First\n```python\nprint(1)\n```\nthen\n```python\nprint(2)\n```"
    assert fenced_code(turn) == "print(2)\n"
    assert fenced_code("print(1)") is None
    assert fenced_code("```python\nprint(1)") is None
