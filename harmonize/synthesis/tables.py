"""Synthetic source records of a profile with tables, from its `demo.yaml`: the persons do not exist.

`demo.yaml` is a small closed vocabulary. Under `tables` stands each table of the profile with
- `rows`: how many rows a subject has: `{chance: S}`, `{between: [A, B]}`, or `{each: TABLE, chance: S}`; one by default;
- `columns`: what its cells hold: a text as it is, or one of `{subject: key}`, `{event: new}`, `{serial: PREFIX}`,
  `{pick: [..]}`, `{weights: {TEXT: N}}`, `{date: {from: D, to: D}}`, `{date: {after: NAME, days: [A, B]}}`,
  `{number: {from: A, to: B, decimals: N}}`, `{same: COLUMN}` (of this row), `{parent: COLUMN}` (of the row in `each`),
  `{remembered: NAME}`,
  `{part: {of: NAME, is: year | month | day}}` (of a remembered date, without leading zeros),
  `{by: {column: COLUMN, cells: {TEXT: CELL}}}` (a cell that goes with a text of this row; blank beside other texts).
  `{subject: number}` and `{event: number}` are the same identifiers as whole numbers.
  With it may stand `as: NAME` (remembered for the subject), `distinct: "true"` (no value twice for a subject),
  `blank: SHARE`, and `flaw: {share: S, pick: [..]}`, the damage that real files have.

Under `document` may stand what an XML document holds beside its subjects: see `harmonize.synthesis.xml_files`.
Under `fixed` may stand files that are the same whatever subjects are made, such as a list of codes or a file that the profile
does not read: `FILE: {columns: [..], rows: [[..], ..]}`, written with the delimiter and encoding of the profile.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.errors import CallError, SpecificationError
from harmonize.profiles.specification import Profile
from harmonize.profiles.specification_files import require_inside
from harmonize.synthesis.files import FixedFile, Row, write_fixed, write_subjects
from harmonize.terminology.strict_yaml import load_strict_yaml
from harmonize.whole_files import is_taken, whole_folder

FILE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}[.][a-z]{2,4}")


@dataclass
class Person:
    """The synthetic subject under way: number, remembered values, rows made so far."""

    number: int
    chance: random.Random
    remembered: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    serials: int = 0

    def serial(self) -> str:
        """A number that no other row of the run has."""
        self.serials += 1
        return f"{self.number:08d}{self.serials:03d}"


Cell = Callable[[Person, Row, Row], str]


class Column(NamedTuple):
    """A column: its name, how a cell is made, under which name the subject remembers it."""

    name: str
    make: Cell
    remember: str | None


class Table(NamedTuple):
    """A table: how many rows a subject has, for the rows of which other table, and the columns."""

    name: str
    each: str | None
    chance: float
    between: tuple[int, int]
    columns: tuple[Column, ...]


def load_demo(profile: Profile) -> tuple[Table, ...]:
    """The tables of the profile's `demo.yaml`. Raises CallError where it has none, SpecificationError where it is wrong."""
    path = profile.folder / "demo.yaml"
    if not path.is_file():
        raise CallError(f"the profile {profile.id} has no demo.yaml, so no synthetic records can be made of it")
    require_inside(path, profile.folder)
    tree = _tree(path)
    known = {table.name for table in profile.assembly.tables}
    tables = []
    for name, body in tree["tables"].items():
        if name not in known:
            raise SpecificationError(
                f"the profile has no table {name!r}", file=str(path), fix=f"use {', '.join(sorted(known))}"
            )
        try:
            tables.append(_table(name, body, str(path)))
        except (KeyError, ValueError, TypeError, AttributeError, IndexError):
            raise SpecificationError(
                f"the table {name!r} is not written as it must be", file=str(path), fix="see harmonize.synthesis.tables"
            ) from None
    return tuple(tables)


