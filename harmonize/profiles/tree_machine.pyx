# cython: language_level=3, wraparound=False
"""Puts the elements of a subject into its source record, and asks the record where it stands: what `tree_assembly`, `tree_elements` and `tree_placing` do, without the interpreter.

What is done for every element is here. What is said of some, rows that replace others and rows that are merged are left to the functions
of these modules, which are given our elements.
"""

from cpython.dict cimport PyDict_Contains, PyDict_DelItem, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsSsize_t, PyLong_FromSsize_t, PyLong_FromVoidPtr
from cpython.ref cimport Py_INCREF, Py_XDECREF, PyObject
from cpython.tuple cimport PyTuple_Check

from operator import itemgetter
from types import MemberDescriptorType

from harmonize.findings import IS_ELEMENT, LINE_BITS, PLACE_BITS
from harmonize.profiles.source_record import SourceObject
from harmonize.profiles.tree_elements import date_order, replace_older
from harmonize.profiles.tree_placing import NOTHING_APART, canonical, contents, merge, orphan
from harmonize.profiles.xml_assembly import WHAT

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        object (*tp_new)(PyTypeObject*, PyObject*, PyObject*)
    ctypedef struct PyMemberDef:
        Py_ssize_t offset
    ctypedef struct PyMemberDescrObject:
        PyMemberDef* d_member
    PyObject* PyTuple_GET_ITEM(object, Py_ssize_t)
    object PySequence_Fast(object, const char*)
    PyObject* PySequence_Fast_GET_ITEM(object, Py_ssize_t)
    Py_ssize_t PySequence_Fast_GET_SIZE(object)

cdef unsigned long long _IS_ELEMENT = IS_ELEMENT, _LINES = (1 << LINE_BITS) - 1
cdef int _PLACE_BITS = PLACE_BITS, _FILE_BITS = PLACE_BITS + LINE_BITS
cdef object _FIRST = itemgetter(0), _DATE_AND_CONTENTS = itemgetter(0, 1)
cdef tuple _NOTHING = ()
cdef str _WHAT = WHAT
cdef type _OBJECT = SourceObject


cdef Py_ssize_t _place_of(str slot) except -1:
    """Where source objects hold *slot*."""
    cdef object member = _OBJECT.__dict__.get(slot)
    if type(member) is not MemberDescriptorType:
        raise ImportError("built of other sources: install harmonize again")
    return (<PyMemberDescrObject*><PyObject*>member).d_member.offset


if not issubclass(_OBJECT, dict) or _OBJECT.__init__ is not dict.__init__:
    raise ImportError("built of other sources: install harmonize again")
cdef Py_ssize_t _TABLE = _place_of("table"), _NUMBER = _place_of("number"), _MEMBERS = _place_of("members")


cdef inline PyObject** _held(object made, Py_ssize_t place):
    return <PyObject**>(<char*><PyObject*>made + place)


cdef inline object _get(object made, Py_ssize_t place):
    """What a source object that `_new` or Python made whole holds at *place*."""
    cdef PyObject* found = _held(made, place)[0]
    return None if found is NULL else <object>found


cdef inline void _set(object made, Py_ssize_t place, object value):
    cdef PyObject* before = _held(made, place)[0]
    Py_INCREF(value)
    _held(made, place)[0] = <PyObject*>value
    Py_XDECREF(before)


cdef object _new(object table, object number, object members):
    """What `row_object({}, table, number)` makes, with *members*."""
    cdef object made = (<PyTypeObject*>_OBJECT).tp_new(<PyTypeObject*>_OBJECT, <PyObject*>_NOTHING, NULL)
    _set(made, _TABLE, table)
    _set(made, _NUMBER, number)
    _set(made, _MEMBERS, members)
    return made


cdef object _source(object made):
    if type(made) is not _OBJECT:
        raise TypeError("no source object")
    return made


