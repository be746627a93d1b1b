"""Compile a profile ONCE into plain Python functions, one per class derivation, and run them many times.

The functions are generated as source text from checked specifications only: every name in it is one of ours, every
text of the profile is bound as a constant, so that nothing a profile says is ever executed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import CodeType
from typing import Any

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.hub import Slot, hub_schema
from harmonize.profiles.call_checks import CallChecks
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.expressions import Call, Constant, Expression, Path, paths_of
from harmonize.profiles.functions import FUNCTIONS
from harmonize.profiles.memos import Memo, memo_of
from harmonize.profiles.notes import Feed
from harmonize.profiles.plan import Derive, Lineage, Plan
from harmonize.profiles.plan_names import PlanNames
from harmonize.profiles.row_layout import RowLayout
from harmonize.profiles.row_programs import NoStep, RowProgram, row_program
from harmonize.profiles.rows_function import DeriveRows, rows_function
from harmonize.profiles.shape_programs import shape_program
from harmonize.profiles.specification import ClassDerivation, Profile, SlotDerivation, SourceSchema
from harmonize.profiles.stated_paths import is_flat, leading_paths, paths_of_derivation
from harmonize.profiles.stated_shapes import MANY_PATHS, DeriveByShape, DeriveObjects, Shape

MANY = 5
"""Slots of which it is asked at once whether one is stated, before each is looked up."""


def compile_profile(profile: Profile, environment: Environment, layouts: Mapping[str, RowLayout] | None = None) -> Plan:
    """Compile *profile*. Raises SpecificationError with file and line where the map does not fit source or hub.

    With *layouts* the record holds the rows of those tables as they were read (`Assembler` with the same layouts).
    """
    compiler = _Compiler(profile, environment, layouts or {})
    root = compiler.top_level(profile.source.root)
    if root.hub_class != hub_schema().root:
        raise SpecificationError(
            f"the class {profile.source.root!r} must make {hub_schema().root!r}", file=compiler.file, line=root.line
        )
    for index, derivation in enumerate(profile.derivations):
        compiler.compile_class(derivation, f"{derivation.hub_class}_{index}")
    compiler.compile_rows()
    functions = compiler.build()
    return Plan(
        profile=profile,
        derive=functions[compiler.function_name(root)],
        lineages=compiler.lineages,
        fed_by=compiler.feeds_by_source(),
        source=compiler.text(),
    )


class _Compiler:
    """State of one compilation: generated lines, bound constants, lineages. After `build` it tells the steps of shapes, and no more."""

    def __init__(self, profile: Profile, environment: Environment, layouts: Mapping[str, RowLayout]) -> None:
        self.profile, self.environment, self.layouts = profile, environment, layouts
        self.row_slots = {layout.spec.slot for layout in layouts.values()}
        self.row_functions: dict[str, DeriveRows] = {}
        """Table -> what makes hub objects of its rows."""
        self.row_programs: dict[str, RowProgram | None] = {}
        self.missing = frozenset(environment.missing)
        self.layout: RowLayout | None = None
        self.out = "out"
        self.source: SourceSchema = profile.source
        self.file = str(profile.folder / "map.yaml")
        self.checks = CallChecks(profile, environment, self.wrong)
        self.names: dict[int, str] = {}
        self.blocks: dict[str, list[str]] = {}
        """Name of a function -> its lines."""
        self.named = PlanNames(environment, {"row_functions": self.row_functions})
        self.shaped: dict[str, ClassDerivation] = {}
        """Functions that are there by the shape of objects as well, and the derivations that they are of."""
        self.lists: dict[int, str] = {}
        """Identity of a slot that holds a list of objects -> the function that makes one of them."""
        self.namespace: dict[str, Any] = {}
        self.read: dict[tuple[str, ...], str] = {}
        self.lineages: dict[str, Lineage] = {}
        by_source: dict[str, list[ClassDerivation]] = {}
        for index, derivation in enumerate(profile.derivations):
            self.names[id(derivation)] = f"{derivation.hub_class}_{index}"
            by_source.setdefault(derivation.source_class, []).append(derivation)
        for name, derivations in by_source.items():
            if len(derivations) > 1:
                raise self.wrong(
                    f"the source class {name!r} feeds two hub classes at the top level",
                    derivations[1].line,
                    "alias it in profile.yaml, assemble, or nest the derivation",
                )
        self.by_source = {name: derivations[0] for name, derivations in by_source.items()}

    def wrong(self, what: str, line: int | None, fix: str = "") -> SpecificationError:
        return SpecificationError(what, file=self.file, line=line, fix=fix)

    def function_name(self, derivation: ClassDerivation) -> str:
        return f"derive_{self.names[id(derivation)]}"

    def top_level(self, source_class: str) -> ClassDerivation:
        if source_class not in self.by_source:
            raise self.wrong(f"no class derivation is populated from {source_class!r}", None)
        return self.by_source[source_class]

    # --- one class derivation ---------------------------------------------------------------------------------------

    def compile_rows(self) -> None:
        """For every table with a layout the derivation of its rows once more, reading cells by index."""
        for name, layout in self.layouts.items():
            derivation = self.top_level(layout.spec.row_class)
            self.layout = layout
            of_dicts = self.names[id(derivation)]
            self.compile_class(derivation, f"{of_dicts}__{name}")
            self.row_programs[name] = row_program(derivation, f"{of_dicts}__{name}", layout, self.missing, self)
            self.names[id(derivation)] = of_dicts
        self.layout = None

    def compile_class(self, derivation: ClassDerivation, name: str, holders: tuple[str, ...] = ()) -> None:
        """One function for a class derivation."""
        outer, self.read = self.read, {}
        body, _ = self.class_body(derivation, name, holders)
        lines = [f"def derive_{name}(src, log):"]
        lines.append("    cells = src[1]" if self.layout is not None else "    get = src.get")
        lines += [f"    {line}" for line in self.new_object(name)]
        lines += [f"    {line}" for line in body]
        required = self.required_of(derivation)
        if required:
            missing = " or ".join(f"{slot!r} not in out" for slot in required)
            lines += [
                f"    if out and ({missing}):",
                f"        return log.incomplete({self.src()}, lineage_{name}, out, incomplete)",
            ]
        lines.append("    return out if out else None")
        self.blocks[f"derive_{name}"] = lines
        self.read = outer

    def new_object(self, name: str) -> list[str]:
        return [f"{self.out} = DerivedObject()", f"{self.out}.source = src", f"{self.out}.derivation = lineage_{name}"]

    def src(self) -> str:
        """What stands for the source object: itself, or what is made of the row where something is to be said of it."""
        return "src" if self.layout is None else f"{self.named.constant(self.layout.source_of)}(src)"

    def required_of(self, derivation: ClassDerivation) -> list[str]:
        if derivation.hub_class == hub_schema().root:
            return []
        stated = {slot.slot for slot in derivation.slots}
        return [
            name
            for name, slot in hub_schema().classes[derivation.hub_class].items()
            if slot.required and name in stated
        ]

    def class_body(
        self, derivation: ClassDerivation, name: str, holders: tuple[str, ...]
    ) -> tuple[list[str], tuple[tuple[str, ...], ...]]:
        """The lines that fill an object, and all paths that they read."""
        hub_slots = hub_schema().classes.get(derivation.hub_class)
        if hub_slots is None:
            raise self.wrong(
                str(UnknownNameError("hub class", derivation.hub_class, hub_schema().classes)), derivation.line
            )
        if derivation.source_class not in self.source.classes:
            error = UnknownNameError("source class", derivation.source_class, self.source.classes)
            raise self.wrong(str(error), derivation.line)
        self.names[id(derivation)] = name
        lines: list[str] = []
        paths: dict[str, tuple[tuple[str, ...], ...]] = {}
        feeds: dict[str, Feed] = {}
        constants: list[str] = []
        unread: list[str] = []
        for slot in derivation.slots:
            if slot.slot not in hub_slots:
                error = UnknownNameError(f"slot of {derivation.hub_class}", slot.slot, hub_slots)
                raise self.wrong(str(error), slot.line)
            feeds[slot.slot] = self.feed(name, derivation, slot, holders)
            body, slot_paths = self.compile_slot(derivation, slot, hub_slots[slot.slot], name, holders)
            paths[slot.slot] = slot_paths
            (constants if slot.value is not None else lines).extend(body)
            if slot.slot == "excluded" and slot_paths:  # without it the object would say the opposite
                unread = [
                    f"if {self.out} and 'excluded' not in {self.out} and ({self.known_of(slot_paths)}):",
                    f"    return log.incomplete({self.src()}, lineage_{name}, {self.out}, undecided)",
                ]
        lines += unread
        if constants:  # an object that holds nothing but constants says nothing of anybody
            lines += [f"if {self.out}:", *(f"    {line}" for line in constants)]
        lineage = Lineage(name, derivation.hub_class, derivation.source_class, paths, feeds, self.layout)
        self.named.values[f"lineage_{name}"] = lineage
        if self.layout is None:
            self.lineages[name] = lineage
        return lines, tuple(dict.fromkeys(path for known in paths.values() for path in known))

    def feed(self, name: str, derivation: ClassDerivation, slot: SlotDerivation, holders: tuple[str, ...]) -> Feed:
        """The feed of a slot: one and the same, whether the objects are made of source objects or of rows."""
        of_dicts = self.lineages.get(self.plain_name(name))
        feed = (
            of_dicts.feeds[slot.slot]
            if of_dicts and self.layout
            else Feed(name, derivation.hub_class, slot.slot, holders)
        )
        self.named.values[f"feed_{name}_{slot.slot}"] = feed
        return feed

    def plain_name(self, name: str) -> str:
        """The name of the derivation that makes the same of source objects."""
        return name if self.layout is None else name.replace(f"__{self.layout.spec.name}", "", 1)

    def compile_slot(
        self,
        derivation: ClassDerivation,
        slot: SlotDerivation,
        hub_slot: Slot,
        name: str,
        holders: tuple[str, ...],
    ) -> tuple[list[str], tuple[tuple[str, ...], ...]]:
        if slot.nested:
            return self.nested(slot, hub_slot, name, (*holders, f"{derivation.hub_class}.{slot.slot}")), ()
        if slot.value is not None:
            literal = self.named.constant(self.checks.literal(hub_slot, slot.value, slot))
            return [f"{self.out}[{slot.slot!r}] = {literal}"], ()
        if slot.expression is not None:
            return self.expression_slot(derivation, slot, hub_slot, name)
        return self.copied(derivation, slot, hub_slot, name)

    def nested(self, slot: SlotDerivation, hub_slot: Slot, name: str, holders: tuple[str, ...]) -> list[str]:
        """Objects of the same source object: a single one, or one for each derivation of a list."""
        for inner in slot.nested:
            if inner.hub_class != hub_slot.range:
                raise self.wrong(f"slot {slot.slot} takes {hub_slot.range}, not {inner.hub_class}", inner.line)
        if not hub_slot.multivalued:
            if len(slot.nested) != 1:
                raise self.wrong(f"slot {slot.slot} takes one object", slot.line)
            if is_flat(slot.nested[0]) and not self.takes_objects(slot.nested[0]):
                return self.nested_in_place(slot, name, holders)
        calls = []
        for index, inner in enumerate(slot.nested):
            inner_name = f"{name}_{slot.slot}_{index}"
            out, self.out = self.out, "out"
            self.compile_class(inner, inner_name, holders)
            self.out = out
            calls.append(f"derive_{inner_name}(src, log)")
        if not hub_slot.multivalued:
            return [f"v = {calls[0]}", "if v is not None:", f"    {self.out}[{slot.slot!r}] = v"]
        return [
            f"v = [o for o in ({', '.join(calls)},) if o is not None]",
            "if v:",
            f"    {self.out}[{slot.slot!r}] = v",
        ]

    def takes_objects(self, derivation: ClassDerivation) -> bool:
        """Whether some slot is filled with objects of the source."""
        paths = [(slot, slot.populated_from) for slot in derivation.slots if slot.populated_from is not None]
        ranges = [self.resolve(derivation.source_class, path, slot)[0] for slot, path in paths]
        return any(range_ in self.source.classes for range_ in ranges)

    def nested_in_place(self, slot: SlotDerivation, name: str, holders: tuple[str, ...]) -> list[str]:
        """A single object without a call: where none of its values is there, it is not even begun."""
        inner, inner_name = slot.nested[0], f"{name}_{slot.slot}_0"
        outer, self.out = self.out, f"{self.out}_{slot.slot}"
        asked = paths_of_derivation(inner)
        are_many = self.layout is None and len(asked) >= MANY and all(len(path) == 1 for path in asked)
        known_before = dict(self.read)
        read = [] if are_many else [line for path in asked for line in self.read_path(path)[0]]
        body, paths = self.class_body(inner, inner_name, holders)
        known = self.states(frozenset(path[0] for path in paths)) if are_many else self.known_of(paths) or "False"
        if are_many:  # each is read where it is asked for, and that is not always
            self.read = known_before
        made, required = self.out, self.required_of(inner)
        whole = " and ".join(f"{name!r} in {made}" for name in required) or made
        lines = [*read, f"if {known}:", *(f"    {line}" for line in (*self.new_object(inner_name), *body))]
        lines += [f"    if {whole}:", f"        {outer}[{slot.slot!r}] = {made}"]
        if required:
            lines += [
                f"    elif {made}:",
                f"        log.incomplete({self.src()}, lineage_{inner_name}, {made}, incomplete)",
            ]
        self.out = outer
        return lines

    def copied(
        self, derivation: ClassDerivation, slot: SlotDerivation, hub_slot: Slot, name: str
    ) -> tuple[list[str], tuple[tuple[str, ...], ...]]:
        """`populated_from`: objects through their class derivation, scalars as they are or by value_mappings."""
        assert slot.populated_from is not None
        path = slot.populated_from
        source_range, many = self.resolve(derivation.source_class, path, slot)
        if source_range in self.source.classes:
            return self.copied_objects(slot, hub_slot, path, source_range, many), ()
        if many:
            raise self.wrong(f"slot {slot.slot}: a list of texts is not copied", slot.line, "shape it in assemble")
        if hub_slot.range in hub_schema().classes:
            raise self.wrong(
                f"slot {slot.slot} takes {hub_slot.range}, not text", slot.line, "use expr with a function"
            )
        read, local = self.read_path(path)
        feed = f"feed_{name}_{slot.slot}"
        paths = self.named.constant((path,))
        lines = [*read]
        if self.environment.missing:
            missing = self.named.constant(frozenset(self.environment.missing))
            said = f"{local} is not None and {local}.strip() in {missing}"
            lines += [f"if {said}:", f"    log.note({self.src()}, {feed}, {paths}, missing_datum)"]
        lines.append(f"{'elif' if self.environment.missing else 'if'} {local} is not None:")
        if slot.value_mappings is not None:
            mapping = self.named.constant(
                {key: self.checks.literal(hub_slot, to, slot) for key, to in slot.value_mappings.items()}
            )
            lines += [
                f"    v = {mapping}.get({local})",
                "    if v is None:",
                f"        v = {mapping}.get({local}.strip())",
                "    if v is None:",
                f"        log.note({self.src()}, {feed}, {paths}, unknown_value)",
                "    else:",
                f"        {self.out}[{slot.slot!r}] = v",
            ]
        else:
            if hub_slot.range != "string":
                raise self.wrong(
                    f"slot {slot.slot} takes {hub_slot.range}, not text", slot.line, "use value_mappings or expr"
                )
            lines.append(f"    {self.out}[{slot.slot!r}] = {local}")
        return lines, (path,)

    def copied_objects(
        self, slot: SlotDerivation, hub_slot: Slot, path: tuple[str, ...], source_range: str, many: bool
    ) -> list[str]:
        inner = self.top_level(source_range)
        if inner.hub_class != hub_slot.range or many != hub_slot.multivalued:
            shape = f"{'a list of ' if hub_slot.multivalued else 'one '}{hub_slot.range}"
            raise self.wrong(f"slot {slot.slot} takes {shape}, not what {'.'.join(path)} makes", slot.line)
        read, local = self.read_path(path)
        function = self.function_name(inner)
        if not many:
            return [
                *read,
                f"v = {function}({local}, log) if {local} is not None else None",
                "if v is not None:",
                f"    {self.out}[{slot.slot!r}] = v",
            ]
        if self.layout is None and len(path) == 1 and path[0] in self.row_slots:
            make = [
                "    v = []",
                f"    for table, rows in {local}:",
                "        v += row_functions[table](rows, log)",
            ]
        else:
            self.lists[id(slot)] = function
            if len(paths_of_derivation(inner)) >= MANY_PATHS:
                make = [f"    v = {self.by_shape(inner)}({local}, log)"]
            else:
                make = [f"    v = [o for r in {local} if (o := {function}(r, log)) is not None]"]
        return [*read, f"if {local}:", *make, "    if v:", f"        {self.out}[{slot.slot!r}] = v"]

    def expression_slot(
        self, derivation: ClassDerivation, slot: SlotDerivation, hub_slot: Slot, name: str
    ) -> tuple[list[str], tuple[tuple[str, ...], ...]]:
        assert isinstance(slot.expression, Call)
        feed = f"feed_{name}_{slot.slot}"
        lines: list[str] = []
        result = self.call(derivation, slot, slot.expression, feed, lines, [0])
        self.checks.result(slot.expression, hub_slot, slot)
        paths = tuple(dict.fromkeys(p.names for p in paths_of(slot.expression)))
        known = self.known_of(paths)
        keep = [f"if {result} is not None:", f"    {self.out}[{slot.slot!r}] = {result}"]
        if not known:
            return [*lines, *keep], paths
        missed = ["else:", f"    log.miss({self.src()}, {feed}, {self.named.constant(paths)})"]
        answers = [place for place, line in enumerate(lines) if line.startswith(f"{result} = ")]
        if all(isinstance(argument, Path | Constant) for argument in slot.expression.arguments) and len(answers) == 1:
            # Where nothing is stated nothing is asked: records are full of empty cells.
            read, asked = lines[: answers[0]], lines[answers[0] :]
            if len(paths) == 1 and asked[0] == f"{result} = None":
                asked = [line.removeprefix("    ") for line in asked[2:]]
            return [*read, f"if {known}:", *(f"    {line}" for line in (*asked, *keep, *missed))], paths
        missed[0] = f"elif {known}:"
        return [*lines, *keep, *missed], paths

    def call(
        self,
        derivation: ClassDerivation,
        slot: SlotDerivation,
        call: Call,
        feed: str,
        lines: list[str],
        counter: list[int],
    ) -> str:
        """Generate one call, its arguments first; the name of the local variable that holds the result."""
        function = FUNCTIONS.get(call.function)
        if function is None:
            raise self.wrong(str(UnknownNameError("function", call.function, FUNCTIONS)), slot.line)
        if not function.minimum <= len(call.arguments) <= function.maximum:
            raise self.wrong(f"{call.function} takes {function.minimum} to {function.maximum} arguments", slot.line)
        leading = self.leading_of_many(call)
        if leading is not None:
            return self.first_of_many(derivation, slot, call, leading, feed, lines, counter)
        arguments = [self.argument(derivation, slot, a, feed, lines, counter) for a in call.arguments]
        self.checks.names(call, slot)
        counter[0] += 1
        result = f"t{counter[0]}"
        if call.function == "first":
            lines += self.first_known(call, arguments, result, feed)
            return result
        if call.function == "listed":
            lines.append(f"{result} = {_listed(arguments)}")
            return result
        kept = memo_of(call) if function.pure else None
        if kept is not None:
            texts = ", ".join(name for name, a in zip(arguments, call.arguments, strict=True) if isinstance(a, Path))
            line = f"{self.named.memo(call.function, *kept)}[{texts if kept[0] is Memo else f'({texts},)'}]"
        else:
            line = f"{self.named.function(call.function)}({', '.join(arguments)})"
        paths = self.named.constant(tuple(dict.fromkeys(p.names for p in paths_of(call))))
        asked = [
            f"{result} = {line}",
            f"if {result}.__class__ is Noted:",
            f"    {result} = log.note({self.src()}, {feed}, {paths}, {result})",
        ]
        if function.strict and not isinstance(call.arguments[0], Constant):
            asked = [f"{result} = None", f"if {arguments[0]} is not None:", *(f"    {line}" for line in asked)]
        lines += asked
        return result

    def leading_of_many(self, call: Call) -> frozenset[str] | None:
        """The slots of which one must be stated for a `first` of many to know anything; None for other calls."""
        if call.function != "first" or self.layout is not None:
            return None
        leading = leading_paths(call)
        if leading is None or len(leading) < MANY or any(len(path.names) > 1 for path in paths_of(call)):
            return None
        return frozenset(path[0] for path in leading)

    def first_of_many(
        self,
        derivation: ClassDerivation,
        slot: SlotDerivation,
        call: Call,
        leading: frozenset[str],
        feed: str,
        lines: list[str],
        counter: list[int],
    ) -> str:
        """A `first` of so many slots that it is asked first whether one of them is stated: mostly none is."""
        outer, asked = dict(self.read), list[str]()
        arguments = [self.argument(derivation, slot, a, feed, asked, counter) for a in call.arguments]
        self.checks.names(call, slot)
        counter[0] += 1
        result = f"t{counter[0]}"
        asked += self.first_known(call, arguments, result, feed)
        self.read = outer  # what was read in there is not known behind it
        lines += [f"{result} = None", f"if {self.states(leading)}:", *(f"    {line}" for line in asked)]
        return result

    def states(self, slots: frozenset[str]) -> str:
        """The condition that the source object states one of *slots*."""
        return f"not src.keys().isdisjoint({self.named.constant(slots)})"

    def known_of(self, paths: tuple[tuple[str, ...], ...]) -> str:
        """The condition that something is stated at one of *paths*; empty where there are none."""
        if all(path in self.read for path in paths):
            return " or ".join(f"{local} is not None" for local in self.locals_of(paths))
        return self.states(frozenset(path[0] for path in paths))

    def first_known(self, call: Call, arguments: list[str], result: str, feed: str) -> list[str]:
        """`first(a, b)`: the first that is known; another one that says something else is lost with a finding."""
        lines = [f"{result} = {arguments[0]}"]
        earlier = list(dict.fromkeys(p.names for p in paths_of(call.arguments[0])))
        for argument, node in zip(arguments[1:], call.arguments[1:], strict=True):
            paths = self.named.constant(tuple(dict.fromkeys(p.names for p in paths_of(node))))
            lines += [
                f"if {result} is None:",
                f"    {result} = {argument}",
                f"elif {argument} is not None:",
                f"    if is_stated({argument}) and not is_stated({result}):",  # why nothing is known gives way to what is
                f"        log.note({self.src()}, {feed}, {self.named.constant(tuple(earlier))}, second_choice)",
                f"        {result} = {argument}",
                f"    elif not agrees({argument}, {result}):",
                f"        log.note({self.src()}, {feed}, {paths}, second_choice)",
            ]
            earlier += [p.names for p in paths_of(node) if p.names not in earlier]
        return lines

    def argument(
        self,
        derivation: ClassDerivation,
        slot: SlotDerivation,
        node: Expression,
        feed: str,
        lines: list[str],
        counter: list[int],
    ) -> str:
        if isinstance(node, Constant):
            if not isinstance(node.value, str):
                raise self.wrong("functions take texts, not numbers", slot.line, "put it into quotes")
            return self.named.constant(node.value)
        if isinstance(node, Path):
            range_, many = self.resolve(derivation.source_class, node.names, slot)
            if many or range_ in self.source.classes:
                raise self.wrong(f"{'.'.join(node.names)} is no single text", slot.line, "functions take single texts")
            read, local = self.read_path(node.names)
            lines += read
            return local
        return self.call(derivation, slot, node, feed, lines, counter)

    # --- pieces -----------------------------------------------------------------------------------------------------

    def read_path(self, path: tuple[str, ...]) -> tuple[list[str], str]:
        """Lines that read *path* into a local variable, and its name."""
        if path in self.read:
            return [], self.read[path]
        local = self.read[path] = f"p{len(self.read)}_" + "_".join(path)  # the number keeps a.b and a_b apart
        if self.layout is not None:
            return self.read_cell(self.layout, path[0], local), local
        if len(path) == 1:
            return [f"{local} = get({path[0]!r})"], local
        lines = [f"{local} = get({path[0]!r})"]
        lines += [f"{local} = {local}.get({name!r}) if {local} is not None else None" for name in path[1:]]
        return lines, local

    def read_cell(self, layout: RowLayout, slot: str, local: str) -> list[str]:
        """Lines that read the cell of a slot of a row."""
        place = layout.places.get(slot)
        if place is None:
            return [f"{local} = None"]
        lines = [
            f"{local} = cells[{place.index}]",
            f"if not {local}:" if place.blank == {""} else f"if {local} in {self.named.constant(place.blank)}:",
            f"    {local} = None",
        ]
        if place.says_nothing:
            texts = self.named.constant(place.says_nothing)
            of_cell = self.named.constant(layout.whole_source_of)
            lines += [
                f"elif {local} in {texts}:",
                f"    log.leave_out({of_cell}(src), {slot!r}, {texts}[{local}])",
                f"    {local} = None",
            ]
        return lines

    def locals_of(self, paths: tuple[tuple[str, ...], ...]) -> list[str]:
        return [self.read[path] for path in paths]

    def resolve(self, source_class: str, path: tuple[str, ...], slot: SlotDerivation) -> tuple[str, bool]:
        """Range of *path* and whether it is a list. Raises where a name is not in the source schema."""
        range_, many = source_class, False
        for index, name in enumerate(path):
            slots = self.source.classes.get(range_)
            if slots is None or many:
                raise self.wrong(f"{'.'.join(path[:index])} holds no object of which {name!r} is a slot", slot.line)
            if name not in slots:
                raise self.wrong(str(UnknownNameError(f"slot of {range_}", name, slots)), slot.line)
            range_, many = slots[name].range, slots[name].multivalued
        return range_, many

    def text(self) -> str:
        return "\n\n".join("\n".join(lines) for lines in self.blocks.values()) + "\n"

    def build(self) -> Mapping[str, Derive]:
        """Turn the generated text into functions; its only globals are our constants."""
        namespace = self.namespace = {"__builtins__": {}, **self.named.values}
        for function, derivation in self.shaped.items():
            program = partial(self.program_of, derivation)
            of_shape = DeriveByShape("\n".join(self.blocks[function]), namespace, function, program)
            namespace[f"{function}_of"] = of_shape.objects_function()
        exec(_code(self.text(), self.profile.id), namespace)  # noqa: S102 - our own generated text
        for name, layout in self.layouts.items():
            derivation = self.top_level(layout.spec.row_class)
            function = namespace[f"{self.function_name(derivation)}__{name}"]
            self.row_functions[name] = rows_function(function, self.row_programs[name])
        return namespace

    def by_shape(self, derivation: ClassDerivation) -> str:
        """The name of what makes the hub objects of a list by the functions of *derivation*, each by the slots that it states."""
        function = self.function_name(derivation)
        self.shaped[function] = derivation
        return f"{function}_of"

    def program_of(self, derivation: ClassDerivation, shape: Shape) -> RowProgram | None:
        """The steps of *derivation* for objects that state these slots."""
        return shape_program(derivation, self.names[id(derivation)], shape, self.missing, self)

    # --- what steps are bound to ------------------------------------------------------------------------------------

    def bound_memo(self, name: str, kind: type[Memo], constants: tuple[Any, ...]) -> Memo:
        """The memo of a function of the library."""
        memo: Memo = self.named.values[self.named.memo(name, kind, constants)]
        return memo

    def bound_function(self, name: str) -> Callable[..., Any]:
        """The function of the library."""
        bound: Callable[..., Any] = self.named.values[self.named.function(name)]
        return bound

    def bound_lineage(self, name: str) -> Lineage:
        """The lineage of a derivation that is compiled."""
        lineage: Lineage = self.named.values[f"lineage_{name}"]
        return lineage

    def bound_feed(self, name: str, slot: str) -> Feed:
        """The feed of a slot of a derivation that is compiled. Raises NoStep where it has none."""
        feed: Feed | None = self.named.values.get(f"feed_{name}_{slot}")
        if feed is None:
            raise NoStep
        return feed

    def bound_objects(self, slot: SlotDerivation) -> DeriveObjects | DeriveRows:
        """What makes hub objects of the list that a slot is populated from, but those that hold nothing. Raises NoStep where rows do."""
        function = self.lists.get(id(slot))
        if function is None:
            raise NoStep
        if function in self.shaped:
            of_shapes: DeriveObjects = self.namespace[f"{function}_of"]
            return of_shapes
        return rows_function(self.namespace[function], None)

    def literal_of(self, slot: Slot, value: Any, stated: SlotDerivation) -> Any:
        """What a text of the map is in a slot of the hub."""
        return self.checks.literal(slot, value, stated)

    def feeds_by_source(self) -> Mapping[tuple[str, str], tuple[Feed, ...]]:
        result: dict[tuple[str, str], list[Feed]] = {}
        for lineage in self.lineages.values():
            for slot, paths in lineage.paths.items():
                for path in paths:
                    owner = lineage.source_class
                    for name in path[:-1]:
                        owner = self.source.classes[owner][name].range
                    result.setdefault((owner, path[-1]), []).append(lineage.feeds[slot])
        return {key: tuple(dict.fromkeys(feeds)) for key, feeds in result.items()}


def _listed(arguments: list[str]) -> str:
    """What `listed` gives for local variables, without a call: most slots of several values take one."""
    if len(arguments) == 1:
        return f"[{arguments[0]}] if {arguments[0]} is not None else None"
    return f"[v for v in ({', '.join(arguments)}) if v is not None] or None"


@lru_cache(maxsize=32)
def _code(text: str, profile_id: str) -> CodeType:
    """The code of a plan, once for each text of it, however often a process makes the plan."""
    return compile(text, f"<plan of {profile_id}>", "exec")
