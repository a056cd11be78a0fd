"""The tools themselves, and where an operator's come from."""
