"""`alter table`, `optimize` and `vacuum`."""

from collections.abc import Callable

from local_athena.data_types import to_trino
from local_athena.dml import extra_properties
from local_athena.lexer import Reader, split_by_comma
from local_athena.statements import (
    Context,
    Plan,
    Table,
    change_in_glue,
    ddl_name,
    is_iceberg,
    literal,
    rest_of,
    table_named,
)
from local_athena.tables import columns_of, kept_properties, key_values
from local_athena.trino import HIVE_CATALOG
from local_athena.trino_client import Answer, QueryError

# https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
VACUUM_DEFAULTS = {"vacuum_max_snapshot_age_seconds": "432000", "vacuum_min_snapshots_to_keep": "1"}

Change = Callable[[Context, Table], object]


def alter_table(reader: Reader) -> Plan:
    """Plans `alter table`: the changes that Athena's reference lists for Hive and for Iceberg tables."""
    reader.expect("ALTER", "TABLE")
    name = ddl_name(reader)
    started = reader.at
    on_hive, on_iceberg = _change(reader)
    words = " ".join(token.text for token in reader.tokens[started : started + 2]).upper()
    reader.expect_end()

    def run(context: Context) -> Answer:
        table = table_named(name, context)
        found = is_iceberg(table, context.glue)
        if found is None:
            raise QueryError("TABLE_NOT_FOUND", f"Table not found {table.database}.{table.name}")
        change = on_iceberg if found else on_hive
        if change is None:
            kind = "Iceberg" if found else "Hive"
            raise QueryError("NOT_SUPPORTED", f"ALTER TABLE {words} is not supported for {kind} tables")
        change(context, table)
        return Answer()

    return Plan("DDL", "ALTER_TABLE", run)


def optimize(reader: Reader) -> Plan:
    """Plans `optimize … rewrite data using bin_pack`, for Iceberg tables."""
    reader.expect("OPTIMIZE")
    name = ddl_name(reader)
    reader.expect("REWRITE", "DATA", "USING", "BIN_PACK")
    where = rest_of(reader) if reader.looks_like("WHERE") else ""
    if not where:
        reader.expect_end()

    def run(context: Context) -> Answer:
        table = _iceberg(table_named(name, context), context)
        did = context.trino.run(f"ALTER TABLE {table.in_iceberg} EXECUTE optimize {where}")
        return Answer(scanned_bytes=did.scanned_bytes)

    return Plan("DML", "OPTIMIZE", run)


def vacuum(reader: Reader) -> Plan:
    """Plans `vacuum`, for Iceberg tables: expires snapshots as the table's properties say, and removes orphan files."""
    reader.expect("VACUUM")
    name = ddl_name(reader)
    reader.expect_end()

    def run(context: Context) -> Answer:
        table = _iceberg(table_named(name, context), context)
        system = table.in_iceberg.rstrip('"')
        properties = VACUUM_DEFAULTS | dict(context.trino.run(f'SELECT key, value FROM {system}$properties"').rows)
        age = int(properties["vacuum_max_snapshot_age_seconds"])
        fewest = int(properties["vacuum_min_snapshots_to_keep"])
        oldest_kept = context.trino.run(
            f"""SELECT date_diff('second', committed_at, current_timestamp) FROM {system}$snapshots"
            ORDER BY committed_at DESC OFFSET {fewest - 1} LIMIT 1"""
        ).rows
        if oldest_kept:  # otherwise there are fewer than must be kept
            # The newest is kept anyway; for others two seconds more, because time passes before Trino judges them.
            kept_for = max(age, oldest_kept[0][0] + 2 if fewest > 1 else 0)
            context.trino.run(f"ALTER TABLE {table.in_iceberg} EXECUTE expire_snapshots({_older_than(kept_for)})")
        context.trino.run(f"ALTER TABLE {table.in_iceberg} EXECUTE remove_orphan_files({_older_than(age)})")
        return Answer()

    return Plan("DML", "VACUUM", run)


def repair_table(reader: Reader) -> Plan:
    """Plans `msck repair table`, which looks for partitions in S3."""
    reader.expect("MSCK", "REPAIR", "TABLE")
    name = ddl_name(reader)
    reader.expect_end()

    def run(context: Context) -> Answer:
        table = table_named(name, context)
        place = f"{literal(table.database)}, {literal(table.name)}, 'ADD'"
        return context.trino.run(f"CALL {HIVE_CATALOG}.system.sync_partition_metadata({place})")

    return Plan("DDL", "MSCK_REPAIR_TABLE", run)


