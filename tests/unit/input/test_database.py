"""The database that sorts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_no_bar_of_progress_stands_on_stdout(tmp_path: Path) -> None:
    """DuckDB shows one in interactive Python, for which it takes `python -c` too."""
    code = (
        "import sys; from pathlib import Path; from harmonize.input.database import sorting_session\n"
        "with sorting_session(Path(sys.argv[1]), None) as session:\n"
        "    print(session.execute(\"SELECT current_setting('enable_progress_bar')\").fetchone()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "False\n"
