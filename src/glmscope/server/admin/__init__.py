"""What the operator asks a running server, below `/api/admin/v1`, with an admin key."""
