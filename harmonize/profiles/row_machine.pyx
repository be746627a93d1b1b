# cython: language_level=3, wraparound=False
"""Runs the steps of `row_programs` and `shape_programs`: what the generated function of the same derivation does, without the interpreter.

It makes the common thing only. Where something is to be said of a row or a source object, more than that values made nothing, it gives
that up, having said and changed nothing, and the generated function makes it.
"""

from cpython.dict cimport PyDict_Check, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.ref cimport Py_INCREF, PyObject
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM

from harmonize.python_objects cimport hold_at, new_object, place_of, remembered, stated

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
    INNER = 14
    OBJECTS = 15
    FIRST_STATED = 2  # the first register of what a source object states

if {kind.name: kind.value for kind in Kind} != {
    "CELL": CELL, "TAKE": TAKE, "MEMO": MEMO, "MEMO_OF_SEVERAL": MEMO_OF_SEVERAL, "CALL": CALL, "LIST": LIST, "FIRST": FIRST, "PUT": PUT,
    "PUT_MAPPED": PUT_MAPPED, "MISSING": MISSING, "BEGIN": BEGIN, "END": END, "CONSTANT": CONSTANT, "REQUIRED": REQUIRED, "INNER": INNER,
    "OBJECTS": OBJECTS,
}:
    raise ImportError("built of other sources: install harmonize again")  # and the generated functions run meanwhile


cdef class _Step:
    """One step: what it does, the registers and places that it names, what it is bound to."""

    cdef int kind, a, b
    cdef object x, y, missed
    cdef tuple registers

    def __cinit__(self, kind, a, b, x, y, tuple registers not None, tuple missed):
        if not isinstance(y, tuple) if kind in (MEMO_OF_SEVERAL, CALL) else kind == REQUIRED and not isinstance(x, tuple):
            raise TypeError("no step")
        self.kind, self.a, self.b, self.x, self.y, self.registers, self.missed = kind, a, b, x, y, registers, missed


cdef bint _known(tuple registers, list values):
    """Whether some of the *registers* holds something."""
    cdef object register
    for register in registers:
        if values[<Py_ssize_t>register] is not None:
            return True
    return False


cdef tuple _held(tuple registers, list values):
    """What the *registers* hold."""
    cdef Py_ssize_t place, size = len(registers)
    cdef tuple held = PyTuple_New(size)
    cdef object value
    for place in range(size):
        value = values[<Py_ssize_t>registers[place]]
        Py_INCREF(value)
        PyTuple_SET_ITEM(held, place, value)
    return held


cdef bint _holds_all(object made, tuple slots):
    cdef object slot
    for slot in slots:
        if PyDict_GetItemWithError(made, slot) is NULL:
            return False
    return True


cdef list _with_missed(list missed, object source, _Step step):
    """*missed*, if there is any yet, and that the values of *source* made nothing in the slot of *step*."""
    cdef tuple known = (source, *<tuple>step.missed)
    if missed is None:
        return [known]
    missed.append(known)
    return missed


