"""Drafts of profiles from XSDs: every element has a slot or a reason, and the draft reads documents of the XSD."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harmonize.curation.xsd_draft import draft_from_xsd
from harmonize.errors import CallError, InputError, UnknownNameError
from harmonize.input.xsd import read_xsd
from harmonize.profile_check import check_profile
from harmonize.profiles.loading import load_profile
from tests.redcap import convert
from tests.shared_data import SHARED

HEAD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:x:reg" targetNamespace="urn:x:reg" elementFormDefault="qualified">'
SCHEMA = f"""{HEAD}
  <xs:simpleType name="Side"><xs:restriction base="xs:string">
    <xs:enumeration value="L"><xs:annotation><xs:documentation>left</xs:documentation></xs:annotation></xs:enumeration>
    <xs:enumeration value="R"/>
  </xs:restriction></xs:simpleType>
  <xs:complexType name="Dated"><xs:simpleContent><xs:extension base="xs:date"><xs:attribute name="accuracy"/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="Finding"><xs:sequence><xs:element name="code" type="xs:string"/><xs:element name="side" type="Side" minOccurs="0"/></xs:sequence></xs:complexType>
  <xs:complexType name="Dear"><xs:complexContent><xs:extension base="Finding"><xs:sequence><xs:element name="cost" type="xs:decimal"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:element name="register"><xs:complexType><xs:sequence>
    <xs:element name="sent" type="xs:date"/>
    <xs:element name="people"><xs:complexType><xs:sequence>
      <xs:element name="person" maxOccurs="unbounded"><xs:complexType><xs:sequence>
        <xs:element name="born" type="Dated"><xs:annotation><xs:documentation>Day of  birth</xs:documentation></xs:annotation></xs:element>
        <xs:element name="visit" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
          <xs:sequence><xs:sequence maxOccurs="unbounded"><xs:element name="finding" type="Dear"/></xs:sequence></xs:sequence>
          <xs:attribute name="day"/>
        </xs:complexType></xs:element>
        <xs:element name="nick" type="xs:string" minOccurs="0" maxOccurs="3"/>
      </xs:sequence><xs:attribute name="person_id" use="required"/></xs:complexType></xs:element>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="sender" type="xs:string"/>
  </xs:sequence><xs:attribute name="version"/></xs:complexType></xs:element>
</xs:schema>"""
DOCUMENT = """<register xmlns="urn:x:reg" version="1"><sent>2024-01-01</sent><people>
<person person_id="7"><born accuracy="day">1990-02-28</born>
<visit><finding><code>HP:0001250</code><side>L</side><cost>3</cost></finding><finding><code>HP:0000365</code><cost>3</cost></finding></visit>
<nick>x</nick><nick>y</nick></person></people><sender>me</sender></register>"""
WAITING = {
    "Person.born", "Person.born_accuracy", "Person.sent", "Visit.day", "Finding.code", "Finding.side", "Finding.cost", "Nick.text",
}  # fmt: skip


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "register.xsd"
    path.write_text(SCHEMA)
    return path


def test_the_draft_loads_and_lists_what_waits(schema: Path, tmp_path: Path) -> None:
    draft_from_xsd(schema, "xx/reg", tmp_path / "draft")
    check = check_profile(str(tmp_path / "draft"))
    assert check.problems == [] and set(check.unaccounted) == WAITING
    profile = load_profile(str(tmp_path / "draft"))
    assert profile.source.enums == {"side_choices": {"L", "R"}}
    assert profile.source.classes["Person"]["born"].description == "Day of birth"
    assert profile.left_out_columns.keys() == {"/sender", "/@version", "/sent"}
    (dialect,) = profile.assembly.xml.dialects.values() if profile.assembly.xml else ()
    assert (dialect.namespace, dialect.root, dialect.version_attribute) == ("urn:x:reg", "register", "version")
    assert (dialect.subject, dialect.identifier) == ("people/person", "@person_id")


def test_a_profile_is_an_edit_of_the_draft(schema: Path, tmp_path: Path) -> None:
    """What docs/how-to tells; a visit that says nothing itself holds its findings all the same."""
    draft = tmp_path / "draft"
    draft_from_xsd(schema, "xx/reg", draft)
    (draft / "map.yaml").write_text(
        """
class_derivations:
  - name: Subject
    populated_from: Record
    slot_derivations:
      subject_id: {expr: "pseudonym(subject_id, 'subject')"}
      birth_date: {expr: "date(subject.born)"}
      care_episodes: {populated_from: rows_of_visit}
  - name: CareEpisode
    populated_from: Visit
    slot_derivations:
      start_date: {expr: "date(day)"}
