"""What only a run on AWS needs: the lease on the lake, leftover queries, errors, checks."""