def _change(reader: Reader) -> tuple[Change | None, Change | None]:
    """Reads a change and returns how to make it in a Hive and in an Iceberg table; None if that is impossible."""
    if reader.take("SET", "TBLPROPERTIES"):
        given = key_values(reader.in_parentheses())
        return lambda c, t: change_in_glue(t, c, lambda d: d["Parameters"].update(given)), _set_properties(given)
    if reader.take("SET", "LOCATION"):
        location = reader.next("string").value
        return lambda c, t: change_in_glue(t, c, lambda d: d["StorageDescriptor"].update({"Location": location})), None
    if reader.take("ADD", "COLUMNS"):
        added = columns_of(reader.in_parentheses(), reader.statement)
        adding = [f'ADD COLUMN "{column["Name"]}" {to_trino(column.get("Type", ""))}' for column in added]
        return (
            lambda c, t: change_in_glue(
                t, c, lambda d: d["StorageDescriptor"].update({"Columns": [*d["StorageDescriptor"]["Columns"], *added]})
            ),
            lambda c, t: [c.trino.run(f"ALTER TABLE {t.in_iceberg} {each}") for each in adding],
        )
    if reader.take("REPLACE", "COLUMNS"):
        columns = columns_of(reader.in_parentheses(), reader.statement)
        return lambda c, t: change_in_glue(t, c, lambda d: d["StorageDescriptor"].update({"Columns": columns})), None
    if reader.take("DROP", "COLUMN"):
        gone = reader.next("name").value
        return None, lambda c, t: c.trino.run(f'ALTER TABLE {t.in_iceberg} DROP COLUMN "{gone}"')
    if reader.take("CHANGE"):
        return None, _change_column(reader)
    if reader.take("RENAME", "TO"):
        new = ddl_name(reader)
        return None, lambda c, t: c.trino.run(f"ALTER TABLE {t.in_iceberg} RENAME TO {table_named(new, c).in_iceberg}")
    if reader.looks_like("ADD", "IF|PARTITION") or reader.looks_like("DROP", "IF|PARTITION"):
        return _change_partition(reader), None
    raise reader.mismatch("'ADD', 'CHANGE', 'DROP', 'RENAME', 'REPLACE', 'SET'")


def _set_properties(given: dict[str, str]) -> Change:
    def change(context: Context, table: Table) -> None:
        for name, value in extra_properties(kept_properties(given)).items():
            context.trino.run(f"ALTER TABLE {table.in_iceberg} SET PROPERTIES {name} = {value}")

    return change


def _change_column(reader: Reader) -> Change:
    reader.take("COLUMN")
    old = reader.next("name").value
    [column] = columns_of(reader.tokens[reader.at : _end(reader)], reader.statement)
    reader.at = _end(reader)
    new, kind = column["Name"], to_trino(column.get("Type", ""))

    def change(context: Context, table: Table) -> None:
        if new != old:
            context.trino.run(f'ALTER TABLE {table.in_iceberg} RENAME COLUMN "{old}" TO "{new}"')
        context.trino.run(f'ALTER TABLE {table.in_iceberg} ALTER COLUMN "{new}" SET DATA TYPE {kind}')

    return change


def _change_partition(reader: Reader) -> Change:
    is_added = reader.next("name").word == "ADD"
    is_forgiving = reader.take("IF", "NOT", "EXISTS") or reader.take("IF", "EXISTS")
    reader.expect("PARTITION")
    values = [group[-1].value for group in split_by_comma(reader.in_parentheses())]
    location = reader.next("string").value if reader.take("LOCATION") else ""

    def change(context: Context, table: Table) -> None:
        names = {"DatabaseName": table.database, "TableName": table.name}
        described = context.glue.get_table(DatabaseName=table.database, Name=table.name)["Table"]
        storage = described["StorageDescriptor"]
        if location:
            storage = {**storage, "Location": location}
        errors = context.glue.exceptions
        try:
            if is_added:
                context.glue.create_partition(**names, PartitionInput={"Values": values, "StorageDescriptor": storage})
            else:
                context.glue.delete_partition(**names, PartitionValues=values)
        except (errors.AlreadyExistsException, errors.EntityNotFoundException) as error:
            if not is_forgiving:
                raise QueryError("FAILED", str(error)) from error

    return change


def _end(reader: Reader) -> int:
    return len(reader.tokens) - (reader.tokens[-1].word == ";")


def _older_than(seconds: int) -> str:
    return f"retention_threshold => '{seconds}s'"


def _iceberg(table: Table, context: Context) -> Table:
    if is_iceberg(table, context.glue) is False:
        raise QueryError("NOT_SUPPORTED", f"Table {table.database}.{table.name} is not an Iceberg table")
    return table
