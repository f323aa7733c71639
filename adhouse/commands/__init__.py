"""The commands that show something: status, quarantine, doctor."""
