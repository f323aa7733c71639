"""The raw Parquet lake: its tables, its ledger, and the load packages that fill it."""
