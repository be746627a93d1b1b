"""Drafts of profiles from sample tables: every column waits for a decision, and no cell of a patient stands in any file."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmonize.curation.table_draft import draft_from_tables
from harmonize.errors import CallError, HarmonizeError, InputError, SpecificationError, UnknownNameError
from harmonize.profile_check import check_profile
from harmonize.profiles.loading import load_profile
from tests.redcap import convert

PERSON = "pid;born;sex;Größe (cm);class\nQQ1;1990-02-28;QQf;QQ170;QQa\nQQ2;1991-03-01;QQm;;QQb\nQQ3;;QQf;QQ171;QQa\n"
VISIT = "day;pid\nQQ2020-01-01;QQ1\nQQ2020-01-02;QQ1\nQQ2020-01-03;QQ2;QQtoo many\n"
NO_SUBJECT = "ward;beds\nQQA1;QQ12\n"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "person.csv").write_text(PERSON, "utf-8-sig")
    with gzip.open(folder / "visit.csv.gz", "wt") as file:
        file.write(VISIT)
    (folder / "wards.csv").write_text(NO_SUBJECT)
    (folder / "empty.tsv").write_text("pid;note\n")
    (folder / "README.md").write_text("QQ no table")
    return folder


def _texts(folder: Path) -> str:
    return "".join(path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_draft_loads_and_every_column_waits(tables: Path, tmp_path: Path) -> None:
    draft_from_tables(tables, "xx/reg", tmp_path / "draft", subject="pid")
    check = check_profile(str(tmp_path / "draft"))
    assert check.problems == [] and check.mapped == 1
    assert set(check.unaccounted) == {
        "Person.born", "Person.sex", "Person.Gro_e_cm", "Person.class_", "Visit.day",
    }  # fmt: skip
    profile = load_profile(str(tmp_path / "draft"))
    assert (profile.assembly.delimiter, profile.assembly.encoding, profile.assembly.subject) == (";", "utf-8", "pid")
    assert profile.left_out_tables.keys() == {"wards", "empty"}
    person = profile.source.classes["Person"]
    assert person["sex"].description == "Filled in 3 of 3 rows, 2 distinct values."
    assert person["Gro_e_cm"].description == "Filled in 2 of 3 rows, 2 distinct values."
    assert profile.source.enums == {} and {slot.range for slot in person.values()} == {"string"}
    source = yaml.safe_load((tmp_path / "draft" / "source.yaml").read_text("utf-8"))
    assert source["classes"]["Visit"]["description"] == (
        "The table visit.csv: 2 rows in the sample, beside 1 that have not as many cells as the header."
    )


def test_no_cell_stands_in_the_draft(tables: Path, tmp_path: Path) -> None:
    draft_from_tables(tables, "xx/reg", tmp_path / "draft", subject="pid")
    assert "QQ" not in _texts(tmp_path / "draft")


def test_values_are_written_of_the_columns_that_are_named(tables: Path, tmp_path: Path) -> None:
    draft_from_tables(tables, "xx/reg", tmp_path / "draft", subject="pid", values=["sex"])
    profile = load_profile(str(tmp_path / "draft"))
    assert profile.source.enums == {"sex_values": {"QQf", "QQm"}}
    assert profile.source.classes["Person"]["sex"].range == "sex_values"
    assert "QQ" not in _texts(tmp_path / "draft").replace("QQf", "").replace("QQm", "")


def test_convert_refuses_the_draft_and_takes_the_profile_made_of_it(tables: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    draft_from_tables(tables, "xx/reg", draft, subject="pid", values=["sex"])
    with pytest.raises(SpecificationError, match="neither mapped nor left out"):
        convert(tables, tmp_path / "refused", profile=str(draft))
    map_file = yaml.safe_load((draft / "map.yaml").read_text())
    slots = {"birth_date": {"expr": "date(person.born)"}, "care_episodes": {"populated_from": "visit"}}
    map_file["class_derivations"][0]["slot_derivations"] |= slots
    map_file["class_derivations"].append(
        {"name": "CareEpisode", "populated_from": "Visit", "slot_derivations": {"start_date": {"expr": "date(day)"}}}
    )
    (draft / "map.yaml").write_text(yaml.safe_dump(map_file, sort_keys=False))
    card = yaml.safe_load((draft / "profile.yaml").read_text("utf-8"))
    card["assemble"]["tables"]["person"]["repeats"] = "once"
    source = yaml.safe_load((draft / "source.yaml").read_text("utf-8"))
    source["classes"]["Record"]["attributes"]["person"] = {"range": "Person", "inlined": "true"}
    (draft / "source.yaml").write_text(yaml.safe_dump(source, sort_keys=False, allow_unicode=True), "utf-8")
    rest = ["sex", "Gro_e_cm", "class_"]
    card["left_out"].append({"class": "Person", "slots": rest, "reason": "Not needed by the node."})
    (draft / "profile.yaml").write_text(yaml.safe_dump(card, sort_keys=False, allow_unicode=True), "utf-8")
    assert check_profile(str(draft)).problems == []
    (tables / "visit.csv.gz").unlink()
    (tables / "visit.csv").write_text("day;pid\n2020-01-01;QQ1\n")
    run = convert(tables, tmp_path / "out", profile=str(draft))
    records = run.lines("hub/subjects.ndjson")
    assert [r.get("birth_date", {}).get("value") for r in records] == ["1990-02-28", "1991-03-01", None]
    values = run.counts["values"]["hub"]
    assert values["person.csv/Größe (cm)"]["dropped"] == 2, "what is left out is counted under the column's own name"
    assert "source.unknown-column" not in {finding["rule"] for finding in run.lines("private/findings.ndjson")}


@pytest.mark.parametrize(
    ("files", "more", "error", "said"),
    [
        ({"a.csv": "x,pid\n1,2\n"}, {"subject": None}, CallError, "every table has x, pid. To mend it: --subject"),
        ({"a.csv": "x,pid\n1,2\n", "b.csv": "pid\n1\n"}, {"subject": None}, CallError, "every table has pid"),
        ({"a.csv": "x\n1\n", "b.csv": "y\n1\n"}, {"subject": None}, CallError, "1 of 2 tables have x, y"),
        ({"a.csv": "1990-02-28,QQ7\nA,B\n"}, {"subject": None}, CallError, r"the subject\. To mend it"),
        ({"a.csv": "x,pid\n1,2\n"}, {"subject": "pidd"}, UnknownNameError, "Did you mean 'pid'"),
        ({"a.csv": "x,pid\n1,2\n"}, {"values": ["y"]}, UnknownNameError, "no column is called 'y'"),
        ({"a.csv": "x,pid\n1,2\n"}, {"values": ["pid"]}, UnknownNameError, "no column is called 'pid'"),
        ({"a.csv": "x,pid\n" + "".join(f"{n},1\n" for n in range(300))}, {"values": ["x"]}, InputError, "'x' holds no list"),
        ({"a.csv": "x,pid\n" + "y" * 300 + ",1\n"}, {"values": ["x"]}, InputError, "'x' holds no list"),
        ({"a.csv": "x,pid\n1,2\n"}, {"encoding": "utf8"}, UnknownNameError, "Did you mean 'utf-8'"),
        ({"a.csv": "x,pid\n1,2\n"}, {"delimiter": ":"}, UnknownNameError, "no delimiter is called"),
        ({"a.csv": "x;y,pid\n1,2\n"}, {}, InputError, "delimited by ',' and by ';'.*--delimiter"),
        ({"a.csv": "x,pid\n1,2\n", "b.csv": "x\tpid\n1\t2\n"}, {}, InputError, "a.csv and b.csv are delimited by different"),
        ({"a.csv": "x,pid\n1,2\n", "A.tsv": "x,pid\n1,2\n"}, {}, InputError, "two tables have the name"),
        ({"a.csv": "x,pid,x\n1,2,3\n"}, {}, InputError, r"there twice \(columns 1, 3\)"),
        ({"a.csv": ""}, {}, InputError, "the file is empty"),
        ({"a.csv": "x,pid\n"}, {}, InputError, "no table has a row"),
        ({"a.csv": "x,pid\n1\n"}, {}, InputError, "no row has as many cells"),
        ({"a.csv": 'x,pid\n1,2\n3,"4'}, {}, InputError, "cannot be read to its end"),
        ({"a.csv": "x,pid\n1,2\n".encode("utf-16")}, {}, InputError, "the file is UTF-16"),
        ({"a.csv": "Größe,pid\n1,2\n".encode("latin-1")}, {}, InputError, "row 1: bytes that are no UTF-8.*--encoding"),
        ({"a.csv": "x,pid\nGröße,2\n".encode("latin-1")}, {}, InputError, "row 2: bytes that are no UTF-8"),
        ({"a.csv": "x,pid\n1,2\n", "b.csv.gz": b"no gzip"}, {}, InputError, "damaged or cut off"),
        ({"a.csv": "x" * 201 + ",pid\n1,2\n"}, {}, InputError, "the name of column 1"),
        ({"a.csv": "x\x07,pid\n1,2\n"}, {}, InputError, "the name of column 1"),
        ({"a.csv": "x,Patient ID\n1,2\n"}, {"subject": "Patient ID"}, InputError, "a name that no slot can have.*Patient_ID"),
        ({"a.xlsx": b"PK"}, {}, InputError, "made of delimited text"),
        ({"a.pdf": b"x"}, {}, InputError, "no table is there"),
    ],
)  # fmt: skip
def test_what_cannot_be_drafted_is_refused_by_name(
    files: dict[str, str | bytes],
    more: dict[str, object],
    error: type[HarmonizeError],
    said: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "in").mkdir()
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(error, match=said) as raised:
        draft_from_tables(tmp_path / "in", "xx/reg", tmp_path / "draft", **{"subject": "pid", **more})  # type: ignore[arg-type]
    assert "QQ" not in str(raised.value) and not (tmp_path / "draft").exists()


def test_what_is_declared_is_used(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("Größe|x;y|pid\nä|1|2\n".encode("iso-8859-15"))
    draft_from_tables(
        tmp_path / "a.csv", "xx/reg", tmp_path / "draft", subject="pid", delimiter="|", encoding="iso-8859-15"
    )
    profile = load_profile(str(tmp_path / "draft"))
    assert (profile.assembly.delimiter, profile.assembly.encoding) == ("|", "iso-8859-15")
    assert profile.assembly.tables[0].columns == {"Größe": "Gro_e", "x;y": "x_y"}


NAMES = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120), min_size=1, max_size=8, unique_by=str.strip
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=NAMES)
def test_any_names_of_columns_make_a_profile_that_finds_them_again(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("names")
    names = [name for name in names if name.strip() != "pid"]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [["pid", *names], *[[f"QQ{n}" for n in range(len(names) + 1)]] * 2]
    )
    (folder / "t.csv").write_bytes(written.getvalue().encode())
    draft_from_tables(folder / "t.csv", "xx/reg", folder / "draft", subject="pid", delimiter=",")
    check, profile = check_profile(str(folder / "draft")), load_profile(str(folder / "draft"))
    (table,) = profile.assembly.tables
    slots = [table.slot_of(name.strip()) for name in names]
    assert "QQ" in "".join(names) or "QQ" not in _texts(folder / "draft")
    assert check.problems == [] and len(set(slots)) == len(names)
    assert sorted(check.unaccounted) == sorted(f"{table.row_class}.{slot}" for slot in slots)


SAMPLES = [
    ("se-national-registers/samples", "lopnr", 2),
    ("eu-omop54-csv/samples", "person_id", 11),
    ("eu-ern-cde-csv/samples", "pid", 12),
    ("eu-molgenis-rd3-csv/samples", "individuals", 11),
]


@pytest.mark.parametrize(("path", "subject", "number"), SAMPLES)
def test_tables_of_national_formats(
    path: str, subject: str, number: int, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shared(f"national-formats/{path}")
    draft_from_tables(folder, "xx/reg", tmp_path / "draft", subject=subject)
    check, profile = check_profile(str(tmp_path / "draft")), load_profile(str(tmp_path / "draft"))
    columns, cells = 0, set[str]()
    names = " ".join(table.file for table in profile.assembly.tables)
    for table in profile.assembly.tables:
        with (folder / table.file).open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file, delimiter=profile.assembly.delimiter)
        columns += len(header) - 1
        names += " ".join(header)
        cells |= {cell.strip() for row in rows for cell in row}
    assert check.problems == [] and len(profile.assembly.tables) == number
    assert len(check.unaccounted) == columns
    text = _texts(tmp_path / "draft")
    assert not [cell for cell in cells if len(cell) > 5 and cell not in names and cell in text]
