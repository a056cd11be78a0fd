"""What the loop brake costs an id, beside a former version of it and all else done to an id.

    git show 07c8a65:src/glmscope/chat/loop.py > former_loop.py
    python scripts/measure_loop_brake.py --tokenizer tokenizer.model --former former_loop.py

Prints the best of several rounds in microseconds an id, for texts of all sorts; everything is
timed by turns in one run.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from glmscope.chat.loop import LoopBrake
from glmscope.chat.reply_text import ReplyText
from glmscope.family import Family
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary

IDS = 1500
"""The longest reply of the service."""
ROUNDS = 15


def main() -> None:
    """Time every kind of text with every reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, help="the published one; else the built-in one")
    parser.add_argument("--former", type=Path, help="loop.py as it was, whose brake takes no text")
    parser.add_argument("--prose", type=Path, default=Path("docs/architecture.md"))
    given = parser.parse_args()
    model = given.tokenizer.read_bytes() if given.tokenizer else builtin_vocabulary()
    tokenizer = Tokenizer(model, Family.CHATGLM3)
    readers: dict[str, Callable[[], Any]] = {
        "brake": lambda: LoopBrake(tokenizer),
        "ids to text, brake included": lambda: ReplyText(tokenizer),
    }
    if given.former:
        readers["former brake"] = _former(given.former)
    print(f"{'microseconds an id':28}" + "".join(f"{name:>30}" for name in readers))
    for name, text in _texts(given.prose.read_text(encoding="utf-8")).items():
        ids = tokenizer.encode(text)[:IDS]
        best = dict.fromkeys(readers, float("inf"))
        for _ in range(ROUNDS):
            for reader, make in readers.items():
                best[reader] = min(best[reader], _seconds(make, ids))
        costs = "".join(f"{seconds / len(ids) * 1e6:30.2f}" for seconds in best.values())
        print(f"{name:20} {len(ids):5} ids{costs}")


def _texts(prose: str) -> dict[str, str]:
    coin = random.Random(0)  # noqa: S311 (a text that looks as if it repeated itself)
    return {
        "prose": prose,
        "counted rows": "".join(f"| {n} | 苹果 | 0 |\n" for n in range(400)),
        "equal rows": "0.00,0.00,1.50,0.00\n" * 60,
        "two letters": "".join(coin.choice("ab") for _ in range(6000)),
        "almost equal": "".join("a" * coin.randrange(40, 44) + " b " for _ in range(400)),
    }


def _seconds(make: Callable[[], Any], ids: Sequence[int]) -> float:
    def read() -> None:
        reader = make()
        for token_id in ids:
            reader.add(token_id)

    return timeit.timeit(read, number=1)


def _former(path: Path) -> Callable[[], Any]:
    spec = importlib.util.spec_from_file_location("former_loop", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is not a Python module.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LoopBrake  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
