# cython: language_level=3, wraparound=False
"""Looks at the texts of dates, as `dates` does in Python: every record has dozens, and nearly all are in order."""

from cpython.dict cimport PyDict_GetItemWithError
from cpython.ref cimport PyObject

cdef extern from "Python.h":
    int PyUnicode_Compare(object, object) except? -1


cdef object _text(object item, object slot):
    """The text of the date in *slot*, None where there is none."""
    cdef PyObject* date = PyDict_GetItemWithError(item, slot)
    return None if date is NULL else (<object>date)["value"]


def look_in_order(object record, tuple collections not None, str born not None, str last not None):
    """Whether the dates of all items lie between *born* and *last*, and those of one item are in order.

    *collections* are tuples of the name of a list, the slots that hold its days, and pairs of slots of which the first is not later.
    """
    cdef PyObject* found
    cdef tuple slots, ordered
    cdef object text, other
    cdef object name, slot, item, earlier, later
    for name, slots, ordered in collections:
        found = PyDict_GetItemWithError(record, name)
        if found is NULL:
            continue
        for item in <object>found:
            for slot in slots:
                text = _text(item, slot)
                if text is not None and (PyUnicode_Compare(text, born) < 0 or PyUnicode_Compare(text, last) > 0):
                    return False
            for earlier, later in ordered:
                text = _text(item, earlier)
                if text is not None:
                    other = _text(item, later)
                    if other is not None and PyUnicode_Compare(text, other) > 0:
                        return False
    return True
