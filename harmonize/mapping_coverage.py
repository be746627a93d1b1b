"""`harmonize mappings coverage`: the reader and the functions of a profile over a data set, as `convert` runs them, to count codes.

Of every cell that feeds a coded place it is asked which code it states and what became of it. Nothing is written but counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.convert.batches import Batch, PackedBatch, TableColumns
from harmonize.convert.consent import consent_answer
from harmonize.convert.engine import Engine, Settings
from harmonize.convert.worker import preload
from harmonize.curation.coverage import CodeOutcome, Coverage, Fact, Tally, coverage, digest
from harmonize.engines import local
from harmonize.errors import InputError
from harmonize.findings import Cell, Outcome, Severity
from harmonize.hub import hub_schema
from harmonize.hub.objects import HubObject
from harmonize.input.opening import Opening
from harmonize.input.subjects import RowsOutOfOrder
from harmonize.profiles.assembly import Assembler, RawSubject
from harmonize.profiles.cell_texts import CellTexts
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.concepts import MAPPING_SET
from harmonize.profiles.expressions import Call, Constant, Expression
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted, SubjectLog
from harmonize.profiles.source_record import cells_at
from harmonize.profiles.specification import ClassDerivation, Profile, SlotDerivation
from harmonize.profiles.tree_assembly import TreeAssembler
from harmonize.pseudonyms import key_from_secret
from harmonize.readers import Source, open_source
from harmonize.terminology.answers import Found, NotChecked, Unknown
from harmonize.terminology.notation import Code, load_systems

BATCH_SUBJECTS = 200
_GAPS: Mapping[str, CodeOutcome] = {
    "terms.unmapped": CodeOutcome.NOT_MAPPED,
    "terms.ambiguous": CodeOutcome.NOT_MAPPED,
    "mapping.value": CodeOutcome.NOT_MAPPED,
    "source.code": CodeOutcome.NOT_A_CODE,
    "terms.unknown": CodeOutcome.NOT_A_CODE,
    "terms.wrong-system": CodeOutcome.NOT_A_CODE,
}
"""What the functions say of a code -> what became of it."""
_KEEP_THEIR_CODE = frozenset({"terms.unmapped", "terms.ambiguous"})
_FIRST = (
    CodeOutcome.NOT_MAPPED,
    CodeOutcome.NO_TARGET,
    CodeOutcome.COARSENED,
    CodeOutcome.EXACT,
    CodeOutcome.KEPT,
    CodeOutcome.NOT_CHECKED,
    CodeOutcome.WORDS,
    CodeOutcome.NO_VALUE,
    CodeOutcome.NOT_A_CODE,
)
"""Of a cell that feeds several places the outcome that counts: a row that a map lacks, before what another place made of it."""
_OF_CONCEPTS = frozenset({"concept", "concepts", "ucum"})


@dataclass(frozen=True)
class _Stated:
    """A code or word of a cell and its outcome, before it is decided what counts."""

    outcome: CodeOutcome
    code: str = ""
    label: str = ""


def measure(profile_id: str, inputs: Sequence[Path], *, jobs: int = 1, memory: int | None = None) -> Coverage:
    """The coverage of *inputs* by the profile *profile_id*. Subjects that refused are left out, as `convert` leaves them out.

    Raises what `convert` raises where the input cannot be read, and InputError where it was only partly read.
    """
    profile = load_profile(profile_id)
    settings = Settings(profile_id, (), key_from_secret(bytes(32)))  # pseudonyms are made and thrown away
    to_sort: frozenset[str] = frozenset()
    with tempfile.TemporaryDirectory(prefix="harmonize-") as work, local.rare_collections():
        while True:
            try:
                return _measured(settings, Opening(profile, tuple(inputs), Path(work), to_sort, memory), jobs)
            except RowsOutOfOrder as found:
                to_sort |= {found.table}


def _measured(settings: Settings, opening: Opening, jobs: int) -> Coverage:
    profile, tally = opening.profile, Tally()
    with local.Pool(jobs, partial(preload, settings)) as pool:
        source = open_source(opening)
        columns = TableColumns(source.headers, source.kept, profile.assembly.delimiter)
        worker = CoverageWorker(settings, columns, source.files, source.references, source.parts)
        for made in pool.run(worker, _batches(source.subjects(), jobs)):
            tally.merge(made)
            _drain(source, tally)
    _drain(source, tally)
    if source.log.partly:
        fix = "`harmonize convert` names the file and the row from which on nothing could be read"
        raise InputError("the input was only partly read", fix=fix)
    return coverage(profile.id, tally)


def _drain(source: Source, tally: Tally) -> None:
    """What the reader says is not kept, for it grows with the input; subjects that it rejects are counted."""
    for _ in range(source.log.drain().rejected_subjects):
        tally.subject("rejected")


def _batches(subjects: Iterable[RawSubject], jobs: int) -> Iterator[Batch | PackedBatch]:
    buffer: list[RawSubject] = []
    for raw in subjects:
        buffer.append(raw)
        if len(buffer) == BATCH_SUBJECTS:
            yield Batch(buffer).packed() if jobs > 1 else Batch(buffer)
            buffer = []
    if buffer:
        yield Batch(buffer).packed() if jobs > 1 else Batch(buffer)


class CoverageWorker:
    """Counts the codes of batches of raw subjects. Pickles as settings and headers; compiles in the process that first uses it."""

    def __init__(
        self,
        settings: Settings,
        columns: TableColumns,
        files: Mapping[str, str],
        references: Mapping[str, Path],
        parts: Sequence[str] = (),
    ) -> None:
        """*parts* are the documents of XML."""
        self._made_of = (settings, columns, dict(files), dict(references), tuple(parts))

    def __getstate__(self) -> dict[str, Any]:
        return {"_made_of": self._made_of}

    @cached_property
    def _reading(self) -> _Reading:
        settings, columns, files, references, parts = self._made_of
        engine = Engine(settings, references)
        return _Reading(
            engine, _assembler(engine.profile, columns, files, parts), CellTexts(columns.held(), files, parts)
        )

    def __call__(self, packed: Batch | PackedBatch) -> Tally:
        """The counts of a batch. A subject on which we fail is counted as failed."""
        batch = packed.unpacked(self._made_of[1]) if isinstance(packed, PackedBatch) else packed
        tally = Tally()
        for raw in batch.subjects:
            try:
                facts = self._reading.facts(raw)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - the batch boundary: one bad record never stops a run
                tally.subject("failed")
                continue
            tally.subject("skipped" if facts is None else "read")
            tally.add(facts or ())
        return tally


def _assembler(
    profile: Profile, columns: TableColumns, files: Mapping[str, str], parts: Sequence[str]
) -> Assembler | TreeAssembler:
    if profile.assembly.xml is not None:
        return TreeAssembler(profile, columns.headers, parts)
    return Assembler(profile, columns.held(), files)


class _Reading:
    """The compiled profile over one source."""

    def __init__(self, engine: Engine, assembler: Assembler | TreeAssembler, texts: CellTexts) -> None:
        self._engine, self._assembler, self._texts = engine, assembler, texts
        self._systems = systems_of_slots(engine.profile)
        self._words = words_of(engine.profile)
        self._maps = tuple(engine.environment.code_maps.values())

    def facts(self, raw: RawSubject) -> list[Fact] | None:
        """What the coded cells of a subject state; None where it is not to be used."""
        assembled = self._assembler.assemble(raw)
        log = SubjectLog()
        record = self._engine.derive(assembled.record, log)
        if consent_answer(record, log).withholds:
            return None
        said: dict[Cell, _Said] = {}
        for place, cell, found in self._values(record, raw):
            said.setdefault(cell, _Said()).stated.setdefault(place, []).append(found)
        for noted, cells, place in log.notes:
            gap = _gap(noted, place)
            if gap is not None:
                for cell in self._judged(cells, raw):
                    said.setdefault(cell, _Said()).gaps.setdefault(place, []).append(gap)
        texts = self._texts.of(raw, said)
        return [fact for cell, all_said in said.items() for fact in self._of_cell(cell, texts[cell], all_said)]

    def _judged(self, cells: Sequence[Cell], raw: RawSubject) -> Sequence[Cell]:
        """Of the cells that a function read those that a note of it is on: the code, not the edition or the date beside it."""
        if len(cells) <= 1:
            return cells
        texts = self._texts.of(raw, cells)
        first = cells[0]
        return [cell for cell in dict.fromkeys(cells) if cell.column == first.column or texts[cell] == texts[first]]

    def _values(self, value: Any, raw: RawSubject) -> Iterator[tuple[str, Cell, _Stated]]:
        """Every coded value of a record with the cell that states it."""
        if not isinstance(value, HubObject) or value.derivation is None:
            return
        lineage = value.derivation
        for slot, held in value.items():
            several = held if isinstance(held, list) else [held]
            paths = lineage.paths.get(slot, ())
            if paths and hub_schema().classes[lineage.hub_class][slot].range == "CodedValue":
                source = lineage.source_of(value)
                cells = [list(cells_at(source, (path,))) for path in paths]
                texts = self._texts.of(raw, (cell for of_path in cells for cell in of_path))
                for coded in several:
                    for cell in _stating(coded, cells, texts):
                        yield f"{lineage.hub_class}.{slot}", cell, self._stated(coded)
            for item in several:
                yield from self._values(item, raw)

    def _stated(self, coded: Mapping[str, Any]) -> _Stated:
        codings = coded.get("codings", ())
        if not codings:
            return _Stated(CodeOutcome.WORDS if "text" in coded else CodeOutcome.NO_VALUE)
        mapped = next((c for c in codings if _is_mapped(c)), None)
        stated = next((c for c in codings if c["origin"] == "stated"), None if mapped else codings[0])
        if stated is None:  # a word of a list that the map itself reads
            return _Stated(CodeOutcome.EXACT, label=codings[0].get("label", ""))
        if mapped is not None:
            exact = mapped.get("predicate", "skos:exactMatch") == "skos:exactMatch"
            outcome = CodeOutcome.EXACT if exact else CodeOutcome.COARSENED
        else:
            unchecked = isinstance(self._engine.environment.terminologies.lookup(stated["code"]), NotChecked)
            outcome = CodeOutcome.NOT_CHECKED if unchecked else CodeOutcome.KEPT
        return _Stated(outcome, stated["code"], stated.get("label", ""))

    def _of_cell(self, cell: Cell, text: str, said: _Said) -> list[Fact]:
        """What a cell states: one code, or of a cell that may hold several each, and those of which nothing could be made."""
        places = said.stated.keys() | said.gaps.keys()
        by_place = {place: _distinct(said.stated.get(place, ()), said.gaps.get(place, ())) for place in places}
        parts = max((by_place[place] for place in sorted(by_place)), key=len)
        gaps = [gap for several in said.gaps.values() for gap in several]
        if len(parts) > 1 or any(gap.is_part for gap in gaps):
            return [self._fact(cell, text, places, one, part=True) for one in parts]
        stated = [one for several in said.stated.values() for one in several]
        outcome = min((*(one.outcome for one in stated), *(gap.outcome for gap in gaps)), key=_FIRST.index)
        known = next((one for one in stated if one.code), stated[0] if stated else _Stated(outcome))
        return [self._fact(cell, text, places, replace(known, outcome=outcome))]

    def _fact(self, cell: Cell, text: str, places: Set[str], one: _Stated, *, part: bool = False) -> Fact:
        column = self._texts.column(cell)
        environment = self._engine.environment
        systems = sorted({system for place in places for system in self._systems.get(place, ())})
        code, label = one.code, one.label
        if not code and text.strip() in self._words:
            return Fact(column, one.outcome, "", text.strip(), label, public=True)
        if not code and not part and one.outcome is not CodeOutcome.WORDS:
            code = _code_in(text, systems, environment)
        if not code:
            return Fact(column, one.outcome, ", ".join(systems), "", "", public=False, text=digest(text))
        if not label:
            answer = environment.terminologies.lookup(code)
            label = answer.label if isinstance(answer, Found) else ""
        system = code.partition(":")[0]
        return Fact(column, one.outcome, system, code, label, public=self._is_public(code, text))

    def _is_public(self, code: str, text: str) -> bool:
        """Whether somebody else than the source has *code*: a terminology, a mapping set, the map; or the cell names its system itself.

        Bare digits in a column of codes may be a person's number, whatever notation they happen to fit.
        """
        environment = self._engine.environment
        known = not isinstance(environment.terminologies.lookup(code), NotChecked | Unknown)
        listed = any(one.knows(code) for one in self._maps) or text.strip() in self._words
        return known or listed or code in text or isinstance(environment.systems.of_any_iri(text), Code)


class _Gap(NamedTuple):
    outcome: CodeOutcome
    is_part: bool
    """Whether it is of one value of a cell that may hold several, and nothing else stands for that value."""


@dataclass(slots=True)
class _Said:
    """What is said of a cell, by `Class.slot` of the place that it feeds."""

    stated: dict[str, list[_Stated]] = field(default_factory=dict)
    gaps: dict[str, list[_Gap]] = field(default_factory=dict)


def _distinct(stated: Sequence[_Stated], gaps: Sequence[_Gap]) -> list[_Stated]:
    """The codes that a place took from a cell, each once, and the values of which nothing could be made."""
    by_code: dict[str, list[_Stated]] = {}
    for one in stated:
        by_code.setdefault(one.code, []).append(one)
    best = [min(several, key=lambda one: _FIRST.index(one.outcome)) for several in by_code.values()]
    return [*best, *(_Stated(gap.outcome) for gap in gaps if gap.is_part)]


def _gap(noted: Noted, place: str) -> _Gap | None:
    outcome = _GAPS.get(noted.rule)
    if outcome is None:
        return None
    if outcome is CodeOutcome.NOT_MAPPED and noted.severity is Severity.INFO and noted.outcome is Outcome.UNMAPPED:
        outcome = CodeOutcome.NO_TARGET  # by design: the mapping set says so
    hub_class, _, slot = place.partition(".")
    several = hub_schema().classes[hub_class][slot].multivalued
    return _Gap(outcome, several and noted.rule not in _KEEP_THEIR_CODE)


def _is_mapped(coding: Mapping[str, Any]) -> bool:
    """Whether a mapping set, or the map itself, gave the code; a code system that replaces an old code is none."""
    if coding["origin"] != "mapped":
        return False
    return "row" in coding or coding.get("mapping_set", MAPPING_SET) == MAPPING_SET


def _stating(coded: Mapping[str, Any], cells: Sequence[Sequence[Cell]], texts: Mapping[Cell, str]) -> list[Cell]:
    """Of the cells that may have made a value, by path, those that state its code; what the first one states where none says it.

    Rows that are one object state a value several times: each of their cells is one that states it.
    """
    codes = [c["code"].partition(":")[2].replace(".", "").casefold() for c in coded.get("codings", ())]
    found = [cell for of_path in cells for cell in of_path]
    plain = {cell: texts[cell].replace(".", "").casefold() for cell in found}
    first = next((cell for cell in found if any(code in plain[cell] for code in codes)), found[0] if found else None)
    same_path = next((of_path for of_path in cells if first in of_path), ())
    return [cell for cell in dict.fromkeys(same_path) if first is not None and texts[cell] == texts[first]]


def _code_in(text: str, systems: Sequence[str], environment: Environment) -> str:
    """The code that a cell states of which nothing was made: its own CURIE or IRI, else a code of a system of the place."""
    found = environment.systems.of_any_iri(text)
    if isinstance(found, Code):
        return str(found)
    parsed = (environment.systems.parse(text, system) for system in systems)
    return next((str(code) for code in parsed if isinstance(code, Code)), "")


# --- what the map reads -----------------------------------------------------------------------------------------------


def systems_of_slots(profile: Profile) -> dict[str, frozenset[str]]:
    """`Class.slot` of the hub -> the code systems that the map of *profile* reads there."""
    made: dict[str, set[str]] = {}
    for hub_class, slot in _slots(profile.derivations):
        if slot.expression is not None:
            found = (_systems_of(call) for call in _calls(slot.expression))
            made.setdefault(f"{hub_class}.{slot.slot}", set()).update(*found)
    return {place: frozenset(systems) for place, systems in made.items()}


def words_of(profile: Profile) -> frozenset[str]:
    """The words of the lists that *profile* itself writes down: permissible values, value mappings, choices. They are public."""
    words = {word for values in profile.source.enums.values() for word in values}
    for _, slot in _slots(profile.derivations):
        words |= set(slot.value_mappings or ())
        for call in _calls(slot.expression) if slot.expression is not None else ():
            texts = (str(argument.value) for argument in call.arguments if isinstance(argument, Constant))
            words |= {word for word, equals, _ in (text.partition("=") for text in texts) if equals}
    return frozenset(words)


def _slots(derivations: Iterable[ClassDerivation]) -> Iterator[tuple[str, SlotDerivation]]:
    for derivation in derivations:
        for slot in derivation.slots:
            yield derivation.hub_class, slot
            yield from _slots(slot.nested)


def _calls(expression: Expression) -> Iterator[Call]:
    if isinstance(expression, Call):
        yield expression
        for argument in expression.arguments:
            yield from _calls(argument)


def _systems_of(call: Call) -> Iterator[str]:
    if call.function in _OF_CONCEPTS:
        yield "OMOP"
    for argument in call.arguments:
        if isinstance(argument, Constant) and argument.value in load_systems():
            yield str(argument.value)
