"""What the server runs itself for a model: the code interpreter and its sandbox."""
