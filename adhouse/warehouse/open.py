"""Opens the warehouse that the settings name."""

from adhouse.settings import Settings
from adhouse.warehouse.base import Warehouse


def open_warehouse(settings: Settings) -> Warehouse:
    """Gives the warehouse; nothing is opened or asked yet."""
    if settings.is_in_cloud:
        from adhouse.warehouse.athena import AthenaWarehouse

        return AthenaWarehouse(settings.lake_url, settings.athena_results, settings.athena_workgroup)
    from adhouse.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings.warehouse, settings.marts, settings.published, settings.lake_url)