cdef class Element:
    """An element on the way into the record, with the objects that its tables make of it: `tree_elements.Element`."""

    cdef readonly object number
    cdef readonly Element holder
    cdef readonly dict objects
    cdef readonly list parts
    cdef public bint replaced

    def __cinit__(self):
        self.objects, self.parts = {}, []

    cpdef object stated(self, object slot):
        """What the element, or the nearest one that holds it, states in *slot*."""
        cdef PyObject* found = self._found(slot, NULL)
        return None if found is NULL else <object>found

    cpdef object stating(self, object slot):
        """The object that states *slot*: of the element itself, or of the nearest one that holds it."""
        cdef PyObject* made = NULL
        self._found(slot, &made)
        return None if made is NULL else <object>made

    cdef PyObject* _found(self, object slot, PyObject** stating) except? NULL:
        """The text of *slot*, borrowed, and the object that states it."""
        cdef Element element = self
        cdef PyObject* made
        cdef PyObject* text
        cdef Py_ssize_t at
        while element is not None:
            at = 0
            while PyDict_Next(element.objects, &at, NULL, &made):
                text = PyDict_GetItemWithError(<object>made, slot)
                if text is not NULL:
                    if stating is not NULL:
                        stating[0] = made
                    return text
            element = element.holder
        return NULL


cdef class _Table:
    """How the objects of one table are placed: an `XmlTable`, its words where C finds them."""

    cdef object spec, without, newest, lead
    cdef str name, slot, kind
    cdef bint merges, repeats
    cdef _Table into
    cdef tuple by, inherit, apart, without_parts
    cdef frozenset apart_slots

    def __init__(self, spec):
        self.spec, self.without, self.newest, self.lead = spec, spec.without, spec.newest, dict(spec.lead)
        self.name, self.slot, self.kind = spec.name, spec.slot, spec.kind
        self.merges, self.repeats = spec.merges, spec.repeats
        self.by, self.inherit, self.apart, self.without_parts = spec.by or (), spec.inherit, spec.apart, spec.without_parts
        self.apart_slots = frozenset(slot for group in spec.apart for slot in group)


