"""Alerts: what a published build says that somebody should know, noted in one small file, sent once to each channel."""
