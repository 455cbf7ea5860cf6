"""Where work is done: at once, in a process beside, or not again. What it will cost is known before."""