cdef class TreeMachine:
    """What is known of a profile and of the headers before the first subject: a `TreeAssembler`, taken apart."""

    cdef object assembler, lending_keys
    cdef dict paths
    cdef list placed, replaced, lent
    cdef frozenset empty

    def __init__(self, assembler):
        cdef dict tables = {name: _Table(spec) for name, spec in assembler.xml.tables.items()}
        cdef _Table table
        for table in tables.values():
            table.into = tables[table.spec.into] if table.spec.into is not None else None
        self.assembler, self.paths = assembler, assembler.paths
        self.placed = [tables[spec.name] for spec in assembler.placed]
        self.replaced = [tables[spec.name] for spec in assembler.replaced]
        self.lent, self.lending_keys = list(assembler.lending.of_tables), assembler.lending.keys
        self.empty = frozenset(assembler.empty)

    def elements(self, rows, said):
        """The elements in the order of the documents, each in what holds it."""
        cdef list ordered = []
        cdef dict last = {}
        cdef list made = []
        cdef object path, listed, row, item, known
        cdef PyObject* found
        cdef Element element, holder
        for path, listed in rows.items():
            for row in listed:
                if not PyTuple_Check(row) or len(row) < 2:
                    raise TypeError("no row")
                ordered.append((<object>PyTuple_GET_ITEM(row, 0), <object>PyTuple_GET_ITEM(row, 1), path))
        ordered.sort(key=_FIRST)
        for item in ordered:
            path = <object>PyTuple_GET_ITEM(item, 2)
            known = self.paths[path]  # (path, holder, plans, shapes)
            found = PyDict_GetItemWithError(last, known[1])
            holder = <Element>found if found is not NULL else None
            element = Element.__new__(Element)
            element.number, element.holder = <object>PyTuple_GET_ITEM(item, 0), holder
            last[path] = element
            if holder is not None:
                holder.parts.append(element)
            if known[2]:
                self._make(known, <object>PyTuple_GET_ITEM(item, 1), element, said)
            made.append(element)
        return made

    cdef int _make(self, object known, object cells, Element element, object said) except -1:
        """What the tables of a path make of the cells of an element."""
        cdef list picked = []
        cdef Py_ssize_t index
        cdef object made, plan, picks, table, name, slot, pick, reason, reasons, judged, shape, stated, cell
        cdef PyObject* shapes
        cells = PySequence_Fast(cells, "no cells")
        for index in range(PySequence_Fast_GET_SIZE(cells)):
            if <object>PySequence_Fast_GET_ITEM(cells, index):
                picked.append(PyLong_FromSsize_t(index))
        stated = tuple(picked)
        shapes = PyDict_GetItemWithError(known[3], stated)
        for shape in <object>shapes if shapes is not NULL else self.assembler.shapes(known, stated):
            plan, picks, table, judged = shape
            name = plan.name
            if table is None:
                made = _source(self.assembler.of_repeated_slots(plan, stated, cells, element.number, said))
            else:
                made = _new(table, element.number, None)
                for pick in picks:
                    index = PyLong_AsSsize_t(<object>PyTuple_GET_ITEM(pick, 1))
                    if not 0 <= index < PySequence_Fast_GET_SIZE(cells):
                        raise IndexError("a row is shorter than its header")
                    PyDict_SetItem(made, <object>PyTuple_GET_ITEM(pick, 0), <object>PySequence_Fast_GET_ITEM(cells, index))
            for slot, reasons in judged:
                reason = reasons.get(made[slot])
                if reason is not None:
                    for cell in made.cells(slot):
                        said.left_out[cell] = reason
                    PyDict_DelItem(made, slot)
            if PyDict_Size(made) or name in self.empty:
                element.objects[name] = made
        return 0

    def replace(self, list elements not None, said):
        """Of the elements with one key the newest stands."""
        cdef _Table table
        cdef Element element
        cdef dict groups
        cdef tuple key
        for table in self.replaced:
            groups = {}
            for element in elements:
                if not element.replaced and PyDict_Contains(element.objects, table.name):
                    key = _stated(table, element)
                    if key and key[0]:
                        groups.setdefault(key, []).append(element)
            for group in groups.values():
                if len(group) > 1:
                    replace_older(table.spec, group, said)

    def place(self, record, list elements not None, said):
        """Put the objects of *elements* that nothing replaces into *record*."""
        cdef _Placing placing = _Placing.__new__(_Placing)
        cdef Element element
        cdef PyObject* name
        cdef PyObject* made
        cdef PyObject* known
        cdef Py_ssize_t at
        cdef list objects
        placing.record, placing.said = _source(record), said
        placing.made, placing.merged, placing.opened, placing.taken, placing.alone = {}, {}, set(), set(), set()
        for element in elements:
            if element.replaced:
                continue
            at = 0
            while PyDict_Next(element.objects, &at, &name, &made):
                known = PyDict_GetItemWithError(placing.made, <object>name)
                if known is NULL:
                    placing.made[<object>name] = objects = []
                else:
                    objects = <list>known
                objects.append((element, <object>made))
        for table in self.placed:
            placing.place(table)
        if placing.made:
            self._say_what_has_no_place(placing)
        for element in elements:
            element.parts.clear()  # they know one another: only the collector would free them
        _settle(record)

    cdef int _say_what_has_no_place(self, _Placing placing) except -1:
        cdef PyObject* objects
        cdef object lent, made, slot
        for name, lent in self.lent:
            objects = PyDict_GetItemWithError(placing.made, name)
            if objects is NULL:
                continue
            for pair in <object>objects:
                made = <object>PyTuple_GET_ITEM(pair, 1)
                if placing.alone and _id(made) in placing.alone:
                    continue
                for slot in made:
                    if (slot not in self.lending_keys if lent is None else slot in lent) and (_id(made), slot) not in placing.taken:
                        placing.said.no_place(made, slot)
        return 0


cdef inline object _id(object made):
    return PyLong_FromVoidPtr(<void*>made)


cdef tuple _stated(_Table table, Element element):
    """The key that *element* states."""
    cdef list key = []
    cdef object slot
    for slot in table.by:
        key.append(element.stated(slot))
    return tuple(key)


