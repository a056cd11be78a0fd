"""Dialogues for tuning, made from the hand-written material under `train/data/`.

Each module has `dialogues(rng, count, data)`: `count` dialogues, the same ones for the same `rng`.
Those of `interpreter` and `tools` take the folder of the corpora as well.
"""
