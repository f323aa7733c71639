"""Sources: a module each, that says how to land what the source has and how to read what was landed."""
