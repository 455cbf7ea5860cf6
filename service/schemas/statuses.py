"""How a job can be."""

QUEUED, RUNNING = "queued", "running"
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
UNFINISHED = (QUEUED, RUNNING)
FINISHED = (SUCCEEDED, FAILED, CANCELLED)
STATUSES = (*UNFINISHED, *FINISHED)
INTERRUPTED = "interrupted"
"""How its work can end besides: it was told to stop, and can go on from its checkpoint."""
