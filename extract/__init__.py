"""E and L: brings what platforms report and people drop, untouched, into landing and the raw Parquet lake."""
