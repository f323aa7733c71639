"""Asks APIs over HTTP: one client, and answers that are checked for completeness."""
