"""An Athena on this machine: moto answers for S3, Glue and STS, and behind its Athena API a real Trino runs the SQL."""
