"""Print a case with what the profile makes of its rows, for a person to read and to correct: `draft_case.py CASE.yaml`.

The draft shows what happens, not what should happen: compare it with the rows before it becomes a case.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from harmonize.profile_check import case_outcome
from harmonize.profiles.loading import load_profile
from harmonize.terminology.strict_yaml import load_strict_yaml


def main() -> None:
    """Print the expectations of one case as YAML."""
    file = Path(sys.argv[1]).resolve()
    case, _ = load_strict_yaml(file, name=file.name)
    outcome = case_outcome(load_profile(str(file.parents[1])), case)
    print(yaml.safe_dump(outcome, sort_keys=False, allow_unicode=True, width=160))


if __name__ == "__main__":
    main()
