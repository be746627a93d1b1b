"""The coverage of codes in reports: what is kept of the table, that sums do not depend on order, and which tables are refused."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from harmonize.curation.coverage import CodeOutcome, Coverage, Row, as_tsv, read_tsv
from harmonize.errors import CallError
from harmonize.report.code_coverage import rows_by_kind, with_coverage
from harmonize.report.merging import merged
from harmonize.report.page_coverage import ranked, system_lines
from harmonize.report.report_file import read_report, report_bytes, write_report
from harmonize.terminology.sssom import read_mapping_set
from tests.synthetic_reports import synthetic_report

HIDDEN = ("not-a-code", "", "", "", "a.csv/x")


def measured(*rows: tuple[str, str, str, str, str, int, int, int]) -> Coverage:
    return Coverage("eu/ern-cde", {"read": 10}, tuple(Row(CodeOutcome(outcome), *rest) for outcome, *rest in rows))


def report_of(site: str, *rows: Any) -> dict[str, Any]:
    made = synthetic_report(2, files=1, items=4)
    made = {**made, "runs": [{**made["runs"][0], "site": site}]}
    return with_coverage(made, measured(*rows))


PARTS = (
    report_of("a", ("exact", "HP", "HP:1", "one", "a.csv/x", 1, 5, 4), (*HIDDEN, 3, 7, 2)),
    report_of("b", ("exact", "HP", "HP:1", "one", "a.csv/x", 1, 2, 2), (*HIDDEN, 9, 1, 1)),
    report_of("c", ("not-mapped", "HP", "HP:1", "one", "a.csv/x", 1, 4, 1)),
)


def test_rows_are_added_by_column_system_code_and_outcome() -> None:
    sums = {report_bytes(merged(order)) for order in itertools.permutations(PARTS)}
    sums |= {report_bytes(merged([merged(PARTS[:2]), PARTS[2]])), report_bytes(merged([PARTS[0], merged(PARTS[1:])]))}
    assert len(sums) == 1
    (section,) = merged(PARTS)["coverage"]
    assert section["subjects"] == {"read": 30}
    numbers = {
        (row["outcome"], row["code"]): (row["distinct"], row["records"], row["persons"]) for row in section["rows"]
    }
    assert numbers == {("exact", "HP:1"): (1, 7, 6), ("not-a-code", ""): (9, 8, 3), ("not-mapped", "HP:1"): (1, 4, 1)}
    assert section["maps"] == PARTS[0]["coverage"][0]["maps"]


def test_a_table_keeps_the_schema_and_comes_back(tmp_path: Path) -> None:
    table = measured(("exact", "HP", "HP:1", "one", "a.csv/x", 1, 5, 4), (*HIDDEN, 3, 7, 2))
    (tmp_path / "coverage.tsv").write_text(as_tsv(table), "utf-8")
    made = with_coverage(synthetic_report(2, files=1, items=4), read_tsv(tmp_path / "coverage.tsv"))
    assert made["coverage"] == PARTS[0]["coverage"]
    write_report(tmp_path / "report.json", made)
    assert read_report(tmp_path / "report.json") == made


def test_reports_without_coverage_have_none() -> None:
    plain = [{name: value for name, value in part.items() if name != "coverage"} for part in PARTS]
    assert "coverage" not in merged(plain)
    assert merged([plain[0], PARTS[1]])["coverage"] == PARTS[1]["coverage"]
    assert system_lines(plain[0]) == [] and ranked(plain[0], mapped=False).shown == []


def test_the_coverage_of_another_profile_is_refused() -> None:
    with pytest.raises(CallError, match=r"intl/omop-5\.4"):
        with_coverage(synthetic_report(2, files=1, items=4), Coverage("intl/omop-5.4", {}, ()))


def test_systems_and_the_ranking_of_what_is_not_mapped() -> None:
    both = merged(PARTS)
    words, codes = sorted(system_lines(both), key=lambda line: line.system)
    assert (codes.total, codes.covered) == ((2, 11, 6), (1, 7, 6))
    assert words.groups["unmapped"] == (9, 8, 3)
    assert [(row["code"], together) for row, together in ranked(both, mapped=False).shown] == [("", 8), ("HP:1", 12)]


def test_rows_of_a_map_by_predicate(tmp_path: Path) -> None:
    head = "#mapping_set_id: https://example.org/x\n#license: https://example.org/l\n#mapping_set_version: '1'\n"
    head += "#curie_map: {HP: 'http://purl.obolibrary.org/obo/HP_', MONDO: 'http://purl.obolibrary.org/obo/MONDO_'}\n"
    columns = "subject_id\tpredicate_id\tobject_id\tmapping_justification\tpredicate_modifier\n"
    lines = [
        "HP:1\tskos:exactMatch\tMONDO:1\tsemapv:MappingReview\t",
        "HP:2\tskos:narrowMatch\tMONDO:2\tsemapv:ManualMappingCuration\t",
        "HP:3\tskos:exactMatch\tsssom:NoTermFound\tsemapv:ManualMappingCuration\t",
        "HP:4\tskos:exactMatch\tMONDO:4\tsemapv:ManualMappingCuration\tNot",
    ]
    path = tmp_path / "x.sssom.tsv"
    path.write_text(head + columns + "\n".join(lines) + "\n", "utf-8")
    counts = {kind: number for kind, number in rows_by_kind(read_mapping_set(path)).items() if number}
    assert counts == {"rows": 3, "exact": 1, "narrow": 1, "no-target": 1, "reviewed": 1}
