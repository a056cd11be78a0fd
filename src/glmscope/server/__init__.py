"""HTTP: the application and its wires."""
