"""What the runtime's prompt lookup would bring: tokens a step where replies quote their prompts.

    python scripts/measure_prompt_lookup.py [CONVERTED] [--guesses 4]

Prompt lookup guesses the next ids from where the last ones stood before, and checks all guesses in
one step. Greedy replies of a converted network, the built-in one unless another is named, are made
with and without it: printed are tokens a step, which no other load changes, and whether the ids
are the same. A step that checks N guesses costs what a step of N + 1 streams costs
(`measure_weight_layouts.py --streams`); it pays where a step makes more tokens than that.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino_genai as genai

from glmscope import nano
from glmscope.engine.pipeline import PipelineSettings
from glmscope.model.manifest import TOKENIZER_FILE, read_manifest
from glmscope.text.tokenizer import Tokenizer

_CACHE_TOKENS = 4096
_TEXT = "杭州是浙江省的省会。西湖在杭州市中心的西边，每年有很多人来看西湖。春天湖边的花都开了。"
_CODE = "def total(values):\n    result = 0\n    for value in values:\n        result += value\n"
PROMPTS = {
    "summary": f"请用一句话总结下面的话：{_TEXT}",
    "repetition": f"请原样重复下面的话：{_TEXT}",
    "code editing": f"请把下面代码里的 result 改名为 sum：\n{_CODE}    return result\n",
    "question on a text": f"{_TEXT}\n根据上面的话，西湖在哪里？",
}


def reply(
    directory: Path, prompt: list[int], stops: set[int], guesses: int, new: int
) -> tuple[list[int], int]:
    """Ids of the reply, and the steps that made them; `guesses` 0 is without prompt lookup."""
    manifest = read_manifest(directory)
    settings = PipelineSettings(_CACHE_TOKENS, not manifest.is_exact, manifest.group_size)
    properties: dict[str, Any] = settings.properties()
    config = genai.GenerationConfig()
    config.max_new_tokens = new
    config.stop_token_ids = stops
    config.set_eos_token_id(min(stops))
    if guesses:
        properties["prompt_lookup"] = True
        config.num_assistant_tokens, config.max_ngram_size = guesses, 3
    pipeline = genai.ContinuousBatchingPipeline(
        str(directory), settings.scheduler(), "CPU", properties
    )
    handle = pipeline.add_request(0, ov.Tensor(np.array([prompt], np.int64)), config)
    ids: list[int] = []
    steps = 0
    while pipeline.has_non_finished_requests():
        pipeline.step()
        steps += 1
        while handle.can_read():
            ids += [i for output in handle.read().values() for i in output.generated_ids]
    return ids, steps


def main() -> None:
    """Read the command line, measure, print a row a prompt."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("converted", type=Path, nargs="?", default=nano.directory())
    parser.add_argument("--guesses", type=int, default=4)
    parser.add_argument("--new", type=int, default=128)
    options = parser.parse_args()
    family = read_manifest(options.converted).family
    tokenizer = Tokenizer((options.converted / TOKENIZER_FILE).read_bytes(), family)
    special = tokenizer.special
    stops = {special.eos, special.user, special.observation}
    for name, text in PROMPTS.items():
        turn = [special.user, *tokenizer.encode(f"\n{text}"), special.assistant]
        prompt = [special.gmask, special.sop, *turn]
        plain, steps = reply(options.converted, prompt, stops, 0, options.new)
        guessed, fewer = reply(options.converted, prompt, stops, options.guesses, options.new)
        same = "the same ids" if guessed == plain else "OTHER IDS"
        rates = f"{len(plain) / steps:6.2f} → {len(guessed) / fewer:5.2f} tokens a step"
        begins = json.dumps(tokenizer.decode(plain)[:40], ensure_ascii=False)
        print(f"{name:20}{rates}, {same}: {begins}")


if __name__ == "__main__":
    main()
