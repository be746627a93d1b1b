"""The command line inside of this process: exit code, and what was said."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple


class Said(NamedTuple):
    """The exit code and both streams of a call."""

    code: int
    out: str
    err: str


def harmonize(*arguments: object, cwd: Path | None = None) -> Said:
    """Call `harmonize` with *arguments*, in the folder *cwd*."""
    from harmonize.cli.main import main

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["harmonize", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(cwd or Path.cwd()):
            main()
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    finally:
        sys.argv = before
    return Said(code, out.getvalue(), err.getvalue())
