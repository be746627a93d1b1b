"""Review of candidates: what is accepted is sound and translates, what is refused is remembered, what is wrong changes nothing."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.curation import review as review_module
from harmonize.curation.amended_table import Amendments, amended
from harmonize.curation.coverage import CodeOutcome, Coverage, Row, as_tsv
from harmonize.curation.mapping_table import parse_mapping_table, read_mapping_table
from harmonize.curation.review import read_candidates, refused_pairs
from harmonize.curation.reviewers import reviewer_curie
from harmonize.curation.set_lint import lint
from harmonize.errors import CallError, SpecificationError
from harmonize.mapping_coverage import measure
from harmonize.terminology.sssom import CANDIDATES, read_mapping_set
from harmonize.terminology.store import Terminologies
from tests.hostile.run_cli import Said, harmonize
from tests.properties.effort import examples
from tests.registry import KEY, Run
from tests.unit.profiles.test_nested_rows import profile as nested_profile

ORCID = "0000-0002-1825-0097"  # of Josiah Carberry, who does not exist
LICENCE = "https://spdx.org/licenses/CC0-1.0"
HEAD = f"""#mapping_set_id: https://w3id.org/harmonize/mappings{CANDIDATES}xx/nested/MONDO
#license: https://w3id.org/sssom/license/unspecified
#object_source_version: '2026-05-05'
#curie_map:
#  ICD10CM: http://purl.bioontology.org/ontology/ICD10CM/
#  MONDO: http://purl.obolibrary.org/obo/MONDO_
#  WORD: https://example.org/words/
subject_id	subject_label	predicate_id	object_id	object_label	mapping_justification	confidence	comment
"""
GAIN = "7 records and 3 persons of D.csv/icd would gain"
FIBROSIS = ("ICD10CM:E84.9", "skos:exactMatch", "MONDO:0009061")
ROWS = [
    FIBROSIS,
    ("ICD10CM:E84.9", "skos:exactMatch", "MONDO:0005027"),
    ("ICD10CM:G40.909", "skos:broadMatch", "MONDO:0005027"),
    ("ICD10CM:E84.9", "skos:broadMatch", "MONDO:0009061"),
    ("ICD10CM:E84.9", "skos:broadMatch", "MONDO:9999999"),
    ("WORD:yes", "skos:exactMatch", "MONDO:0005027"),
    FIBROSIS,
    ("ICD10CM:Q00.0", "skos:closeMatch", "MONDO:0000001"),
]


def candidates(folder: Path, rows: list[tuple[str, str, str]] = ROWS) -> Path:
    path = folder / "c.sssom.tsv"
    lines = [f"{s}\t\t{p}\t{o}\t\tsemapv:LexicalMatching\t0.9\t{GAIN}\n" for s, p, o in rows]
    path.write_text(HEAD + "".join(lines))
    return path


def decide(folder: Path, *words: str) -> Said:
    return harmonize(
        "mappings", "review", "c.sssom.tsv", "--reviewer", ORCID, "--reviewed", "2026-01-31", *words, cwd=folder
    )


def accept(folder: Path, rows: str, *words: str) -> Said:
    return decide(folder, "--accept", rows, "--into", "own.sssom.tsv", "--license", LICENCE, *words)


# --- decisions ------------------------------------------------------------------------------------------------------


def test_what_is_accepted_stands_in_the_set_and_what_is_decided_in_the_candidates(tmp_path: Path) -> None:
    candidates(tmp_path)
    done = accept(tmp_path, "1,3", "--refuse", "2", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out) == {"accepted": [1, 3], "refused": [2], "open": 5, "into": "own.sssom.tsv"}
    table = read_mapping_table(tmp_path / "own.sssom.tsv")
    assert table.meta["mapping_set_id"] == "https://w3id.org/harmonize/mappings/xx/nested/own"
    assert (table.meta["license"], table.meta["sssom_version"]) == (LICENCE, "1.1")
    assert [(r["subject_id"], r["predicate_id"], r["object_id"]) for r in table.rows] == [ROWS[0], ROWS[2]]
    assert {(r["mapping_justification"], r["confidence"], r["object_source_version"], r["comment"], r["reviewer_id"],
             r["review_date"]) for r in table.rows} == {
        ("semapv:LexicalMatching", "0.9", "2026-05-05", "", f"orcid:{ORCID}", "2026-01-31")}  # fmt: skip
    marked = read_candidates(tmp_path / "c.sssom.tsv")
    assert [row["reviewer_agreement"] for row in marked.rows] == ["1.0", "-1.0", "1.0", *[""] * 5]
    assert marked.rows[1]["reviewer_id"] == f"orcid:{ORCID}" and marked.rows[1]["predicate_modifier"] == ""
    assert refused_pairs([tmp_path / "c.sssom.tsv"]) == {("ICD10CM:E84.9", "MONDO:0005027")}
    assert not lint([("x", tmp_path / "own.sssom.tsv")], Terminologies.installed()).findings


def test_what_is_not_decided_is_listed_by_its_number(tmp_path: Path) -> None:
    candidates(tmp_path)
    assert decide(tmp_path, "--refuse", "1-2,5-8").code == 0
    done = harmonize("mappings", "review", "c.sssom.tsv", "--json", cwd=tmp_path)
    assert [(row["number"], row["subject"]["code"], row["records"], row["persons"]) for row in json.loads(done.out)] == [
        (3, "ICD10CM:G40.909", 7, 3), (4, "ICD10CM:E84.9", 7, 3)]  # fmt: skip
    plain = harmonize("mappings", "review", "c.sssom.tsv", cwd=tmp_path)
    assert "skos:broadMatch" in plain.out and "7 records" in plain.out and "2 of 8 rows are open" in plain.err
    assert decide(tmp_path, "--refuse", "all").code == 0
    assert harmonize("mappings", "review", "c.sssom.tsv", "--json", cwd=tmp_path).out.strip() == "[]"


def test_a_second_review_adds_to_the_set_and_changes_nothing_else(tmp_path: Path) -> None:
    candidates(tmp_path)
    own = tmp_path / "own.sssom.tsv"
    own.write_text(
        "#mapping_set_id: https://example.org/own\r\n#license: x  # ours alone\r\n#curie_map:\r\n#    MONDO: http://purl.obolibrary.org/obo/MONDO_\r\n"
        "#    ICD10CM: http://purl.bioontology.org/ontology/ICD10CM/\r\npredicate_id\tsubject_id\tobject_id\tmapping_justification\text_mine\r\n"
        'skos:broadMatch\tICD10CM:G40.909\tMONDO:0005027\tsemapv:ManualMappingCuration\t"a ""b"""\r\n'.replace(
            "\r\n#    ", "\r\n#  "
        ),
        newline="",
    )
    done = decide(tmp_path, "--accept", "1", "--into", "own.sssom.tsv")
    assert done.code == 0, done.err
    text = own.read_bytes().decode()
    assert "# ours alone\r\n" in text and '\t"a ""b"""\t' in text and "\n" not in text.replace("\r\n", "")
    table = read_mapping_table(own)
    assert [(r["subject_id"], r["object_id"], r["ext_mine"]) for r in table.rows] == [
        ("ICD10CM:G40.909", "MONDO:0005027", 'a "b"'), ("ICD10CM:E84.9", "MONDO:0009061", "")]  # fmt: skip
    assert table.iris["orcid"] == "https://orcid.org/" and read_mapping_set(own).rows[1].object == "MONDO:0009061"


