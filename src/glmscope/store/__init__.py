"""What outlives the process: API keys and their usage."""
