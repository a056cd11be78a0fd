"""Draw the dialogues that perplexity is measured on: none of them is among the training ones.

    python scripts/draw_held_out.py > src/glmscope/evaluate/nano/heldout_dialogues.jsonl

The generators draw them with another seed; what the training draw also holds is left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from glmscope.train.dialogue import Dialogue
from glmscope.train.material import tuning_dialogues
from glmscope.train.settings import load_settings


def main() -> None:
    """Print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("train/nano.toml"))
    parser.add_argument("--each", type=int, default=24, help="dialogues of each generator")
    parser.add_argument("--seed-step", type=int, default=1000, help="other dialogues for another")
    options = parser.parse_args()
    settings = load_settings(options.config)
    # `tune` learns from the one draw, `retune` from the other.
    seeds = (settings.seed, settings.seed + 1)
    trained = {as_json(one) for seed in seeds for one in tuning_dialogues(settings.with_seed(seed))}
    other = settings.with_seed(settings.seed + options.seed_step)
    for name in settings.mix:
        drawn = tuning_dialogues(dataclasses.replace(other, mix={name: 8 * options.each}))
        fresh = [text for dialogue in drawn if (text := as_json(dialogue)) not in trained]
        for number, text in enumerate(fresh[: options.each], 1):
            sys.stdout.write(f'{{"id": "{name}-{number}", "messages": {text}}}\n')


def as_json(dialogue: Dialogue) -> str:
    """The messages, without the fields that are empty."""
    messages = []
    for message in dialogue.messages:
        fields = {"role": message.role, "content": message.content}
        if message.metadata:
            fields["metadata"] = message.metadata
        messages.append(fields | ({} if message.tools is None else {"tools": message.tools}))
    return json.dumps(messages, ensure_ascii=False)


if __name__ == "__main__":
    main()
