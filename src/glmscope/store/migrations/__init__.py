"""The schema's history: `versions/` is append-only, a released file never changes."""
