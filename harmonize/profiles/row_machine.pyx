# cython: language_level=3, wraparound=False
"""Runs the steps of `row_programs` over rows: what the generated function of the same derivation does, without the interpreter.

It makes the common thing only. Where something is to be said of a row it gives up that row, having said and changed nothing, and
the generated function makes it.
"""

from cpython.dict cimport PyDict_GetItemWithError, PyDict_SetItem, PyDict_Size
from cpython.ref cimport PyObject

from harmonize.python_objects cimport hold_at, new_object, place_of

from harmonize.profiles.row_programs import Kind

cdef enum:
    CELL = 0
    TAKE = 1
    MEMO = 2
    MEMO_OF_SEVERAL = 3
    CALL = 4
    LIST = 5
    FIRST = 6
    PUT = 7
    PUT_MAPPED = 8
    MISSING = 9
    BEGIN = 10
    END = 11
    CONSTANT = 12
    REQUIRED = 13

if {kind.name: kind.value for kind in Kind} != {
    "CELL": CELL, "TAKE": TAKE, "MEMO": MEMO, "MEMO_OF_SEVERAL": MEMO_OF_SEVERAL, "CALL": CALL, "LIST": LIST, "FIRST": FIRST, "PUT": PUT,
    "PUT_MAPPED": PUT_MAPPED, "MISSING": MISSING, "BEGIN": BEGIN, "END": END, "CONSTANT": CONSTANT, "REQUIRED": REQUIRED,
}:
    raise ImportError("built of other sources: install harmonize again")  # and the generated functions run meanwhile


cdef class _Step:
    """One step: what it does, the registers and places that it names, what it is bound to."""

    cdef int kind, a, b
    cdef object x, y
    cdef tuple registers

    def __cinit__(self, kind, a, b, x, y, registers):
        self.kind, self.a, self.b, self.x, self.y, self.registers = kind, a, b, x, y, registers


cdef bint _known(tuple registers, list values):
    """Whether some of the *registers* holds something."""
    cdef object register
    for register in registers:
        if values[<Py_ssize_t>register] is not None:
            return True
    return False


cdef list _held(tuple registers, list values):
    """What the *registers* hold."""
    cdef object register
    return [values[<Py_ssize_t>register] for register in registers]


cdef object _answer(object memo, object key):
    """What *memo* has for *key*; what it has not met it finds out."""
    cdef PyObject* known = PyDict_GetItemWithError(memo, key)
    return <object>known if known is not NULL else memo[key]


cdef bint _holds_all(object made, tuple slots):
    cdef object slot
    for slot in slots:
        if PyDict_GetItemWithError(made, slot) is NULL:
            return False
    return True


cdef class RowMachine:
    """The steps of one row class, and the function that makes rows of which something is to be said."""

    cdef list steps, registers
    cdef type object_type
    cdef object noted_type, lineage, function
    cdef Py_ssize_t source_at, derivation_at

    def __init__(self, program, object_type, noted_type, function):
        """*program* is a `RowProgram`; hub objects are of *object_type*, what is to be said of a value is of *noted_type*."""
        self.steps = [_Step(*step) for step in program.steps]
        self.registers = list(program.registers)
        self.object_type, self.noted_type = object_type, noted_type
        if not issubclass(object_type, dict) or object_type.__init__ is not dict.__init__:
            raise TypeError("objects of the hub are dicts that nothing else is done to when they are made")
        self.source_at, self.derivation_at = place_of(object_type, "source"), place_of(object_type, "derivation")
        self.lineage, self.function = program.lineage, function

    def __call__(self, rows, log):
        """The hub objects of *rows*, without those that hold nothing."""
        cdef list made = []
        cdef list values = list(self.registers)
        cdef object row, found
        for row in rows:
            found = self._made(row, values)
            if found is NotImplemented:
                found = self.function(row, log)
            if found is not None:
                made.append(found)
        return made

    cdef object _new(self, object row, object lineage):
        """What `object_type()` and two assignments make, without the search for what they are."""
        cdef object made = new_object(self.object_type)
        hold_at(made, self.source_at, row)
        hold_at(made, self.derivation_at, lineage)
        return made

    cdef object _made(self, object row, list values):
        """The object of *row*, None where it holds nothing, NotImplemented where something is to be said."""
        cdef object cells = row[1]
        cdef Py_ssize_t at = 0, end = len(self.steps)
        cdef _Step step
        cdef object value, other, register, made
        cdef object whole = self._new(row, self.lineage)
        values[0] = whole
        while at < end:
            step = <_Step>self.steps[at]
            at += 1
            if step.kind == CELL:
                value = cells[step.b]
                if not value if step.x is None else value in <frozenset>step.x:
                    value = None
                elif step.y is not None and value in step.y:
                    return NotImplemented
                values[step.a] = value
            elif step.kind == TAKE:
                value = values[step.b]
                if value is not None:
                    value = _answer(step.y, value)
                    if value is None or type(value) is self.noted_type:
                        return NotImplemented
                    PyDict_SetItem(values[step.a], step.x, value)
            elif step.kind == PUT:
                value = values[step.b]
                if value is not None:
                    PyDict_SetItem(values[step.a], step.x, value)
                elif _known(step.registers, values):
                    return NotImplemented
            elif step.kind == MEMO:
                value = values[step.b]
                if value is not None or not step.registers or _known(step.registers, values):
                    value = _answer(step.x, value)
                    if type(value) is self.noted_type:
                        return NotImplemented
                values[step.a] = value
            elif step.kind == MEMO_OF_SEVERAL:
                value = None
                if not step.registers or _known(step.registers, values):
                    value = _answer(step.x, tuple(_held(<tuple>step.y, values)))
                    if type(value) is self.noted_type:
                        return NotImplemented
                values[step.a] = value
            elif step.kind == CALL:
                value = None
                if not step.registers or _known(step.registers, values):
                    value = step.x(*_held(<tuple>step.y, values))
                    if type(value) is self.noted_type:
                        return NotImplemented
                values[step.a] = value
            elif step.kind == LIST:
                values[step.a] = [value for value in _held(step.registers, values) if value is not None] or None
            elif step.kind == FIRST:
                value = None
                for register in step.registers:
                    other = values[<Py_ssize_t>register]
                    if other is not None:
                        if value is not None:
                            return NotImplemented
                        value = other
                values[step.a] = value
            elif step.kind == PUT_MAPPED:
                value = values[step.b]
                if value is not None:
                    value = (<dict>step.y).get(value)
                    if value is None:
                        return NotImplemented
                    PyDict_SetItem(values[step.a], step.x, value)
            elif step.kind == MISSING:
                value = values[step.b]
                if value is not None and value.strip() in step.x:
                    return NotImplemented
            elif step.kind == BEGIN:
                if _known(step.registers, values):
                    values[step.a] = self._new(row, step.x)
                else:
                    at = step.b
            elif step.kind == END:
                made = values[step.a]
                if PyDict_Size(made):
                    if not _holds_all(made, <tuple>step.y):
                        return NotImplemented
                    PyDict_SetItem(values[step.b], step.x, made)
            elif step.kind == CONSTANT:
                if PyDict_Size(values[step.a]):
                    PyDict_SetItem(values[step.a], step.x, step.y)
            elif PyDict_Size(values[step.a]) and not _holds_all(values[step.a], <tuple>step.x):
                return NotImplemented
        return whole if PyDict_Size(whole) else None
