"""A compiled profile with its writers: source records in, hub records and target documents out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

import harmonize
from harmonize.checks.dates import last_day
from harmonize.checks.hub_records import check_record, checks_of
from harmonize.checks.violations import Violation
from harmonize.hub import hub_json_schema_without_values, hub_schema, value_json_schema
from harmonize.hub.objects import DerivedObject, HubObject
from harmonize.profiles.assembly_check import require_assembly
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.lint import require_accounted
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import SubjectLog
from harmonize.profiles.plan import Plan
from harmonize.profiles.row_layout import row_layouts
from harmonize.profiles.source_record import SourceObject
from harmonize.profiles.specification import Profile
from harmonize.pseudonyms import PseudonymKey
from harmonize.terminology.concept_table import ConceptTable
from harmonize.terminology.map_policy import ProfileCodeMap
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies
from harmonize.writers import Document, TargetLog, Writer, WriterContext, load_writer

CONSENT_MODES = ("require", "record")


@dataclass(frozen=True)
class Settings:
    """What a conversion is told. Picklable."""

    profile: str
    targets: tuple[str, ...]
    key: PseudonymKey
    site: str = "site"
    consent: str = "require"
    recorded: str = "1970-01-01T00:00:00Z"
    include_values: bool = False


def make_environment(
    profile: Profile, key: PseudonymKey, site: str, references: Mapping[str, Path] | None = None
) -> Environment:
    """Terminologies, code systems and code maps for *profile*, and the tables of the source that are looked up by key."""
    concepts = next(iter((references or {}).values()), None)
    systems = load_systems()
    return Environment(
        systems=systems,
        terminologies=Terminologies.installed(),
        code_maps={name: ProfileCodeMap(policy) for name, policy in profile.code_maps.items()},
        predicates=profile.predicates,
        key=key,
        site=site,
        missing=profile.assembly.missing,
        meanings=profile.source.meanings,
        concepts=ConceptTable(concepts) if concepts is not None else None,
        check_value=_check_of_values(),
    )


def _check_of_values() -> Callable[[Mapping[str, Any]], None]:
    """What raises where a function of ours made a coded value or a date that breaks the hub's schema."""
    coded, dates = (jsonschema_rs.validator_for(value_json_schema(name)) for name in ("CodedValue", "PartialDate"))

    def check(value: Mapping[str, Any]) -> None:
        if not (dates if "precision" in value else coded).is_valid(value):
            raise AssertionError("a function made a value that breaks the hub schema")

    return check


class Engine:
    """A compiled profile with its writers: turns source records into hub records and target documents.

    It holds no state of a record. Built once per process, from picklable `Settings`.
    """

    def __init__(
        self,
        settings: Settings,
        references: Mapping[str, Path] | None = None,
        headers: Mapping[str, Sequence[str]] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """*references* are the tables that are looked up by key, each as the file that a reader brought it into.

        With the *headers* and *files* of tables, rows are read by index where they are objects by themselves.
        """
        self.settings = settings
        self.profile = load_profile(settings.profile)
        require_assembly(self.profile)
        self.environment = make_environment(self.profile, settings.key, settings.site, references)
        of_rows = headers is not None and files is not None and self.profile.assembly.xml is None
        self.layouts = row_layouts(self.profile, headers or {}, files or {}) if of_rows else {}
        self.plan: Plan = compile_profile(self.profile, self.environment, self.layouts)
        require_accounted(self.profile, self.plan)
        context = WriterContext(
            site=settings.site,
            recorded=settings.recorded,
            profile_id=self.profile.id,
            profile_version=self.profile.version,
            key=settings.key,
            systems=self.environment.systems,
            editions=self.environment.terminologies.editions(),
            software_version=harmonize.__version__,
            filled=self.plan.filled,
        )
        self.writers: dict[str, Writer] = {name: load_writer(name, context) for name in settings.targets}
        self._last_day = last_day(settings.recorded)
        self._checks = checks_of(self.plan.filled)
        self.hub_validator = jsonschema_rs.validator_for(hub_json_schema_without_values())

    def derive(self, source: SourceObject, log: SubjectLog) -> HubObject:
        """The hub record of a source record."""
        derived = self.plan.derive(source, log)
        record = DerivedObject(schema_version=hub_schema().version)
        record.source, record.derivation = source, derived.derivation if derived is not None else None
        record.update(derived or {})
        return record

    def judge(self, record: HubObject) -> list[Violation]:
        """Violations of the hub's structure and of the rules on single records."""
        violations = []
        if not self.hub_validator.is_valid(record):
            for error in self.hub_validator.iter_errors(record):
                path = "".join(f"/{part}" for part in error.instance_path)
                kind = str(error.schema_path[-1]) if error.schema_path else "schema"
                violations.append(Violation("hub.structure", path, f"breaks the hub schema ({kind})", None, None))
        return violations + check_record(record, self.environment.terminologies, self._last_day, self._checks)

    def write(self, record: HubObject) -> tuple[dict[str, list[Document]], dict[str, TargetLog]]:
        """The documents of every target, and what the writers say."""
        documents, logs = {}, {}
        for name, writer in self.writers.items():
            log = logs[name] = TargetLog(name)
            documents[name] = writer.documents(record, log)
        return documents, logs