cdef class _Machine:
    """The steps of one derivation, and the function that does the same and says what is to be said."""

    cdef list steps, registers
    cdef type object_type
    cdef object noted_type, lineage, function
    cdef Py_ssize_t source_at, derivation_at

    def __init__(self, program, object_type, noted_type, function):
        """*program* is a `RowProgram`; hub objects are of *object_type*, what is to be said of a value is of *noted_type*."""
        if not issubclass(object_type, dict) or object_type.__init__ is not dict.__init__:
            raise TypeError("objects of the hub are dicts that nothing else is done to when they are made")
        self.source_at, self.derivation_at = place_of(object_type, "source"), place_of(object_type, "derivation")
        self.object_type, self.noted_type = object_type, noted_type
        self.lineage, self.function = program.lineage, function
        self.registers = list(program.registers)
        self.steps = [_Step(*step) for step in program.steps]  # the last one: without it nothing is made

    cdef object _new(self, object source, object lineage):
        """What `object_type()` and two assignments make, without the search for what they are."""
        cdef object made = new_object(self.object_type)
        hold_at(made, self.source_at, source)
        hold_at(made, self.derivation_at, lineage)
        return made

    cdef object _made(self, object source, object cells, list values, object log):
        """The object of a source, None where it holds nothing, NotImplemented where something is to be said."""
        cdef Py_ssize_t at = 0, end = len(self.steps)  # raises where `__init__` did
        cdef _Step step
        cdef object value, other, register, made
        cdef list missed = None
        cdef object whole = self._new(source, self.lineage)
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
                    value = remembered(step.y, value)
                    if type(value) is self.noted_type:
                        return NotImplemented
                    if value is not None:
                        PyDict_SetItem(values[step.a], step.x, value)
                    elif step.missed is None:
                        return NotImplemented
                    else:
                        missed = _with_missed(missed, source, step)
            elif step.kind == PUT:
                value = values[step.b]
                if value is not None:
                    PyDict_SetItem(values[step.a], step.x, value)
                elif _known(step.registers, values):
                    if step.missed is None:
                        return NotImplemented
                    missed = _with_missed(missed, source, step)
            elif step.kind == MEMO:
                value = values[step.b]
                if value is not None or not step.registers or _known(step.registers, values):
                    value = remembered(step.x, value)
                    if type(value) is self.noted_type:
                        return NotImplemented
                values[step.a] = value
            elif step.kind == MEMO_OF_SEVERAL:
                value = None
                if not step.registers or _known(step.registers, values):
                    value = remembered(step.x, _held(<tuple>step.y, values))
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
                    if value is None:
                        value = other
                    elif other is not None and value is not other and not value == other:
                        return NotImplemented
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
                    values[step.a] = self._new(source, step.x)
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
            elif step.kind == INNER:
                value = values[step.b]
                values[step.a] = None if value is None else stated(value, step.x)
            elif step.kind == OBJECTS:
                if missed is not None:  # what is said of the objects comes behind it
                    (<list?>log.misses).extend(missed)
                    missed = None
                value = values[step.b]
                value = step.y(value, log) if value else None
                if value:
                    PyDict_SetItem(values[step.a], step.x, value)
            elif (step.b or PyDict_Size(values[step.a])) and not _holds_all(values[step.a], <tuple>step.x):
                return NotImplemented
        if missed is not None:
            (<list?>log.misses).extend(missed)
        return whole if PyDict_Size(whole) else None


cdef class RowMachine(_Machine):
    """Makes the hub objects of the rows of a table."""

    def __call__(self, rows, log):
        """The hub objects of *rows*, without those that hold nothing."""
        cdef list made = []
        cdef list values = list(self.registers)
        cdef object row, found
        for row in rows:
            found = self._made(row, row[1], values, log)
            if found is NotImplemented:
                found = self.function(row, log)
            if found is not None:
                made.append(found)
        return made


cdef class ShapeMachine(_Machine):
    """Makes the hub object of a source object that states the slots of one shape."""

    cdef Py_ssize_t size

    def __init__(self, program, object_type, noted_type, function, Py_ssize_t size):
        """As of a `_Machine`; the shape has *size* slots."""
        _Machine.__init__(self, program, object_type, noted_type, function)
        if FIRST_STATED + size > len(self.registers):
            raise ValueError("the program is of another shape")
        self.size = size

    def __call__(self, source, log):
        """The hub object of *source*, None where it holds nothing."""
        if not PyDict_Check(source) or PyDict_Size(source) != self.size:
            raise TypeError("no source object of this shape")
        return self._object(source, log)

    cdef object _object(self, object source, object log):
        """The same; *source* is a dict of as many items as the shape has slots."""
        cdef list values = list(self.registers)
        cdef Py_ssize_t at = 0, register = FIRST_STATED
        cdef PyObject* value
        cdef object found
        while PyDict_Next(source, &at, NULL, &value):
            if <object>value is None:  # the function looks whether it is stated
                return self.function(source, log)
            values[register] = <object>value
            register += 1
        found = self._made(source, None, values, log)
        return self.function(source, log) if found is NotImplemented else found


cdef tuple _shape(object source):
    """The slots that a source object states, in its order."""
    cdef tuple slots
    cdef Py_ssize_t at = 0, place = 0
    cdef PyObject* slot
    if not PyDict_Check(source):
        raise TypeError("no source object")
    slots = PyTuple_New(PyDict_Size(source))
    while PyDict_Next(source, &at, &slot, NULL):
        Py_INCREF(<object>slot)
        PyTuple_SET_ITEM(slots, place, <object>slot)
        place += 1
    return slots


cdef class ObjectsMachine:
    """Makes the hub objects of a list of source objects, each by what there is for its shape."""

    cdef readonly object of_shape

    def __init__(self, of_shape):
        """*of_shape* is a `DeriveByShape`."""
        if not PyDict_Check(of_shape):
            raise TypeError("no functions by shape")
        self.of_shape = of_shape

    def __call__(self, objects, log):
        """The hub objects of *objects*, without those that hold nothing."""
        cdef list made = []
        cdef object source, function, found
        for source in objects:
            function = remembered(self.of_shape, _shape(source))
            found = (<ShapeMachine>function)._object(source, log) if type(function) is ShapeMachine else function(source, log)
            if found is not None:
                made.append(found)
        return made
