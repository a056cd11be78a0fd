"""Words and ids: tokenizer, prompts, and what a generated turn is."""
