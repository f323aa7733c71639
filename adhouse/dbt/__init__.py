"""Runs dbt in this process and reads its results."""
