"""Making a model of the family: tokenizer, pretraining, dialogue tuning, preference alignment.

Needs the extra `glmscope[train]` (PyTorch); serving never imports this room.
"""