def _tree(path: Path) -> Mapping[str, Any]:
    tree, _ = load_strict_yaml(path, name="demo.yaml")
    if not isinstance(tree, Mapping) or not isinstance(tree.get("tables"), Mapping):
        raise SpecificationError("tables is missing", file=str(path), fix="see harmonize.synthesis.tables")
    unknown = set(tree) - {"tables", "fixed", "document"}
    if unknown:
        raise SpecificationError(f"{min(unknown)!r} is not known", file=str(path), fix="write tables and fixed")
    return tree


def load_fixed(profile: Profile) -> dict[str, FixedFile]:
    """The files of `demo.yaml` that belong to no subject, by name. Raises SpecificationError where one is wrong."""
    path = profile.folder / "demo.yaml"
    made = {}
    taken = {table.file for table in profile.assembly.tables}
    for name, body in (_tree(path).get("fixed") or {}).items():
        if not FILE_NAME.fullmatch(name) or name in taken or set(body) != {"columns", "rows"}:
            raise SpecificationError(
                f"the fixed file {name!r} is not written as it must be",
                file=str(path),
                fix="give a file that no table has, with columns and rows",
            )
        if any(len(row) != len(body["columns"]) for row in body["rows"]):
            raise SpecificationError(f"a row of {name!r} has not as many cells as it has columns", file=str(path))
        made[name] = FixedFile(tuple(body["columns"]), tuple(tuple(row) for row in body["rows"]))
    return made


def _table(name: str, body: Mapping[str, Any], file: str) -> Table:
    rows = body.get("rows", {})
    unknown = set(rows) - {"chance", "between", "each"}
    if unknown or set(body) - {"rows", "columns"}:
        raise SpecificationError(f"table {name!r}: a key is not known", file=file, fix="see harmonize.synthesis.tables")
    first, last = (int(n) for n in rows.get("between", ("1", "1")))
    columns = tuple(_column(name, column, made, file) for column, made in body["columns"].items())
    return Table(name, rows.get("each"), float(rows.get("chance", "1")), (first, last), columns)


def _column(table: str, name: str, made: Any, file: str) -> Column:
    if isinstance(made, str):
        return Column(name, lambda person, row, parent: made, None)
    forms = set(made) & set(_FORMS)
    if len(forms) != 1 or set(made) - set(_FORMS) - {"as", "blank", "distinct", "flaw"}:
        raise SpecificationError(f"column {name!r} needs exactly one of {', '.join(_FORMS)}", file=file)
    make = _cell({form: made[form] for form in forms})
    if made.get("distinct") == "true":
        make = _distinct(f"{table}/{name}", make)
    if "flaw" in made:
        make = _sometimes(float(made["flaw"]["share"]), _pick(made["flaw"]["pick"]), make)
    if "blank" in made:
        make = _sometimes(float(made["blank"]), lambda person, row, parent: "", make)
    return Column(name, make, made.get("as"))


def _cell(made: Any) -> Cell:
    """A text as it is, or one of the forms."""
    if isinstance(made, str):
        return lambda person, row, parent: made
    ((form, body),) = made.items()
    return _FORMS[form](body)


def _sometimes(share: float, rare: Cell, usual: Cell) -> Cell:
    return lambda person, row, parent: (rare if person.chance.random() < share else usual)(person, row, parent)


def _distinct(name: str, make: Cell) -> Cell:
    """No value twice in a column of a subject, as far as a hundred tries find another."""

    def another(person: Person, row: Row, parent: Row) -> str:
        used = person.used.setdefault(name, set())
        for _ in range(100):
            text = make(person, row, parent)
            if text not in used:
                break
        used.add(text)
        return text

    return another


def _pick(values: list[str]) -> Cell:
    return lambda person, row, parent: person.chance.choice(values)


def _weights(weights: Mapping[str, str]) -> Cell:
    values, numbers = list(weights), [float(n) for n in weights.values()]
    cumulative = [sum(numbers[: i + 1]) for i in range(len(numbers))]
    return lambda person, row, parent: person.chance.choices(values, cum_weights=cumulative)[0]


_LATEST = dt.date(2025, 12, 31)
"""No event of a synthetic person is later: what lies in the future of a run is a finding."""