def test_who_decided_can_be_asked_again_only_on_purpose(tmp_path: Path) -> None:
    candidates(tmp_path)
    assert decide(tmp_path, "--refuse", "1").code == 0
    done = accept(tmp_path, "1")
    assert done.code == 2 and "the row was refused by orcid:" in done.err and "empty its cells" in done.err


# --- what is refused, with the files as they were -------------------------------------------------------------------

NO_SUCH = "#mapping_set_id: https://example.org/own\n#license: x\n#curie_map:\n#  MONDO: {iri}\n{more}subject_id\tpredicate_id\tobject_id\tmapping_justification\n"
MONDO = "http://purl.obolibrary.org/obo/MONDO_"


def own(rows: str = "", iri: str = MONDO, more: str = "") -> Callable[[Path], object]:
    icd = "#  ICD10CM: http://purl.bioontology.org/ontology/ICD10CM/\n"
    return lambda folder: (folder / "own.sssom.tsv").write_text(NO_SUCH.format(iri=iri, more=icd + more) + rows)


def statement(subject: str, predicate: str, target: str) -> str:
    return f"{subject}\t{predicate}\t{target}\tsemapv:ManualMappingCuration\n"


INTO = ("--into", "own.sssom.tsv")
NEW = (*INTO, "--license", LICENCE)
WRONG: list[tuple[str, tuple[str, ...], Callable[[Path], object] | None, str]] = [
    ("two exact targets", ("--accept", "1-2", *NEW), None, r"row 2, own.sssom.tsv:\d+: mapping.set-contradiction"),
    ("exact and broad", ("--accept", "1,4", *NEW), None, "row 4, .*mapping.set-contradiction"),
    ("the same twice", ("--accept", "1,7", *NEW), None, "row 7, .*mapping.set-duplicate"),
    ("an unknown code", ("--accept", "5", *NEW), None, "row 5, .*mapping.set-unknown-code: MONDO:9999999"),
    ("a word of a list", ("--accept", "6", *NEW), None, "row 6 is of a word of a list.*`meaning`"),
    ("a duplicate of the set", ("--accept", "1", *INTO), own(statement(*FIBROSIS)), "row 1, .*mapping.set-duplicate"),
    ("against the set", ("--accept", "1", *INTO), own(statement("ICD10CM:E84.9", "skos:exactMatch", "MONDO:0005027")),
     "row 1, .*mapping.set-contradiction"),
    ("a set with errors", ("--accept", "1", *INTO), own(statement("ICD10CM:E84.9", "skos:nearly", "MONDO:0009061")), "mapping.set-predicate"),
    ("another edition", ("--accept", "1", *INTO), own(more="#object_source_version: '2019'\n"),
     "object_source_version is 2026-05-05, and own.sssom.tsv says 2019 for all its rows"),
    ("another prefix", ("--accept", "1", *INTO), own(iri="https://example.org/"), "MONDO: https://example.org/, the candidates"),
    ("another licence", ("--accept", "1", *NEW), own(), "its license is another than --license says"),
    ("no licence", ("--accept", "1", *INTO), None, "a new set must say who may use it.*--license"),
    ("no IRI", ("--accept", "1", *NEW, "--set-id", "mine"), None, "--set-id 'mine' is no IRI.*mappings/xx/nested/own"),
    ("no name of a set", ("--accept", "1", "--into", "own.tsv", "--license", LICENCE), None, r"call it \*.sssom.tsv"),
    ("the candidates themselves", ("--accept", "1", "--into", "c.sssom.tsv"), None, "is the set of candidates itself"),
    ("no set", ("--accept", "1"), None, "there is no --into"),
    ("a folder that is not there", ("--accept", "1", "--into", "no/own.sssom.tsv", "--license", LICENCE), None, "nothing was changed"),
    ("a number too high", ("--accept", "9", *NEW), None, "--accept '9': c.sssom.tsv has rows 1 to 8"),
    ("a number too low", ("--refuse", "0"), None, "--refuse '0': .*rows 1 to 8"),
    ("a range backwards", ("--refuse", "4-2"), None, "--refuse '4-2'"),
    ("no number", ("--refuse", "1,two"), None, "--refuse 'two'.*1,4-7, or all"),
    ("accepted and refused", ("--accept", "1-3", "--refuse", "3,5", *NEW), None, "row 3 is accepted and refused"),
    ("no decision", INTO, None, "nothing is accepted or refused"),
    ("no day", ("--refuse", "1", "--reviewed", "31.01.2026"), None, "--reviewed '31.01.2026' is no day"),
    ("a wrong check digit", ("--refuse", "1", "--reviewer", "0000-0002-1825-0098"), None, "the check digit is wrong"),
    ("no iD", ("--refuse", "1", "--reviewer", "Maria"), None, "--reviewer 'Maria' is no ORCID iD"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "before", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_changes_nothing(
    tmp_path: Path, words: tuple[str, ...], before: Callable[[Path], object] | None, message: str
) -> None:
    candidates(tmp_path)
    if before is not None:
        before(tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = decide(tmp_path, *words)
    assert done.code == 2 and "To mend it" in done.err
    assert re.search(message, done.err, re.DOTALL), done.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_an_obsolete_code_is_not_accepted(tmp_path: Path) -> None:
    store = Terminologies.installed().store("MONDO")
    assert store is not None
    gone = next(code for code, _, is_obsolete in store.terms() if is_obsolete)
    candidates(tmp_path, [("ICD10CM:E84.9", "skos:broadMatch", gone)])
    done = accept(tmp_path, "all")
    assert done.code == 2 and "mapping.set-obsolete-code" in done.err and not (tmp_path / "own.sssom.tsv").exists()


def test_nobody_decides_without_a_name(tmp_path: Path) -> None:
    candidates(tmp_path)
    done = harmonize("mappings", "review", "c.sssom.tsv", "--refuse", "1", cwd=tmp_path)
    assert done.code == 2 and "--reviewer with your ORCID iD" in done.err


@pytest.mark.parametrize(("text", "message"), [
    (HEAD.replace(CANDIDATES, "/"), "is no set of candidates"),
    ("a\tb\n", "subject_id"),
    (HEAD + "ICD10CM:E84.9\tx\n", "2 cells under 8 columns"),
    (None, "is not there"),
])  # fmt: skip
def test_what_is_no_set_of_candidates(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "c.sssom.tsv").write_text(text)
    done = decide(tmp_path, "--refuse", "1")
    assert done.code == 2 and message in done.err


def test_what_fails_midway_says_what_was_written(tmp_path: Path, monkeypatch: Any) -> None:
    candidates(tmp_path)
    path, replace = tmp_path / "c.sssom.tsv", Path.replace
    monkeypatch.setattr(Path, "replace", lambda part, to: _fail() if to == path else replace(part, to))
    table = read_candidates(path)
    one = review_module.Review({1: table.rows[0]}, {}, f"orcid:{ORCID}", date(2026, 1, 31))
    before, into = path.read_bytes(), tmp_path / "own.sssom.tsv"
    new = review_module.NewSet(licence=LICENCE)
    with pytest.raises(CallError, match=r"own\.sssom\.tsv was written and .*c\.sssom\.tsv was not \(full\)"):
        review_module.decide(path, one, into, new, Terminologies.installed())
    assert path.read_bytes() == before and read_mapping_set(into).rows
    assert sorted(found.name for found in tmp_path.iterdir()) == ["c.sssom.tsv", "own.sssom.tsv"]


def _fail() -> None:
    raise OSError(28, "full")


def test_a_refused_row_translates_nowhere(tmp_path: Path) -> None:
    """Not even where somebody copies it into a code map."""
    candidates(tmp_path)
    assert decide(tmp_path, "--refuse", "1").code == 0
    path = tmp_path / "copied.sssom.tsv"
    path.write_text((tmp_path / "c.sssom.tsv").read_text().replace(CANDIDATES, "/"))
    with pytest.raises(SpecificationError, match="its reviewer refused the row"):
        read_mapping_set(path)
    found = [
        finding for finding in lint([("x", path)], Terminologies.installed()).findings if "refused" in finding.message
    ]
    assert [finding.rule for finding in found] == ["mapping.set-contradiction"]


# --- ORCID ----------------------------------------------------------------------------------------------------------


@given(st.text("0123456789", min_size=15, max_size=15))
@examples(100)
def test_one_check_character_is_right(digits: str) -> None:
    """By the sum that ISO 7064 states: weights 2^15 ... 2^0, X is 10, and 1 remains of 11. Two digits changed places are found."""

    def is_one(text: str) -> bool:
        try:
            reviewer_curie("-".join(text[start : start + 4] for start in (0, 4, 8, 12)))
        except CallError:
            return False
        return True

    right = [check for check in "0123456789X" if is_one(digits + check)]
    values = [*map(int, digits), "0123456789X".index(right[0])]
    assert len(right) == 1 and sum(value * 2 ** (15 - place) for place, value in enumerate(values)) % 11 == 1
    if digits[0] != digits[1]:
        assert not is_one(digits[1] + digits[0] + digits[2:] + right[0])


# --- text -----------------------------------------------------------------------------------------------------------


def test_metadata_of_any_form_of_yaml_take_new_prefixes() -> None:
    text = "#{mapping_set_id: 'x:y', curie_map: {HP: 'http://hp/'}}\nsubject_id\tobject_id\nHP:1\tHP:2\n\n"
    made = amended(
        text,
        "x",
        Amendments("1.1", {"orcid": "https://orcid.org/"}, {3: {"object_id": "HP:3"}}, [{"subject_id": "HP:4"}]),
    )
    table = parse_mapping_table(made.split("\n"), "x")
    assert table.meta == {
        "mapping_set_id": "x:y",
        "curie_map": {"HP": "http://hp/", "orcid": "https://orcid.org/"},
        "sssom_version": "1.1",
    }
    assert [(row["subject_id"], row["object_id"]) for row in table.rows] == [("HP:1", "HP:3"), ("HP:4", "")]


# --- from the data to the data --------------------------------------------------------------------------------------


def own_profile(folder: Path) -> Path:
    """A profile that translates the diagnoses of its rows by a code map of its own."""
    made = nested_profile(folder)
    card, mapping = (yaml.safe_load((made / f"{name}.yaml").read_text()) for name in ("profile", "map"))
    card["code_maps"] = {"own": "codes/own.sssom.tsv"}
    diagnosis = next(one for one in mapping["class_derivations"] if one["name"] == "Diagnosis")
    diagnosis["slot_derivations"]["disease"]["expr"] = (
        "first(mapped(code(disease, 'ICD10CM'), 'own'), code(maybe, 'ICD10CM'))"
    )
    for name, tree in (("profile", card), ("map", mapping)):
        (made / f"{name}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    (made / "codes").mkdir()
    (made / "codes" / "own.sssom.tsv").write_text(
        NO_SUCH.format(iri=MONDO, more="#  ICD10CM: http://purl.bioontology.org/ontology/ICD10CM/\n")
        + statement("ICD10CM:G40.909", "skos:exactMatch", "MONDO:0005027")
    )
    return made


def codes(profile: Path, source: Path, out: Path) -> list[str]:
    settings = Settings(str(profile), ("hub",), KEY, "test", "require", "2026-01-31T12:00:00Z")
    run = Run(out, convert_files(settings, RunOptions((source,), out)))
    return [
        coding["code"]
        for record in run.lines("hub/subjects.ndjson")
        for one in record["diagnoses"]
        for coding in one["disease"]["codings"]
    ]


def test_from_coverage_to_a_conversion_that_maps(tmp_path: Path) -> None:
    profile, source = own_profile(tmp_path / "p"), tmp_path / "in"
    source.mkdir()
    with (source / "Disease.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["pid", "key", "disease", "maybe"],
                ["1", "a", "E84.9", ""],
                ["2", "b", "E84.9", ""],
                ["3", "c", "G40.909", ""],
            ]
        )
    before = codes(profile, source, tmp_path / "before")
    assert "MONDO:0005027" in before and "MONDO:0009061" not in before
    suggest = ("mappings", "suggest", "in", "--profile", "./p", "--to", "MONDO")
    assert harmonize(*suggest, "--out", "c.sssom.tsv", cwd=tmp_path).code == 0
    listed = json.loads(harmonize("mappings", "review", "c.sssom.tsv", "--json", cwd=tmp_path).out)
    assert {row["subject"]["code"] for row in listed} == {"ICD10CM:E84.9"} and {row["records"] for row in listed} == {2}
    wanted = next(row["number"] for row in listed if row["object"]["code"] == "MONDO:0009061")
    path = tmp_path / "c.sssom.tsv"
    path.write_text(path.read_text().replace("skos:broadMatch\tMONDO:0009061", "skos:exactMatch\tMONDO:0009061"))
    others = ",".join(str(row["number"]) for row in listed if row["number"] != wanted)
    done = decide(tmp_path, "--accept", str(wanted), "--refuse", others, "--into", "p/codes/own.sssom.tsv")
    assert done.code == 0, done.err
    assert harmonize("mappings", "lint", "p/codes", cwd=tmp_path).out == ""
    after = codes(profile, source, tmp_path / "after")
    assert after.count("MONDO:0009061") == 2 and after.count("MONDO:0005027") == 1
    assert not [row for row in measure(str(profile), [source]).rows if row.outcome is CodeOutcome.NOT_MAPPED]


def test_what_was_refused_is_not_proposed_again(tmp_path: Path) -> None:
    row = Row(CodeOutcome.NOT_MAPPED, "ICD10CM", "ICD10CM:E84.9", "Cystic fibrosis, unspecified", "D.csv/icd", 1, 7, 3)
    (tmp_path / "c.tsv").write_text(as_tsv(Coverage("xx/nested", {"read": 3}, (row,))))
    suggest = ("mappings", "suggest", "c.tsv", "--to", "MONDO", "--json")
    assert harmonize(*suggest, "--out", "c.sssom.tsv", cwd=tmp_path).code == 0
    assert decide(tmp_path, "--refuse", "1").code == 0
    refused = refused_pairs([tmp_path / "c.sssom.tsv"])
    done = harmonize(*suggest, "--out", "d.sssom.tsv", "--without", "c.sssom.tsv", cwd=tmp_path)
    answer = json.loads(done.out)
    assert answer["left_out"] == len(refused) == 1 and "refused before" in done.err
    assert answer["candidates"] and not refused & {
        (one["subject_id"], one["object_id"]) for one in answer["candidates"]
    }
    again = harmonize(*suggest, "--out", "c.sssom.tsv", cwd=tmp_path)
    assert again.code == 2 and "holds decisions of reviewers" in again.err
    assert refused_pairs([tmp_path / "c.sssom.tsv"]) == refused
