"""The supervisor, and what ties processes to it."""
