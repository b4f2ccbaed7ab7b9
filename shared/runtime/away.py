"""What a PostgreSQL that is away makes of whoever asks it: one list, for those who wait for it and those who say so."""

import asyncpg

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
)
"""It is away, starting or full, and will be there by itself.

asyncpg calls it an internal error when a server says that it goes while a statement is begun.
"""
