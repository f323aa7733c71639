"""Kinds of records: a module for each, with its raw table, its fields and the sources that are set up for it."""
