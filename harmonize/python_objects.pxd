"""What several extensions do with objects by the C interface of Python. There is no module of this name: each takes a copy."""

from cpython.dict cimport PyDict_Check, PyDict_GetItemWithError
from cpython.ref cimport Py_INCREF, Py_TYPE, Py_XDECREF, PyObject
from cpython.tuple cimport PyTuple_SET_ITEM

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        object (*tp_new)(PyTypeObject*, PyObject*, PyObject*)
        object (*tp_alloc)(PyTypeObject*, Py_ssize_t)
    ctypedef struct PyMemberDef:
        Py_ssize_t offset
    ctypedef struct PyMemberDescrObject:
        PyMemberDef* d_member
    PyTypeObject PyMemberDescr_Type


cdef inline object stated(object holder, object slot):
    """What an object of the hub has in *slot*, None for nothing."""
    cdef PyObject* found
    if not PyDict_Check(holder):
        raise TypeError("no object of the hub")
    found = PyDict_GetItemWithError(holder, slot)
    return None if found is NULL else <object>found


cdef inline object remembered(object memo, object key):
    """`memo[key]`: Python asks a subclass of dict by a call of its method, even for what is there."""
    cdef PyObject* known
    if not PyDict_Check(memo):
        raise TypeError("no memo")
    known = PyDict_GetItemWithError(memo, key)
    return memo[key] if known is NULL else <object>known


cdef inline object new_tuple(type kind, tuple items):
    """What `kind(*items)` makes of a NamedTuple, without a call of Python."""
    cdef Py_ssize_t place, many = len(items)
    cdef object made = (<PyTypeObject*><PyObject*>kind).tp_alloc(<PyTypeObject*><PyObject*>kind, many), item
    for place in range(many):
        item = items[place]
        Py_INCREF(item)
        PyTuple_SET_ITEM(made, place, item)  # takes the reference
    return made


cdef inline object new_object(type kind):
    """What `kind()` makes of a dict with `__slots__`; nothing stands in the slots."""
    cdef tuple nothing = ()
    return (<PyTypeObject*><PyObject*>kind).tp_new(<PyTypeObject*><PyObject*>kind, <PyObject*>nothing, NULL)


cdef inline Py_ssize_t place_of(type kind, str slot) except -1:
    """Where objects of a type with `__slots__` hold *slot*."""
    cdef object member = kind.__dict__.get(slot)
    if <void*>Py_TYPE(member) is not <void*>&PyMemberDescr_Type:
        raise ImportError("built of other sources: install harmonize again")
    return (<PyMemberDescrObject*><PyObject*>member).d_member.offset


cdef inline object held_at(object made, Py_ssize_t place):
    """What *made* holds at a place, None for nothing."""
    cdef PyObject* found = (<PyObject**>(<char*><PyObject*>made + place))[0]
    return None if found is NULL else <object>found


cdef inline void hold_at(object made, Py_ssize_t place, object value):
    """Put *value* at a place of *made*."""
    cdef PyObject** at = <PyObject**>(<char*><PyObject*>made + place)
    cdef PyObject* before = at[0]
    Py_INCREF(value)
    at[0] = <PyObject*>value
    Py_XDECREF(before)
