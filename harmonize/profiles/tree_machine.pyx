# cython: language_level=3, wraparound=False
"""Puts the elements of a subject into its source record, and asks the record where it stands: what `tree_assembly`, `tree_elements` and `tree_placing` do, without the interpreter.

What is done for every element is here. What is said of some, rows that replace others and rows that are merged are left to the functions
of these modules, which are given our elements.
"""

from cpython.dict cimport PyDict_Contains, PyDict_DelItem, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem, PyDict_Size, PyDict_Update
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsSsize_t, PyLong_FromSsize_t, PyLong_FromVoidPtr
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport Py_INCREF, PyObject
from cpython.tuple cimport PyTuple_Check, PyTuple_New, PyTuple_SET_ITEM
from libc.stdlib cimport qsort
from libc.string cimport memchr

from harmonize.python_objects cimport held_at, hold_at, new_object, new_tuple, place_of

from orjson import OPT_SORT_KEYS, dumps

from harmonize.findings import Cell, IS_ELEMENT, LINE_BITS, PLACE_BITS
from harmonize.profiles.source_record import SourceObject, Table
from harmonize.profiles.tree_assembly import MOST_SHAPES
from harmonize.profiles.tree_elements import date_order, replace_older
from harmonize.profiles.tree_placing import NOTHING_APART, canonical, merge, orphan
from harmonize.profiles.xml_assembly import WHAT

