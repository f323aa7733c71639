"""What the tests of readers share: whether two ways to read give the same."""

from extract.readers import Batch


def same(left: Batch | str, right: Batch | str) -> bool:
    """Whether two outcomes are equal in every cell, rejection and remark; a text is why a file could not be read."""
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    is_same = left.records.equals(right.records) and left.rejected == right.rejected
    return bool(is_same) and left.remarks == right.remarks