def _date(body: Mapping[str, Any]) -> Cell:
    if "after" in body:
        name, (first, last) = body["after"], (int(n) for n in body["days"])

        def later(person: Person, row: Row, parent: Row) -> str:
            start = dt.date.fromisoformat(person.remembered[name])
            date = start + dt.timedelta(days=person.chance.randint(first, last))
            return min(date, max(start, _LATEST)).isoformat()

        return later
    start, end = (dt.date.fromisoformat(body[name]).toordinal() for name in ("from", "to"))
    return lambda person, row, parent: dt.date.fromordinal(person.chance.randint(start, end)).isoformat()


def _number(body: Mapping[str, str]) -> Cell:
    low, high, decimals = float(body["from"]), float(body["to"]), int(body.get("decimals", "0"))
    return lambda person, row, parent: f"{person.chance.uniform(low, high):.{decimals}f}"


def _subject(kind: str) -> Cell:
    if kind == "number":
        return lambda person, row, parent: str(person.number)
    return lambda person, row, parent: f"DEMO-{person.number:08d}"


def _event(kind: str) -> Cell:
    if kind == "number":
        return lambda person, row, parent: person.serial().lstrip("0")
    return lambda person, row, parent: person.serial()


def _part(body: Mapping[str, str]) -> Cell:
    name, index = body["of"], ("year", "month", "day").index(body["is"])
    return lambda person, row, parent: person.remembered[name].split("-")[index].lstrip("0")


def _by(body: Mapping[str, Any]) -> Cell:
    column, cells = body["column"], {text: _cell(made) for text, made in body["cells"].items()}
    nothing = _cell("")
    return lambda person, row, parent: cells.get(row[column], nothing)(person, row, parent)


_FORMS: Mapping[str, Callable[[Any], Cell]] = {
    "subject": _subject,
    "event": _event,
    "part": _part,
    "by": _by,
    "serial": lambda prefix: lambda person, row, parent: f"{prefix}{person.serial()}",
    "pick": _pick,
    "weights": _weights,
    "date": _date,
    "number": _number,
    "same": lambda column: lambda person, row, parent: row[column],
    "remembered": lambda name: lambda person, row, parent: person.remembered[name],
    "parent": lambda column: lambda person, row, parent: parent[column],
}


def make_person(tables: tuple[Table, ...], number: int, seed: int) -> Person:
    """Subject *number* of the run with *seed*: the same two numbers always make the same rows."""
    person = Person(number, random.Random(f"{seed}/{number}"))  # noqa: S311 - no secret is made
    for table in tables:
        person.rows[table.name] = list(_rows(table, person))
    return person


def _rows(table: Table, person: Person) -> Iterator[Row]:
    parents = person.rows[table.each] if table.each else [{}]
    for parent in parents:
        if table.chance < 1 and person.chance.random() >= table.chance:
            continue
        for _ in range(person.chance.randint(*table.between)):
            row: Row = {}
            for column in table.columns:
                row[column.name] = text = column.make(person, row, parent)
                if column.remember is not None:
                    person.remembered[column.remember] = text
            yield row


def write_tables(profile: Profile, subjects: int, seed: int, out: Path) -> dict[str, int]:
    """Write the tables of *subjects* synthetic subjects into *out* as the profile's reader reads them; rows by file.

    Raises CallError where *out* holds files already.
    """
    tables = load_demo(profile)
    if is_taken(out):
        raise CallError(f"{out} is a file or not empty. To mend it: choose another --out")
    columns = {table.name: [column.name for column in table.columns] for table in tables}
    fixed = load_fixed(profile)
    people = (make_person(tables, number, seed).rows for number in range(1, subjects + 1))
    try:
        with whole_folder(out) as aside:
            return write_subjects(profile, columns, people, aside) | write_fixed(profile, fixed, aside)
    except OSError as error:
        raise CallError(f"cannot write into {out}: {error.strerror}. To mend it: choose another --out") from None
