"""The fixture of the tests of kills, found here by its name."""

from support.killing import killer

__all__ = ["killer"]
