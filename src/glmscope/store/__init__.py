"""What outlives the process: API keys."""
