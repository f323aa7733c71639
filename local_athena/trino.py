"""Runs one Trino on this machine, configured to be as strict as Athena; it ends with its parent process."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from local_athena.download import trino_home
from local_athena.java import find_java

HIVE_CATALOG = "awsdatacatalog"
# Nobody writes this name by chance. Athena has one catalog for both kinds, so statements that name it are refused.
ICEBERG_CATALOG = "iceberg_behind_awsdatacatalog"
SECONDS_TO_START = 180

JVM = (
    "-Xmx2G",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:TieredStopAtLevel=1",  # short queries on small data do not repay the optimising compiler
    "-XX:ReservedCodeCacheSize=256M",
    "-Djdk.attach.allowAttachSelf=true",
    "-XX:+EnableDynamicAgentLoading",
    "-Djdk.nio.maxCachedBufferSize=2000000",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "--add-modules=jdk.incubator.vector",
)
# One writer per statement: several would share the partitions, and more than 100 would pass.
SERVER = """
coordinator=true
node-scheduler.include-coordinator=true
node.environment=local
node.id=local-athena
node.bind-ip=127.0.0.1
node.internal-address=127.0.0.1
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
plugin.dir={home}/plugin
catalog.config-dir={data}/catalog
query.max-length=1000000
task.min-writer-count=1
task.max-writer-count=1
task.scale-writers.enabled=false
scale-writers=false
redistribute-writes=false
use-preferred-write-partitioning=false
access-control.config-files={data}/access-control.properties
task.concurrency=1
enable-dynamic-filtering=false
optimizer.join-reordering-strategy=NONE
http-server.log.enabled=false
query.max-history=5
query.min-expire-age=1s
"""
HIVE = """
connector.name=hive
hive.metastore=glue
hive.iceberg-catalog-name={iceberg}
hive.non-managed-table-writes-enabled=true
hive.max-partitions-per-writers=100
hive.recursive-directories=true
hive.hive-views.enabled=false
"""
ICEBERG = """
connector.name=iceberg
iceberg.catalog.type=glue
iceberg.max-partitions-per-writer=100
iceberg.allowed-extra-properties=*
iceberg.expire-snapshots.min-retention=0s
iceberg.remove-orphan-files.min-retention=0s
iceberg.unique-table-location=false
"""
STORAGE = """
hive.metastore.glue.region={region}
hive.metastore.glue.endpoint-url={endpoint}
hive.metastore.glue.aws-access-key=local
hive.metastore.glue.aws-secret-key=local
fs.native-s3.enabled=true
fs.hadoop.enabled=false
s3.endpoint={endpoint}
s3.region={region}
s3.path-style-access=true
s3.aws-access-key=local
s3.aws-secret-key=local
"""
# Users of Athena cannot look into the engine either.
RULES = {"catalogs": [{"catalog": "system", "allow": "none"}, {"allow": "all"}]}


class TrinoStartError(Exception):
    """Trino did not start; the message has the end of its log."""


@contextmanager
def running_trino(endpoint: str, region: str) -> Iterator[str]:
    """Runs a Trino whose catalogs are the Glue and S3 at `endpoint`, and yields its address.

    It ends with the block, even if this process is killed with -9.

    Raises:
        JavaMissingError: There is no Java for it.
        DownloadError: It cannot be downloaded.
        TrinoStartError: It did not start.
    """
    java, home = find_java(), trino_home()
    data = Path(tempfile.mkdtemp(prefix="local-athena-"))
    port = free_port()
    try:
        configure(home, data, port, endpoint, region)
        with (
            (data / "out.log").open("w") as log,
            subprocess.Popen(
                [
                    java,
                    *JVM,
                    f"-Dconfig={data}/config.properties",
                    "-cp",
                    f"{home}/lib/*",
                    "io.trino.server.TrinoServer",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=data,
                start_new_session=True,  # Ctrl-C in a terminal reaches only the parent, which then stops Trino
            ) as trino,
            watchdog(trino.pid, data),
        ):
            try:
                wait_until_ready(trino, port, data / "out.log")
                yield f"http://127.0.0.1:{port}"
            finally:
                trino.kill()  # it has nothing to save, and an orderly end takes seconds
    finally:
        shutil.rmtree(data, ignore_errors=True)


def configure(home: Path, data: Path, port: int, endpoint: str, region: str) -> None:
    """Writes Trino's settings into its data folder."""
    storage = STORAGE.format(endpoint=endpoint, region=region)
    (data / "catalog").mkdir()
    (data / "catalog" / f"{HIVE_CATALOG}.properties").write_text(HIVE.format(iceberg=ICEBERG_CATALOG) + storage)
    (data / "catalog" / f"{ICEBERG_CATALOG}.properties").write_text(ICEBERG + storage)
    (data / "config.properties").write_text(SERVER.format(home=home, data=data, port=port))
    (data / "access-control.properties").write_text(
        f"access-control.name=file\nsecurity.config-file={data}/rules.json\n"
    )
    (data / "rules.json").write_text(json.dumps(RULES))


@contextmanager
def watchdog(pid: int, folder: Path) -> Iterator[None]:
    """Kills a process and removes its folder if this process dies, which closes the pipe to the watchdog."""
    orders = 'cat >/dev/null; kill -9 "$1"; sleep 1; rm -rf "$2"'
    with subprocess.Popen(
        ["sh", "-c", orders, "sh", str(pid), str(folder)], stdin=subprocess.PIPE, start_new_session=True
    ) as dog:
        try:
            yield
        finally:
            dog.kill()  # first, so that it cannot kill a process that got the same id later


def wait_until_ready(trino: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Waits until Trino accepts queries.

    Raises:
        TrinoStartError: It ended, or took too long.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and trino.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/v1/info", trust_env=False).json()["starting"] is False:
                return
        except (httpx.TransportError, ValueError):
            pass
        time.sleep(0.1)
    raise TrinoStartError(f"Trino did not start; its log ends with:\n{log.read_text()[-3000:]}")


def free_port() -> int:
    """Returns a port on which nobody listens now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
