"""The adhouse command: tells extract, dbt and the publisher what to do, and says what happened."""
