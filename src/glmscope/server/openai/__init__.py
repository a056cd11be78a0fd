"""The OpenAI-compatible wire: chat completions, completions and models."""
