"""Where builds are kept, audited and published: DuckDB files or Athena."""
