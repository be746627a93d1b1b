"""How far a conversion is, on stderr: a bar with rich on a terminal, else a plain line every half minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

    from harmonize.convert import Progress

Show = Callable[["Progress"], None]
PLAIN_SECONDS = 30.0


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Show | None]:
    """What to call after each batch; None where nothing is to be shown."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield _Lines(time.monotonic).show
    else:
        with _bar() as bar:
            task = bar.add_task("", total=1.0, text="")
            started = time.monotonic()

            def show(progress: Progress) -> None:
                text = progress_text(progress, time.monotonic() - started)
                total = None if progress.share is None else 1.0
                bar.update(task, completed=progress.share or 0.0, total=total, text=text)

            yield show


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns: list[ProgressColumn] = [BarColumn(bar_width=24), TextColumn("{task.fields[text]}")]
    return Progress(*columns, console=Console(stderr=True), transient=True)


class _Lines:
    """A line on stderr where half a minute has gone by since the last one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = self._said = clock()

    def show(self, progress: Progress) -> None:
        now = self._clock()
        if now - self._said >= PLAIN_SECONDS:
            self._said = now
            print(f"harmonize: {progress_text(progress, now - self._started)}", file=sys.stderr, flush=True)


def progress_text(progress: Progress, seconds: float) -> str:
    """Subjects, rows, rate, rejected rows and time left.

    >>> from harmonize.convert import Progress
    >>> progress_text(Progress(1000, 31_000, 2, 0.25), 10)
    '1,000 subjects, 31,000 rows, 3,100 rows/s, 2 rejected, 30 s left'
    """
    parts = [
        f"{progress.subjects:,} subjects",
        f"{progress.rows:,} rows",
        f"{progress.rows / max(seconds, 0.001):,.0f} rows/s",
        f"{progress.rejected:,} rejected",
    ]
    if progress.share:
        parts.append(f"{_duration(seconds * (1 - progress.share) / progress.share)} left")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    """A duration as people say it.

    >>> _duration(59), _duration(3725)
    ('59 s', '1 h 02 min')
    """
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
