"""What a reader says of a file that it cannot read."""


class UnreadableFile(Exception):  # noqa: N818 - it is the file that is named
    """The whole file is to be quarantined, for this reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