cdef class _Placing:
    """`tree_placing.Placing`: the state of one record."""

    cdef object record, said
    cdef dict made, merged
    cdef set opened, taken, alone

    cdef int place(self, _Table table) except -1:
        """Put the objects of one table where they belong."""
        cdef PyObject* objects = PyDict_GetItemWithError(self.made, table.name)
        cdef dict groups, known
        cdef object pair, made, holder, merged, key
        cdef Element element
        if objects is NULL:
            return 0
        groups = {}
        for pair in <list>objects:
            element, made = <Element>PyTuple_GET_ITEM(pair, 0), <object>PyTuple_GET_ITEM(pair, 1)
            if table.without_parts:
                if _has_parts(table, element):
                    continue
                self.alone.add(_id(made))
            if table.inherit and element.holder is not None:
                self._inherit(table, element.holder, made)
            if not PyDict_Size(made):
                continue
            if table.kind:
                PyDict_SetItem(made, _WHAT, table.kind)
            holder = self._holder(table, element)
            if holder is None:
                orphan(made, self.said)
            elif table.merges:
                key = (_id(holder), self._key(table, element))
                if key in groups:
                    groups[key][1].append(pair)
                else:
                    groups[key] = (holder, [pair])
            elif table.apart:
                self._append(holder, table, made)
            else:
                _listed(holder, table.slot).append(made)
        if table.merges:
            known = self.merged[table.name] = {}
            for key, (holder, rows) in groups.items():
                merged = (<tuple>(<list>rows)[0])[1] if len(<list>rows) == 1 else self._merged(table, <list>rows)
                known[(<tuple>key)[1]] = merged
                if table.repeats:
                    _listed(holder, table.slot).append(merged)
                else:
                    PyDict_SetItem(holder, table.slot, merged)
        return 0

    cdef object _merged(self, _Table table, list rows):
        """One object of rows that agree; where they do not, Python says so."""
        cdef list dated = [(_date(table, <Element>PyTuple_GET_ITEM(pair, 0)), _canonical(<object>PyTuple_GET_ITEM(pair, 1)), pair) for pair in rows]
        cdef object made = _new(None, 0, None)
        cdef object row, pair
        cdef list members = []
        dated.sort(key=_DATE_AND_CONTENTS, reverse=True)
        for is_describing in (False, True):
            for row in dated:
                if not _agrees(made, <object>PyTuple_GET_ITEM((<tuple>row)[2], 1), table, is_describing):
                    return _source(merge(table.spec, rows, self.said))
        for row in dated:
            members.append(_kept(<object>PyTuple_GET_ITEM((<tuple>row)[2], 1), made))
        _set(made, _MEMBERS, members)
        return made

    cdef int _inherit(self, _Table table, Element holder, object made) except -1:
        """Give *made* the slots that it takes from what holds it; their cells are those of the holder."""
        cdef PyObject* stating
        cdef PyObject* text
        cdef object slot, members, lent
        for slot in table.inherit:
            if PyDict_Contains(made, slot):
                continue
            stating = NULL
            text = holder._found(slot, &stating)
            if text is NULL:
                continue
            lent = _new(_get(<object>stating, _TABLE), _get(<object>stating, _NUMBER), _get(<object>stating, _MEMBERS))
            PyDict_SetItem(lent, slot, <object>text)
            members = _get(made, _MEMBERS)
            _set(made, _MEMBERS, [lent] if members is None else [*members, lent])
            PyDict_SetItem(made, slot, <object>text)
            self.taken.add((_id(<object>stating), slot))
        return 0

    cdef int _append(self, object holder, _Table table, object made) except -1:
        """An object for each filled group of slots that stand apart; what is then in none describes nothing."""
        cdef set stated = set()
        cdef list group
        cdef object slots, slot, one, cell
        cdef PyObject* name
        cdef PyObject* text
        cdef Py_ssize_t at
        cdef bint is_taken = False
        for slots in table.apart:
            if not PyDict_Contains(made, slots[0]):
                continue
            one = _new(_get(made, _TABLE), _get(made, _NUMBER), _get(made, _MEMBERS))
            at = 0
            while PyDict_Next(made, &at, &name, &text):
                if <object>name not in table.apart_slots:
                    PyDict_SetItem(one, <object>name, <object>text)
            for slot in slots:
                text = PyDict_GetItemWithError(made, slot)
                if text is not NULL:
                    PyDict_SetItem(one, slot, <object>text)
                    stated.add(slot)
            PyDict_SetItem(one, _WHAT, slots[0])
            _listed(holder, table.slot).append(one)
            is_taken = True
        for slot in made:
            if not is_taken or (slot in table.apart_slots and slot not in stated):
                for cell in made.cells(slot):
                    self.said.left_out[cell] = NOTHING_APART
        return 0

    cdef object _holder(self, _Table table, Element element):
        """The object that takes the objects of *element*."""
        cdef _Table into = table.into
        cdef Element above
        cdef PyObject* made
        cdef object merged
        if into is None:
            return self.record
        if into.merges:
            merged = self.merged.get(into.name)
            return None if merged is None else (<dict>merged).get(self._key(into, element))
        above = element
        while above is not None:
            made = PyDict_GetItemWithError(above.objects, into.name)
            if made is not NULL:
                if PyDict_Size(<object>made) or _id(<object>made) in self.opened or self._open(into, above, <object>made):
                    return <object>made
                return None
            above = above.holder
        return None

    cdef bint _open(self, _Table table, Element element, object made) except -1:
        """Put an object down that says nothing itself, for what is in it; whether it has a place."""
        cdef object holder = self._holder(table, element)
        if holder is None:
            return False
        self.opened.add(_id(made))
        _listed(holder, table.slot).append(made)
        return True

    cdef object _key(self, _Table table, Element element):
        """The key of *element* among the objects of a table that merges: what it states or, without that, where it stands."""
        cdef tuple key = _stated(table, element)
        cdef object text
        cdef Element above
        if not key or table.without is None:
            return key
        for text in key:
            if text:
                return key
        above = element
        while above is not None and not PyDict_Contains(above.objects, table.without):
            above = above.holder
        return _id(above)