cdef extern from "Python.h":
    PyObject* PyTuple_GET_ITEM(object, Py_ssize_t)
    object PySequence_Fast(object, const char*)
    PyObject* PySequence_Fast_GET_ITEM(object, Py_ssize_t)
    Py_ssize_t PySequence_Fast_GET_SIZE(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    bint PyUnicode_CheckExact(object)
    Py_UCS4 PyUnicode_READ_CHAR(object, Py_ssize_t)

cdef enum:
    MOST_BITS = 62

cdef unsigned long long _IS_ELEMENT = IS_ELEMENT
cdef int _PLACE_BITS = PLACE_BITS, _LINE_BITS = LINE_BITS
cdef str _WHAT = WHAT, _NO_TEXT = ""
cdef type _OBJECT = SourceObject, _TABLE_TYPE = Table, _CELL = Cell
cdef Py_ssize_t _FILE = Table._fields.index("file"), _COLUMNS = Table._fields.index("columns"), _FILES = Table._fields.index("files")


if not issubclass(_TABLE_TYPE, tuple) or not issubclass(_CELL, tuple) or not issubclass(_OBJECT, dict) or _OBJECT.__init__ is not dict.__init__:
    raise ImportError("built of other sources: install harmonize again")
cdef Py_ssize_t _TABLE = place_of(_OBJECT, "table"), _NUMBER = place_of(_OBJECT, "number"), _MEMBERS = place_of(_OBJECT, "members")


cdef object _new(object table, object number, object members):
    """What `row_object({}, table, number)` makes, with *members*."""
    cdef object made = new_object(_OBJECT)
    hold_at(made, _TABLE, table)
    hold_at(made, _NUMBER, number)
    hold_at(made, _MEMBERS, members)
    return made


cdef object _cell(object table, object number, object column):
    """What `table.cell(number, column)` makes."""
    cdef unsigned long long bits
    cdef object file, files
    if type(table) is not _TABLE_TYPE:
        raise TypeError("no table")
    file, files = <object>PyTuple_GET_ITEM(table, _FILE), <object>PyTuple_GET_ITEM(table, _FILES)
    if files:
        bits = number
        file = files[<Py_ssize_t>((bits ^ _IS_ELEMENT) >> (_PLACE_BITS + _LINE_BITS))]
    return new_tuple(_CELL, (file, number, column))


cdef int _leave_out(object made, object slot, object reason, dict left_out) except -1:
    """Say of the cells of *slot*, as `made.cells(slot)` names them, why they are left out."""
    cdef object table = held_at(made, _TABLE), members = held_at(made, _MEMBERS)
    cdef PyObject* column
    if table is not None:
        if type(table) is not _TABLE_TYPE:
            raise TypeError("no table")
        column = PyDict_GetItemWithError(<object>PyTuple_GET_ITEM(table, _COLUMNS), slot)
        if column is not NULL:
            PyDict_SetItem(left_out, _cell(table, held_at(made, _NUMBER), <object>column), reason)
    if members is not None:
        for member in members:
            if PyDict_Contains(_source(member), slot):
                _leave_out(member, slot, reason, left_out)
    return 0


cdef object _source(object made):
    if type(made) is not _OBJECT:
        raise TypeError("no source object")
    return made


cdef struct _InOrder:
    unsigned long long number
    Py_ssize_t place
    PyObject* row
    PyObject* path


cdef int _by_number(const void* one, const void* other) noexcept nogil:
    cdef const _InOrder* a = <const _InOrder*>one
    cdef const _InOrder* b = <const _InOrder*>other
    if a.number != b.number:
        return -1 if a.number < b.number else 1
    return (a.place > b.place) - (a.place < b.place)


cdef class Element:
    """An element on the way into the record, with the objects that its tables make of it: `tree_elements.Element`."""

    cdef readonly object number
    cdef readonly Element holder
    cdef readonly dict objects
    cdef list held
    """Its parts; None for an element without any, as most are."""
    cdef public bint replaced

    def __cinit__(self):
        self.objects = {}

    @property
    def parts(self):
        """The elements that it holds."""
        return () if self.held is None else self.held

    cdef int hold(self, Element part) except -1:
        if self.held is None:
            self.held = []
        self.held.append(part)
        return 0

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


cdef class _Shape:
    """What one table makes of the rows of one path that state the same columns: a `tree_assembly._Shape`, taken apart."""

    cdef object plan, table, name
    cdef tuple slots, judged
    cdef Py_ssize_t* indexes
    cdef Py_ssize_t last
    cdef bint stands_empty

    def __cinit__(self, shape, frozenset empty):
        cdef Py_ssize_t place
        self.plan, self.table, self.name = shape.plan, shape.table, shape.plan.name
        self.slots = tuple([slot for slot, _ in shape.picks])
        self.judged = tuple([(slot, dict(reasons)) for slot, reasons in shape.judged])
        self.stands_empty = self.name in empty
        self.last = max([index for _, index in shape.picks], default=-1)
        self.indexes = <Py_ssize_t*>PyMem_Malloc((len(self.slots) + 1) * sizeof(Py_ssize_t))
        if self.indexes is NULL:
            raise MemoryError
        for place in range(len(self.slots)):
            if shape.picks[place][1] < 0:
                raise IndexError("a cell before the first column")
            self.indexes[place] = shape.picks[place][1]

    def __dealloc__(self):
        PyMem_Free(self.indexes)


cdef class _Path:
    """What is made of the rows of one path: a `tree_assembly._Path`, taken apart."""

    cdef object known, path, holder
    cdef bint is_read
    cdef dict shapes, narrow
    """By the indexes of the columns that a row states; by the bits of these indexes, where they are few."""

    def __init__(self, known):
        self.known, self.path, self.holder, self.is_read = known, known.path, known.holder, bool(known.plans)
        self.shapes, self.narrow = {}, {}


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
        self.assembler, self.paths = assembler, {path: _Path(known) for path, known in assembler.paths.items()}
        self.placed = [tables[spec.name] for spec in assembler.placed]
        self.replaced = [tables[spec.name] for spec in assembler.replaced]
        self.lent, self.lending_keys = list(assembler.lending.of_tables), assembler.lending.keys
        self.empty = frozenset(assembler.empty)

    def elements(self, rows, said):
        """The elements in the order of the documents, each in what holds it."""
        cdef list held = []
        cdef object path, listed, row
        cdef Py_ssize_t place = 0, many = 0
        cdef _InOrder* ordered
        cdef _Path known
        for path, listed in rows.items():
            listed = tuple(listed)
            held.append((self.paths[path], listed))  # so that the rows stay where they are
            many += len(<tuple>listed)
        ordered = <_InOrder*>PyMem_Malloc((many + 1) * sizeof(_InOrder))
        if ordered is NULL:
            raise MemoryError
        try:
            for known, listed in held:
                for row in listed:
                    if not PyTuple_Check(row) or len(row) < 2:
                        raise TypeError("no row")
                    ordered[place] = _InOrder(<object>PyTuple_GET_ITEM(row, 0), place, <PyObject*>row, <PyObject*>known)
                    place += 1
            qsort(ordered, place, sizeof(_InOrder), _by_number)
            return self._in_what_holds_them(ordered, place, said)
        finally:
            PyMem_Free(ordered)

    cdef list _in_what_holds_them(self, _InOrder* ordered, Py_ssize_t many, object said):
        """An element for each row. The rows are held by the caller."""
        cdef dict last = {}
        cdef list made = []
        cdef Py_ssize_t place
        cdef PyObject* found
        cdef _Path known
        cdef Element element, holder
        for place in range(many):
            known = <_Path>ordered[place].path
            found = PyDict_GetItemWithError(last, known.holder)
            holder = <Element>found if found is not NULL else None
            element = Element.__new__(Element)
            element.number, element.holder = <object>PyTuple_GET_ITEM(<object>ordered[place].row, 0), holder
            PyDict_SetItem(last, known.path, element)
            if holder is not None:
                holder.hold(element)
            if known.is_read:
                self._make(known, <object>PyTuple_GET_ITEM(<object>ordered[place].row, 1), element, said)
            made.append(element)
        return made

    cdef int _make(self, _Path known, object cells, Element element, object said) except -1:
        """What the tables of a path make of the cells of an element."""
        cdef Py_ssize_t place
        cdef object made, slot, reasons
        cdef tuple shapes
        cdef PyObject* text
        cdef PyObject* reason
        cdef _Shape shape
        cells = tuple(cells)  # which stay where they are, whatever is asked of them
        shapes = self._shapes_of(known, cells)
        for shape in shapes:
            if shape.table is None:
                made = _source(self.assembler.of_repeated_slots(shape.plan, _stated_in(cells), cells, element.number, said))
            else:
                if shape.last >= PySequence_Fast_GET_SIZE(cells):
                    raise IndexError("a row is shorter than its header")
                made = _new(shape.table, element.number, None)
                for place in range(len(shape.slots)):
                    PyDict_SetItem(made, shape.slots[place], <object>PySequence_Fast_GET_ITEM(cells, shape.indexes[place]))
            for slot, reasons in shape.judged:
                text = PyDict_GetItemWithError(made, slot)
                if text is NULL:
                    raise KeyError(slot)
                reason = PyDict_GetItemWithError(reasons, <object>text)
                if reason is not NULL:
                    _leave_out(made, slot, <object>reason, said.left_out)
                    PyDict_DelItem(made, slot)
            if shape.stands_empty or PyDict_Size(made):
                element.objects[shape.name] = made
        return 0

    cdef tuple _shapes_of(self, _Path known, object cells):
        """What is made of a row with these *cells*, a list or a tuple."""
        cdef Py_ssize_t place, width = PySequence_Fast_GET_SIZE(cells)
        cdef unsigned long long bits = 0
        cdef PyObject* found
        cdef tuple stated
        if width > MOST_BITS:
            stated = _stated_in(cells)
            found = PyDict_GetItemWithError(known.shapes, stated)
            return <tuple>found if found is not NULL else self._shapes(known, stated)
        for place in range(width):
            if _is_stated(PySequence_Fast_GET_ITEM(cells, place)):
                bits |= <unsigned long long>1 << place
        found = PyDict_GetItemWithError(known.narrow, bits)
        if found is not NULL:
            return <tuple>found
        if len(known.narrow) >= MOST_SHAPES:
            known.narrow.clear()
        shapes = known.narrow[bits] = self._shapes(known, _stated_in(cells))
        return shapes

    cdef tuple _shapes(self, _Path known, tuple stated):
        """What is made of the rows that state the same columns; rows repeat them, so there are few."""
        if len(known.shapes) >= MOST_SHAPES:
            known.shapes.clear()
        made = tuple([_Shape(shape, self.empty) for shape in self.assembler.shapes(known.known, stated)])
        known.shapes[stated] = made
        return made

    def replace(self, list elements not None, said):
        """Of the elements with one key the newest stands."""
        cdef _Table table
        cdef Element element
        cdef dict groups
        cdef tuple key
        for table in self.replaced:
            groups = {}
            for element in elements:
                if element is None:
                    raise TypeError("no element")
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
            if element is None:
                raise TypeError("no element")
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
            element.held = None  # they know one another: only the collector would free them
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


cdef inline bint _is_stated(PyObject* cell) except -1:
    """Whether a cell holds a text."""
    if cell is <PyObject*>_NO_TEXT:
        return False
    return PyUnicode_GET_LENGTH(<object>cell) != 0 if PyUnicode_CheckExact(<object>cell) else bool(<object>cell)


cdef tuple _stated_in(object cells):
    """The indexes of the cells that hold a text."""
    return tuple([place for place in range(PySequence_Fast_GET_SIZE(cells)) if <object>PySequence_Fast_GET_ITEM(cells, place)])


cdef inline object _id(object made):
    return PyLong_FromVoidPtr(<void*>made)


cdef tuple _stated(_Table table, Element element):
    """The key that *element* states."""
    cdef Py_ssize_t place, many = len(table.by)
    cdef tuple key = PyTuple_New(many)
    cdef object text
    for place in range(many):
        text = element.stated(table.by[place])
        Py_INCREF(text)
        PyTuple_SET_ITEM(key, place, text)  # takes the reference
    return key


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
        cdef list dates = [_date(table, <Element>PyTuple_GET_ITEM(pair, 0)) for pair in rows], dated = [], members = []
        cdef bint is_told = len(set(dates)) == len(dates)  # by the dates alone which row is the newest
        cdef object made = _new(None, 0, None)
        cdef object row
        cdef tuple item
        cdef Py_ssize_t place
        for place in range(len(rows)):
            row = <object>PyTuple_GET_ITEM(<object>PyList_GET_ITEM(rows, place), 1)
            dated.append((dates[place], None if is_told else _canonical(row), -place, row))
        dated.sort(reverse=True)
        for is_describing in range(2 if table.lead else 1):
            for item in dated:
                if not _agrees(made, item[3], table, is_describing):
                    return _source(merge(table.spec, rows, self.said))
        for item in dated:
            members.append(_kept(item[3], made, table))
        hold_at(made, _MEMBERS, members)
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
            lent = _new(held_at(<object>stating, _TABLE), held_at(<object>stating, _NUMBER), held_at(<object>stating, _MEMBERS))
            PyDict_SetItem(lent, slot, <object>text)
            members = held_at(made, _MEMBERS)
            hold_at(made, _MEMBERS, [lent] if members is None else [*members, lent])
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
            one = _new(held_at(made, _TABLE), held_at(made, _NUMBER), held_at(made, _MEMBERS))
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
                _leave_out(made, slot, NOTHING_APART, self.said.left_out)
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
    if "." in text:
        return date_order(text)
    return text if _is_bare(text) else text.strip()


cdef bint _is_bare(str text):
    """Whether no blanks can stand around *text*."""
    cdef Py_ssize_t size = len(text)
    return size > 0 and 0x20 < PyUnicode_READ_CHAR(text, 0) < 0x7F and 0x20 < PyUnicode_READ_CHAR(text, size - 1) < 0x7F


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
        elif known is not value and <object>slot != table.newest and <object>known != <object>value:
            return False
    return True


cdef object _kept(object row, object made, _Table table):
    """*row* with the slots in which *made*, with which it agrees, says what it says: in that of the date it may be older."""
    cdef PyObject* date = NULL if table.newest is None else PyDict_GetItemWithError(row, table.newest)
    cdef PyObject* known
    cdef object kept
    if date is NULL:
        return row
    known = PyDict_GetItemWithError(made, table.newest)
    if known is date or (known is not NULL and <object>known == <object>date):
        return row
    kept = _new(held_at(row, _TABLE), held_at(row, _NUMBER), held_at(row, _MEMBERS))
    PyDict_Update(kept, row)
    PyDict_DelItem(kept, table.newest)
    return kept


cdef bint _has_parts(_Table table, Element element) except -1:
    """Whether an element holds rows of the tables that stand for its own."""
    cdef Element part
    cdef object name
    if element.held is None:
        return False
    for part in element.held:
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
    cdef bytes text = dumps(value, None, OPT_SORT_KEYS)
    cdef const unsigned char* at = text
    cdef Py_ssize_t index
    if memchr(at, c".", len(text)) is NULL:
        return text
    for index in range(len(text) - 11):
        if at[index] == c'"' and at[index + 3] == c"." and at[index + 6] == c"." and at[index + 11] == c'"':
            return canonical(value)
    return text


cdef list _in_order(list item):
    cdef dict equal = {}
    cdef object one, text
    cdef PyObject* met
    for one in item:
        _settle(_source(one))
        text = _canonical(one)
        met = PyDict_GetItemWithError(equal, text)
        if met is NULL:
            equal[text] = [one]
        else:
            (<list><object>met).append(one)
    return [_one_of(<list>equal[text]) for text in sorted(equal)]


cdef object _one_of(list equal):
    """The first of *equal* objects, with the cells of all."""
    cdef object first = equal[0]
    cdef list others = [one for one in equal if one is not first] if len(equal) > 1 else None
    if others:
        hold_at(first, _MEMBERS, [*(held_at(first, _MEMBERS) or ()), *others])
    return first


cdef class HeldCells:
    """Which cells hold values of a record: `tree_placing.held_cells`."""

    cdef dict slots

    def __cinit__(self):
        self.slots = {}

    def of(self, record, lost, frozenset in_several not None):
        """Those of the *lost* cells whose columns are among those *in_several* objects."""
        cdef dict columns = {}
        cdef set held = set(), asked = set()
        cdef object cell, column
        for cell in lost:
            if type(cell) is not _CELL:
                raise TypeError("no cell")
            column = <object>PyTuple_GET_ITEM(cell, 2)
            if column in in_several:
                asked.add(cell)
                columns.setdefault(<object>PyTuple_GET_ITEM(cell, 1), set()).add(column)
        if asked:
            self._collect(_source(record), columns, held)
        return held & asked

    cdef int _collect(self, object value, dict asked, set held) except -1:
        """Add the cells of *value* that may be among those that are *asked* for, as columns by row; there are many others."""
        cdef PyObject* found
        cdef Py_ssize_t at = 0
        cdef object item
        self._add_cells(value, value, asked, held)
        while PyDict_Next(value, &at, NULL, &found):
            item = <object>found
            if type(item) is _OBJECT:
                self._collect(item, asked, held)
            elif type(item) is list:
                for inner in <list>item:
                    self._collect(_source(inner), asked, held)
        return 0

    cdef int _add_cells(self, object row, object stating, dict asked, set held) except -1:
        """Add the cells of *row*, and of the rows that it is made of, that hold what *stating* states."""
        cdef object table = held_at(row, _TABLE), members = held_at(row, _MEMBERS), slots, slot, column
        cdef PyObject* columns
        cdef PyObject* of_column
        cdef PyObject* text
        if table is not None:
            columns = PyDict_GetItemWithError(asked, held_at(row, _NUMBER))
            if columns is not NULL:
                slots = self._slots_of(table)
                for column in <set><object>columns:
                    of_column = PyDict_GetItemWithError(slots, column)
                    if of_column is NULL:
                        continue
                    for slot in <list><object>of_column:
                        if PyDict_Contains(row, slot):
                            text = PyDict_GetItemWithError(stating, slot)
                            if text is not NULL and type(<object>text) is str:
                                held.add(_cell(table, held_at(row, _NUMBER), column))
        if members is not None:
            for member in members:
                self._add_cells(_source(member), stating, asked, held)
        return 0

    cdef dict _slots_of(self, object table):
        """The slots by their column; there are few tables."""
        cdef PyObject* known = PyDict_GetItemWithError(self.slots, _id(table))
        cdef dict made
        if known is not NULL:
            return <dict>(<tuple><object>known)[1]
        if type(table) is not _TABLE_TYPE:
            raise TypeError("no table")
        if len(self.slots) >= MOST_SHAPES:
            self.slots.clear()
        made = {}
        for slot, column in table.columns.items():
            made.setdefault(column, []).append(slot)
        self.slots[_id(table)] = (table, made)  # holds it, so that its id stays its own
        return made
