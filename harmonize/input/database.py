"""DuckDB as it is used here: in one process, without network, within a share of the memory, spilling to a private folder.

Source: DuckDB, *Configuration* and *Securing DuckDB*. No extension is ever downloaded or loaded by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.errors import SortingMemoryError
from harmonize.output_folder import OutputError

if TYPE_CHECKING:
    import duckdb

_CGROUP_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_MEMINFO = Path("/proc/meminfo")
_SHARE = 4
"""One part of so many of the memory is DuckDB's: workers and the system need theirs."""
MOST = 400 << 20
"""Bytes that sorting takes where the caller does not say: enough to sort 30 million rows in a few passes."""
LEAST = 64 << 20
"""Bytes without which DuckDB cannot sort at all."""


def memory_limit() -> int | None:
    """Bytes that this process may use: what the container (cgroup) allows, else what the machine has; None where unknown."""
    found = []
    for path in _CGROUP_FILES:
        text = path.read_text().strip() if path.is_file() else ""
        if text.isdigit():
            found.append(int(text))
    if _MEMINFO.is_file():
        words = next((line.split() for line in _MEMINFO.read_text().splitlines() if line.startswith("MemTotal:")), [])
        found += [int(words[1]) * 1024] if len(words) > 1 else []
    return min(found, default=None)


def sorting_memory(memory: int | None) -> int:
    """Bytes for DuckDB: what the call says, else a share of `memory_limit`, at most `MOST`.

    >>> sorting_memory(512 << 20) >> 20
    512
    """
    if memory is not None:
        return max(memory, LEAST)
    limit = memory_limit()
    return MOST if limit is None else max(LEAST, min(MOST, limit // _SHARE))


def settings(folder: Path, memory: int | None) -> dict[str, str | bool | int | float | list[str]]:
    """The configuration of every connection."""
    return {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "memory_limit": f"{sorting_memory(memory) >> 20}MiB",
        "temp_directory": str(folder / "duckdb"),
        "threads": 2,
        "preserve_insertion_order": True,
    }


def connected(folder: Path, memory: int | None) -> duckdb.DuckDBPyConnection:
    """A database in memory, which shows no bar of progress: stdout carries data only."""
    import duckdb

    session = duckdb.connect(":memory:", config=settings(folder, memory))
    session.execute("SET enable_progress_bar = false")
    return session


@contextmanager
def sorting_session(folder: Path, memory: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory. Raises OutputError where *folder* has no room for what is spilled."""
    import duckdb

    session = connected(folder, memory)
    try:
        yield session
    except duckdb.IOException:  # its text may quote a line of the file
        raise OutputError(
            f"cannot sort in {folder}: the disk is full or cannot be written. To mend it: free space or choose another --out"
        ) from None
    except duckdb.OutOfMemoryException:
        raise SortingMemoryError from None
    finally:
        session.close()
