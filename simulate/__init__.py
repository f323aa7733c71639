"""A simulated ad world with a known truth, and the mock platform API that serves it."""
