"""`make athena`: runs a local Athena until Ctrl-C, and prints the settings with which dbt and other tools use it."""

import shlex
import signal
import sys

from local_athena.download import DownloadError
from local_athena.java import JavaMissingError
from local_athena.server import LocalAthena, local_athena
from local_athena.trino import TrinoStartError

BUCKET, DATABASE, WORKGROUP = "adhouse", "adhouse", "adhouse"
SETTINGS = {
    "ADHOUSE_TARGET": "athena",
    "ADHOUSE_LAKE_URL": f"s3://{BUCKET}",
    "ADHOUSE_ATHENA_RESULTS": f"s3://{BUCKET}/results/",
    "ADHOUSE_ATHENA_WORKGROUP": WORKGROUP,
}
GUIDE = """\
# A local Athena is running. In another terminal, paste:
{exports}

# then for example:
uv run adhouse run
uv run dbt build
aws s3 ls s3://{bucket} --recursive
aws athena start-query-execution --work-group {workgroup} --query-string 'show databases'
# a BI tool or a notebook can also query Trino directly: jdbc:trino://{trino}/awsdatacatalog (any user, no password)
# Ctrl-C here stops it and deletes everything in it.
"""


def main() -> None:
    """Runs a local Athena with a bucket, a database and a workgroup until it is interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with local_athena() as athena:
            furnish(athena)
            sys.stdout.write(guide(athena))
            sys.stdout.flush()
            signal.pause()
    except (JavaMissingError, DownloadError, TrinoStartError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit()


def furnish(athena: LocalAthena) -> None:
    """Creates the bucket, database and workgroup that an account must have before adhouse can use it."""
    athena.client("s3").create_bucket(Bucket=BUCKET)
    athena.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    athena.client("athena").create_work_group(
        Name=WORKGROUP,
        Configuration={"ResultConfiguration": {"OutputLocation": SETTINGS["ADHOUSE_ATHENA_RESULTS"]}},
    )


def guide(athena: LocalAthena) -> str:
    """Returns the text that tells a person how to use it."""
    variables = {**athena.environment, **SETTINGS}
    return GUIDE.format(
        exports="\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        bucket=BUCKET,
        workgroup=WORKGROUP,
        trino=athena.trino.removeprefix("http://"),
    )


if __name__ == "__main__":
    main()