"""
    )
    card = yaml.safe_load((draft / "profile.yaml").read_text())
    rest = {"Person": ["born_accuracy", "sent"], "Finding": ["code", "side", "cost"], "Nick": ["text"]}
    card["left_out"] += [{"class": name, "slots": slots, "reason": "Not needed."} for name, slots in rest.items()]
    (draft / "profile.yaml").write_text(yaml.safe_dump(card, sort_keys=False))
    assert check_profile(str(draft)).problems == []
    (tmp_path / "in.xml").write_text(DOCUMENT)
    run = convert(tmp_path / "in.xml", tmp_path / "out", profile=str(draft))
    (record,) = run.lines("hub/subjects.ndjson")
    assert record["birth_date"]["value"] == "1990-02-28"
    columns = {name.partition("/")[2]: counts for name, counts in run.counts["values"]["hub"].items()}
    assert columns["visit/finding/code"]["dropped"] == 2 and columns["nick"]["read"] == 2
    rules = {finding["rule"] for finding in run.lines("private/findings.ndjson")}
    assert not rules & {"source.unknown-column", "source.orphan-row", "mapping.no-place"}


def test_what_the_xsd_does_not_say_can_be_said(schema: Path, tmp_path: Path) -> None:
    draft_from_xsd(schema, "xx/reg", tmp_path / "a", root="register", subject="people/person/visit", identifier="@day")
    card = yaml.safe_load((tmp_path / "a" / "profile.yaml").read_text())
    assert card["assemble"]["xml"]["dialects"]["xml"]["subject"] == "people/person/visit"
    assert check_profile(str(tmp_path / "a")).problems == []


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"root": "registers"}, UnknownNameError),
        ({"subject": "people/persons"}, UnknownNameError),
        ({"identifier": "@id"}, UnknownNameError),
        ({"profile_id": "reg"}, CallError),
    ],
)
def test_wrong_calls(schema: Path, tmp_path: Path, more: dict[str, str], error: type[Exception]) -> None:
    profile_id = more.pop("profile_id", "xx/reg")
    with pytest.raises(error):
        draft_from_xsd(schema, profile_id, tmp_path / "draft", **more)  # type: ignore[arg-type]
    assert not (tmp_path / "draft").exists()


BODY = '<xs:element name="a"><xs:complexType><xs:sequence>{}</xs:sequence></xs:complexType></xs:element>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no xml", "no XML"),
        ("<a/>", "no XSD"),
        (HEAD + "</xs:schema>", "several root elements, or none"),
        (HEAD + '<xs:element name="a"/><xs:element name="b"/></xs:schema>', r"several root elements, or none \(a, b\)"),
        (HEAD + BODY.format('<xs:element name="b" type="Nowhere"/>') + "</xs:schema>", "simpleType 'Nowhere', which it does not define"),
        (HEAD + BODY.format('<xs:element ref="b"/>') + "</xs:schema>", "element 'b', which it does not define"),
        (HEAD + '<xs:include schemaLocation="../other.xsd"/></xs:schema>', "does not stand beside it"),
        (HEAD + '<xs:import schemaLocation="o.xsd"/></xs:schema>', "another namespace"),
        (HEAD + BODY.format('<xs:element name="b"/>') + "</xs:schema>", "no element repeats"),
        (HEAD + BODY.format('<xs:element name="b" maxOccurs="2"><xs:complexType><xs:attribute name="x"/></xs:complexType></xs:element>')
         + "</xs:schema>", "no element of b is called an identifier"),
    ],
)  # fmt: skip
def test_what_is_no_usable_xsd_is_refused_by_name(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.xsd").write_text(text)
    with pytest.raises(InputError, match=said):
        draft_from_xsd(tmp_path / "x.xsd", "xx/reg", tmp_path / "draft")


def test_what_contains_itself_is_cut_and_named(tmp_path: Path) -> None:
    text = HEAD + BODY.format('<xs:element name="p" maxOccurs="9" type="P"/>') + (
        '<xs:complexType name="P"><xs:sequence><xs:element name="p_id"/><xs:element name="mother" type="P" minOccurs="0"/>'
        "</xs:sequence></xs:complexType></xs:schema>"
    )  # fmt: skip
    (tmp_path / "x.xsd").write_text(text)
    assert read_xsd(tmp_path / "x.xsd").recursive == ("mother",)
    draft_from_xsd(tmp_path / "x.xsd", "xx/reg", tmp_path / "draft")
    assert "cut at the second one: mother" in (tmp_path / "draft" / "README.md").read_text()


def test_a_file_beside_it_is_included_and_a_restriction_keeps_attributes(tmp_path: Path) -> None:
    (tmp_path / "types.xsd").write_text(
        HEAD + '<xs:complexType name="B"><xs:sequence><xs:element name="c"/><xs:element name="d" minOccurs="0"/></xs:sequence>'
        '<xs:attribute name="id"/></xs:complexType></xs:schema>'
    )  # fmt: skip
    narrow = (
        '<xs:element name="b" maxOccurs="2"><xs:complexType><xs:complexContent><xs:restriction base="B"><xs:sequence>'
        '<xs:element name="c"/></xs:sequence></xs:restriction></xs:complexContent></xs:complexType></xs:element>'
    )
    (tmp_path / "x.xsd").write_text(
        HEAD + '<xs:include schemaLocation="types.xsd"/>' + BODY.format(narrow) + "</xs:schema>"
    )
    assert [path for path, _, _ in read_xsd(tmp_path / "x.xsd").root.leaves()] == ["b/@id", "b/c"]


OBDS = SHARED / "national-formats" / "de-obds-cancer-registry" / "spec"


@pytest.mark.skipif(not OBDS.is_dir(), reason=f"needs {OBDS}, which is not on this machine")
@pytest.mark.parametrize("name", ["oBDS_v3.0.4.xsd", "ADT_GEKID_v2.2.3.xsd"])
def test_every_element_of_a_national_xsd_is_in_its_draft(name: str, tmp_path: Path) -> None:
    draft_from_xsd(OBDS / name, "xx/draft", tmp_path / "draft")
    check, profile = check_profile(str(tmp_path / "draft")), load_profile(str(tmp_path / "draft"))
    leaves = [path for path, _, _ in read_xsd(OBDS / name).root.leaves()]
    (dialect,) = profile.assembly.xml.dialects.values() if profile.assembly.xml else ()
    beside = [p for p in leaves if p not in dialect.document]
    left_out = [p for p in beside if profile.left_out_column(f"/{p}") is not None]
    assert check.problems == []
    assert len(leaves) > 340 and len(check.unaccounted) + len(left_out) + 1 == len(leaves), "one is the identifier"
