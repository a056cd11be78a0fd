"""One file a change, named for it, in order."""
