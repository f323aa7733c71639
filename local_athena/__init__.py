"""A local Athena: moto serves S3, Glue and STS, and a real Trino runs the SQL behind its Athena API."""
