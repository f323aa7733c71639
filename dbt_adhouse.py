"""What dbt asks before it starts, run by `adhouse` or by hand: it loads every module whose name begins with `dbt_`."""

from typing import Any

import click
from dbt.plugins.manager import dbtPlugin

NEED_NO_ACCOUNT = {"parse", "ls", "list", "deps", "clean", "debug"}


class CredentialsCheck(dbtPlugin):
    """Says in one line that there are no AWS credentials; the adapter would show a traceback of botocore."""

    def initialize(self) -> None:
        """Ends dbt if its target is Athena and nobody knows who is asking.

        Raises:
            RuntimeError: There are no credentials; dbt shows what it says.
        """
        context = click.get_current_context(silent=True)
        profile: Any = context.obj.get("profile") if context and context.obj else None
        if profile is None or profile.profile_name != "adhouse" or profile.credentials.type != "athena":
            return
        if context is not None and context.info_name not in NEED_NO_ACCOUNT:
            from dbt.adapters.athena.session import get_boto3_session_from_credentials

            if get_boto3_session_from_credentials(profile.credentials).get_credentials() is None:
                raise RuntimeError(
                    "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                    "or run under a role"
                )


plugins = [CredentialsCheck]
