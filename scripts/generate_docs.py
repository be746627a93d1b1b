"""Write the pages that are generated: one per rule from rules.yaml, and the function library of profiles."""

from __future__ import annotations

from pathlib import Path

from harmonize.checks.catalogue import Rule, rules
from harmonize.profiles.functions import FUNCTIONS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def rule_page(rule: Rule) -> str:
    """The page of one rule."""
    return "\n".join(
        [
            f"# {rule.id}",
            "",
            f"**{rule.title}** (family {rule.family}, severity {rule.severity.value})",
            "",
            f"- **What is checked:** {rule.what}",
            f"- **Why:** {rule.why}",
            f"- **How:** {rule.how}",
            f"- **To mend it:** {rule.mend}",
            f"- **What it means for the data:** {rule.means}",
            *([f"- **Source:** {rule.source}"] if rule.source else []),
            *([f"- **Not checked without:** {', '.join(rule.needs)}"] if rule.needs else []),
            f"- **Checked:** {', '.join(rule.stages)}",
            "",
        ]
    )


def pages() -> dict[str, str]:
    """Every generated page by its path below docs/."""
    made = {f"rules/{rule.id}.md": rule_page(rule) for rule in rules().values()}
    rows = [f"| [{r.id}]({r.id}.md) | {r.family} | {r.severity.value} | {r.title} |" for r in rules().values()]
    head = ["# Rules", "", "A rule has an id that never changes. `harmonize explain RULE` prints its page.", ""]
    made["rules/index.md"] = "\n".join(
        [*head, "| rule | family | severity | what it finds |", "|---|---|---|---|", *rows, ""]
    )
    functions = [f"| `{name}` | {function.documentation} |" for name, function in sorted(FUNCTIONS.items())]
    head = [
        "# The expression library",
        "",
        "Functions that `expr` in map.yaml may call. They take texts of the source record and give values of the hub. None in, None out,",
        "but for `first` and `listed`. What they refuse becomes a finding at the cell; it is never guessed.",
        "",
        "| function | what it gives |",
        "|---|---|",
    ]
    made["functions.md"] = "\n".join([*head, *functions, ""])
    return made


def main() -> None:
    """Write them, and remove pages of rules that are no more."""
    made = pages()
    for old in (DOCS / "rules").glob("*.md"):
        if f"rules/{old.name}" not in made:
            old.unlink()
    for name, text in made.items():
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
