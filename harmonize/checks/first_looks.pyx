# cython: language_level=3, wraparound=False
"""The first looks of checks: whether there is anything to judge. Every record has dozens of dates and results, and nearly all are in order."""

from cpython.dict cimport PyDict_GetItemWithError
from cpython.ref cimport PyObject

cdef extern from "Python.h":
    int PyUnicode_Compare(object, object) except? -1


cdef object _get(object holder, object slot):
    """What an object of the hub has in *slot*, None for nothing."""
    cdef PyObject* found = PyDict_GetItemWithError(holder, slot)
    return None if found is NULL else <object>found


cdef object _text(object item, object slot):
    """The text of the date in *slot*, None where there is none."""
    cdef object date = _get(item, slot)
    return None if date is None else _get(date, "value")


def dates_look_in_order(object record, tuple collections not None, str born not None, str last not None):
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


def measurements_to_judge(measurements, dict bounds not None):
    """The indexes of the measurements that have a range of reference, or an assay and a unit that have *bounds*.

    *bounds* are by code and unit, as those of `measurements`.
    """
    cdef list found = []
    cdef Py_ssize_t index = -1
    cdef object measurement, value, unit, assay, coding, bounded
    for measurement in measurements:
        index += 1
        if _get(measurement, "reference_low") is not None and _get(measurement, "reference_high") is not None:
            found.append(index)
            continue
        value, assay = _get(measurement, "value"), _get(measurement, "assay")
        unit = None if value is None else _get(value, "unit")
        if unit is None or assay is None:
            continue
        for coding in _get(assay, "codings") or ():
            bounded = _get(bounds, _get(coding, "code"))
            if bounded is not None and unit in bounded:
                found.append(index)
                break
    return found