cdef object _date(_Table table, Element element):
    """What `date_order` makes of the date of *element*."""
    cdef object text = element.stated(table.newest) if table.newest is not None else None
    if text is None:
        return ""
    return date_order(text) if "." in text else text.strip()


cdef bint _agrees(object made, object row, _Table table, bint is_describing) except -1:
    """Give *made* the slots of *row*, those that describe others or the rest, and whether it holds no other value of them."""
    cdef PyObject* slot
    cdef PyObject* value
    cdef PyObject* known
    cdef PyObject* lead
    cdef PyObject* led
    cdef PyObject* stated
    cdef Py_ssize_t at = 0
    while PyDict_Next(row, &at, &slot, &value):
        lead = PyDict_GetItemWithError(table.lead, <object>slot)
        if (lead is not NULL) is not is_describing:
            continue
        if is_describing:
            led, stated = PyDict_GetItemWithError(made, <object>lead), PyDict_GetItemWithError(row, <object>lead)
            if led is not NULL and (stated is NULL or <object>stated != <object>led):
                return False
        known = PyDict_GetItemWithError(made, <object>slot)
        if known is NULL:
            PyDict_SetItem(made, <object>slot, <object>value)
        elif <object>slot != table.newest and <object>known != <object>value:
            return False
    return True


cdef object _kept(object row, object made):
    """*row* with the slots in which *made* says what it says."""
    cdef object kept = _new(_get(row, _TABLE), _get(row, _NUMBER), _get(row, _MEMBERS))
    cdef PyObject* slot
    cdef PyObject* value
    cdef PyObject* known
    cdef Py_ssize_t at = 0
    while PyDict_Next(row, &at, &slot, &value):
        known = PyDict_GetItemWithError(made, <object>slot)
        if known is not NULL and <object>known == <object>value:
            PyDict_SetItem(kept, <object>slot, <object>value)
    return kept


cdef bint _has_parts(_Table table, Element element) except -1:
    """Whether an element holds rows of the tables that stand for its own."""
    cdef Element part
    cdef object name
    for part in element.parts:
        for name in table.without_parts:
            if PyDict_Contains(part.objects, name):
                return True
    return False


cdef list _listed(object holder, str slot):
    """The list that *holder* has in *slot*."""
    cdef PyObject* known = PyDict_GetItemWithError(holder, slot)
    cdef list made
    if known is not NULL:
        return <list?><object>known
    made = []
    PyDict_SetItem(holder, slot, made)
    return made


cdef int _settle(object value) except -1:
    """Bring the lists of *value* into the order of their contents; equal objects become one that has the cells of all."""
    cdef PyObject* slot
    cdef PyObject* found
    cdef object item
    cdef Py_ssize_t at = 0
    while PyDict_Next(value, &at, &slot, &found):
        item = <object>found
        if type(item) is _OBJECT:
            _settle(item)
        elif type(item) is list:
            if PyList_GET_SIZE(item) == 1:
                _settle(_source(<object>PyList_GET_ITEM(item, 0)))
            else:
                PyDict_SetItem(value, <object>slot, _in_order(<list>item))  # of a key that is there, so nothing moves
    return 0


cdef object _canonical(object value):
    """The contents in one spelling; most have no date that is written day first."""
    cdef bytes text = contents(value)
    cdef const unsigned char* at = text
    cdef Py_ssize_t index
    for index in range(len(text) - 11):
        if at[index] == c'"' and at[index + 3] == c"." and at[index + 6] == c"." and at[index + 11] == c'"':
            return canonical(value)
    return text


