"""Sources that a user declares in `sources.yml`, and the presets that are written in the same language."""
