"""Compress a network to INT4 with NNCF, which looks at its activations on calibration dialogues.

    python scripts/draw_held_out.py --seed-step 2000 > calibration.jsonl
    glmscope convert nano nano-fp32 --weights fp32
    pip install nncf==3.4.0                          # in an environment of its own
    python scripts/compress_with_nncf.py nano-fp32 calibration.jsonl nncf-scale.xml --method scale

What comes out is for `measure_quantization.py --graph`, which compares NNCF's methods; what is
served is made by `glmscope convert --calibrate`, one block at a time.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino as ov

from glmscope.model.config import load_config
from glmscope.model.manifest import GRAPH_FILE
from glmscope.text.prompt import PromptMessage, chatglm3_dialogue
from glmscope.text.tokenizer import Tokenizer

METHODS: dict[str, dict[str, bool]] = {
    "rounding": {},
    "scale": {"scale_estimation": True},
    "awq": {"awq": True},
    "gptq": {"gptq": True},
}


def feed(ids: list[int]) -> dict[str, Any]:
    """The inputs of the graph for one whole dialogue."""
    row = np.array([ids])
    return {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "position_ids": np.arange(len(ids))[None],
        "beam_idx": np.zeros(1, np.int32),
    }


def main() -> None:
    """Read the command line, compress, write the graph."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("converted", type=Path, help="directory converted with --weights fp32")
    parser.add_argument("dialogues", type=Path, help="calibration dialogues, one a line")
    parser.add_argument("output", type=Path, metavar="FILE.xml")
    parser.add_argument("--method", choices=METHODS, default="scale")
    parser.add_argument("--samples", type=int, default=64)
    options = parser.parse_args()
    config = load_config(options.converted)
    tokenizer = Tokenizer((options.converted / "tokenizer.model").read_bytes(), config.family)
    rows = map(json.loads, options.dialogues.read_text(encoding="utf-8").splitlines())
    dialogues = [[PromptMessage(**each) for each in row["messages"]] for row in rows]
    ids = [chatglm3_dialogue(tokenizer, each)[0] for each in dialogues[: options.samples]]
    settings: dict[str, Any] = dict(METHODS[options.method])
    if settings:
        settings |= {"dataset": nncf.Dataset(ids, feed), "subset_size": len(ids)}
    started = time.perf_counter()
    model = nncf.compress_weights(
        ov.Core().read_model(options.converted / GRAPH_FILE),
        mode=nncf.CompressWeightsMode.INT4_SYM,
        group_size=128,
        ratio=1.0,
        **settings,
    )
    seconds = time.perf_counter() - started
    ov.save_model(model, options.output, compress_to_fp16=False)
    print(f"{options.output}: {options.method}, {seconds:.0f} s on {len(ids)} dialogues")


if __name__ == "__main__":
    main()