cdef list _in_order(list item):
    cdef dict known = {}
    cdef object one, first, text
    cdef PyObject* met
    for one in item:
        _settle(_source(one))
        text = _canonical(one)
        met = PyDict_GetItemWithError(known, text)
        if met is NULL:
            known[text] = one
        elif <object>met is not one:
            first = <object>met
            _set(first, _MEMBERS, [*(_get(first, _MEMBERS) or ()), one])
    return [known[text] for text in sorted(known)]


def held_cells(record, asked):
    """Which of the cells that are *asked* for hold values of *record*: `tree_placing.held_cells`."""
    cdef dict columns = {}
    cdef set held = set()
    cdef object cell
    for cell in asked:
        columns.setdefault(cell[1], set()).add(cell[2])
    _collect(_source(record), columns, held)
    return held & asked


cdef int _collect(object value, dict asked, set held) except -1:
    """Add the cells of *value* that may be among those that are *asked* for, as columns by row; there are many others."""
    cdef PyObject* found
    cdef Py_ssize_t at = 0
    cdef object item
    _add_cells(value, value, asked, held)
    while PyDict_Next(value, &at, NULL, &found):
        item = <object>found
        if type(item) is _OBJECT:
            _collect(item, asked, held)
        elif type(item) is list:
            for inner in <list>item:
                _collect(_source(inner), asked, held)
    return 0


cdef int _add_cells(object row, object stating, dict asked, set held) except -1:
    """Add the cells of *row*, and of the rows that it is made of, that hold what *stating* states."""
    cdef object table = _get(row, _TABLE), members = _get(row, _MEMBERS), slot, column
    cdef PyObject* columns
    cdef PyObject* text
    if table is not None:
        columns = PyDict_GetItemWithError(asked, _get(row, _NUMBER))
        if columns is not NULL:
            for slot, column in table.columns.items():
                if column in <set>columns and PyDict_Contains(row, slot):
                    text = PyDict_GetItemWithError(stating, slot)
                    if text is not NULL and type(<object>text) is str:
                        held.add(table.cell(_get(row, _NUMBER), column))
    if members is not None:
        for member in members:
            _add_cells(_source(member), stating, asked, held)
    return 0


def lines_of(source, tuple files not None):
    """File -> the lines that a source object stands for: `source_record.rows_of`, in lines."""
    cdef dict lines = {}
    if type(source) is _OBJECT:
        _add_lines(source, files, lines)
    return {file: sorted(<set>numbers) for file, numbers in lines.items()}


def lines_of_rows(rows, tuple files not None):
    """File -> the ranges of lines of the elements of a subject, each of one line."""
    cdef dict lines = {}
    for table in rows.values():
        for row in table:
            _add_line(row.number, files, lines)
    return {file: [[line, line] for line in sorted(<set>lines[file])] for file in sorted(lines)}


cdef int _add_line(object number, tuple files, dict lines) except -1:
    """Add the line that a number is of to those of its file."""
    cdef unsigned long long bits = number
    cdef object file
    cdef PyObject* known
    if not bits & _IS_ELEMENT:
        raise ValueError("no number of an element")
    file = files[<Py_ssize_t>((bits ^ _IS_ELEMENT) >> _FILE_BITS)]
    known = PyDict_GetItemWithError(lines, file)
    line = (bits >> _PLACE_BITS) & _LINES
    if known is NULL:
        lines[file] = {line}
    else:
        (<set>known).add(line)
    return 0


cdef int _add_lines(object source, tuple files, dict lines) except -1:
    """Add the lines of *source*, of what it is made of and of what is in it."""
    cdef object table = _get(source, _TABLE), members = _get(source, _MEMBERS), item
    cdef PyObject* found
    cdef Py_ssize_t at = 0
    if table is not None:
        _add_line(_get(source, _NUMBER), files, lines)
    if members is not None:
        for member in members:
            _add_lines(_source(member), files, lines)
    while PyDict_Next(source, &at, NULL, &found):
        item = <object>found
        if type(item) is _OBJECT:
            _add_lines(item, files, lines)
        elif type(item) is list and table is not None:  # of an object that rows share, the lists hold its members
            for inner in <list>item:
                if type(inner) is _OBJECT:
                    _add_lines(inner, files, lines)
    return 0
