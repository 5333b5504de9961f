"""Prefect's server on one port, until standard input ends. Started by `server_process`; not meant for people."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.dependencies import set_database_config
from prefect.settings import get_current_settings
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from infra.parent_watch import end_with_parent


class SqliteInTurn(AioSqliteConfiguration):
    """Prefect's SQLite database with transactions that wait for one another.

    Prefect's own begin by reading and fail at once ("database is locked", status 503) where another has written since. Its client asks
    again; a page does not, and the run that a person asked for is never made.
    """

    @asynccontextmanager
    async def begin_transaction(
        self,
        session: AsyncSession,
        with_for_update: bool = False,  # noqa: ARG002 - the signature of the base
    ) -> AsyncGenerator[AsyncSessionTransaction, None]:
        """Begin a transaction that holds the write lock from its start."""
        async with super().begin_transaction(session, with_for_update=True) as transaction:
            yield transaction


def main() -> None:
    """Serve on 127.0.0.1 at the port given as the only argument; exit at once when the parent closes the pipe or dies."""
    end_with_parent()  # SQLite survives it, and a clean shutdown takes seconds in which nobody listens
    address = get_current_settings().server.database.connection_url
    if address is not None and address.get_secret_value().startswith("sqlite"):
        set_database_config(SqliteInTurn(address.get_secret_value()))
    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
