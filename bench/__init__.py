"""Speed and memory, measured against a hand-written script in one run."""
