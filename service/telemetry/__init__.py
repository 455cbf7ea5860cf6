"""What an operator sees of the service: its log, and its metrics. Knows nothing of what it tells about."""
