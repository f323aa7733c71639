"""dlt: hands finished Parquet files to the lake as one load package, which counts as a whole or not at all.

dlt's working folder lives as long as one package. What a kill leaves of it is never taken up again: landing has
everything, and dlt cannot finish a package from each point at which it can be cut off.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.configuration.providers.dictionary import DictionaryProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.runtime.run_context import RunContext
from dlt.common.schema.typing import TSchemaContractDict
from dlt.destinations import athena, filesystem
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
from dlt.extract import DltResource

from extract.athena import CATALOG, connection_params
from extract.lake.lake import DATASET, Lake
from extract.lake.tables import RAW_TABLES
from extract.storage import WholeFiles

_SETTINGS: dict[tuple[str, ...], dict[str, object]] = {
    # What goes wrong is raised; what dlt only warns of is checked here.
    ("runtime",): {"dlthub_telemetry": False, "log_level": "ERROR"},
    ("load",): {"delete_completed_jobs": True},
    # What a run knows of the past it reads from the lake's ledger.
    (): {"restore_from_destination": False},
}
_TYPES: dict[pa.DataType, dict[str, object]] = {
    pa.string(): {"data_type": "text"},
    pa.int64(): {"data_type": "bigint"},
    pa.bool_(): {"data_type": "bool"},
    pa.date32(): {"data_type": "date"},
    pa.timestamp("ms"): {"data_type": "timestamp", "precision": 3, "timezone": False},
    pa.timestamp("us"): {"data_type": "timestamp", "precision": 6, "timezone": False},
    pa.decimal128(38, 6): {"data_type": "decimal", "precision": 38, "scale": 6},
}


def load(working: Path, lake: Lake, write: Callable[[str], dict[str, list[Path]]]) -> None:
    """Loads one package: a table's Parquet files as they are, and then the line in `_dlt_loads` that makes them count.

    Args:
        working: dlt's folder; not there before and gone afterwards.
        lake: Where the tables are.
        write: Writes the files, given the load id that each row must have, and says which they are.

    Raises:
        PipelineStepFailed: What came in between; nothing of the package counts.
    """
    _pipeline(working, lake).run(_raw(write))
    shutil.rmtree(working)


@dlt.source(name="adhouse")
def _raw(write: Callable[[str], dict[str, list[Path]]]) -> Iterator[DltResource]:
    """All raw tables in one package, appended; a second run with the same files would append them again."""

    @cache
    def files() -> dict[str, list[Path]]:
        return write(dlt.current.load_package_state()["load_id"])

    for table in RAW_TABLES.values():
        columns: list[Any] = [{"name": field.name} | _TYPES[field.type] for field in table.schema]
        contract: TSchemaContractDict = {"columns": "freeze", "data_type": "freeze"}
        described = dlt.resource(
            name=table.name,
            columns=columns,
            schema_contract=contract,
            write_disposition="append",
            file_format="parquet",
        )
        yield described(_imported)(files, table.name)


def _imported(files: Callable[[], dict[str, list[Path]]], table: str) -> Iterable[Any]:
    for path in files()[table]:
        yield dlt.mark.with_file_import(str(path), "parquet")


def _pipeline(working: Path, lake: Lake) -> dlt.Pipeline:
    Container()[PluggableRunContext] = PluggableRunContext(_Alone(str(working)))
    files = _lake(bucket_url=lake.root.url)
    if lake.athena is None:
        return dlt.pipeline("adhouse", pipelines_dir=str(working), destination=files, dataset_name=DATASET)
    tables = athena(
        query_result_bucket=lake.athena.results,
        athena_work_group=lake.athena.workgroup,
        aws_data_catalog=CATALOG,
        connection_params=connection_params(),
    )
    return dlt.pipeline("adhouse", pipelines_dir=str(working), destination=tables, staging=files, dataset_name=DATASET)


class _Alone(RunContext):
    """dlt with these settings and no others: no files in a home folder, no environment, no telemetry."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._global_dir = folder

    def initial_providers(self) -> list[ConfigProvider]:
        provider = DictionaryProvider()
        for sections, values in _SETTINGS.items():
            for key, value in values.items():
                provider.set_value(key, value, None, *sections)
        return [provider]


class _Client(FilesystemClient):
    """dlt's lake; on a disk, with files that are never seen half written."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.is_local_filesystem:
            self.fs_client = WholeFiles()

    def create_dataset(self) -> None:
        """Makes the folder of the tables, where the index may be already."""
        self.fs_client.makedirs(self.dataset_path, exist_ok=True)


class _lake(filesystem):  # noqa: N801 - dlt takes the name of a destination from its class
    @property
    def client_class(self) -> type[FilesystemClient]:
        return _Client
