# cython: language_level=3, wraparound=False
"""The first looks of checks: whether there is anything to judge. Every record has dozens of dates and results, and nearly all are in order."""

from harmonize.python_objects cimport remembered, stated

cdef extern from "Python.h":
    int PyUnicode_Compare(object, object) except? -1


cdef object _text(object item, object slot):
    """The text of the date in *slot*, None where there is none."""
    cdef object date = stated(item, slot)
    return None if date is None else stated(date, "value")


def dates_look_in_order(object record, tuple collections not None, str born not None, str last not None):
    """Whether the dates of all items lie between *born* and *last*, and those of one item are in order.

    *collections* are tuples of the name of a list, the slots that hold its days, and pairs of slots of which the first is not later.
    """
    cdef tuple slots, ordered
    cdef object items, text, other
    cdef object name, slot, item, earlier, later
    for name, slots, ordered in collections:
        items = stated(record, name)
        if items is None:
            continue
        for item in items:
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
        if stated(measurement, "reference_low") is not None and stated(measurement, "reference_high") is not None:
            found.append(index)
            continue
        value, assay = stated(measurement, "value"), stated(measurement, "assay")
        unit = None if value is None else stated(value, "unit")
        if unit is None or assay is None:
            continue
        for coding in stated(assay, "codings") or ():
            bounded = stated(bounds, stated(coding, "code"))
            if bounded is not None and unit in bounded:
                found.append(index)
                break
    return found


cdef object _icdo(object value):
    """The code of ICD-O-3 of a coded value, empty where there is none; None where a coding is not what it should be."""
    cdef object coding, system
    if value is None:
        return ""
    for coding in stated(value, "codings") or ():
        system = stated(coding, "system")
        if system is None:
            return None
        if system == "ICDO3":
            return stated(coding, "code")
    return ""


cdef int _year(object text) except -2:
    """The number of four digits that *text* begins with, -1 for another text."""
    cdef int number = 0, digit
    cdef Py_ssize_t place
    if type(text) is not str or len(<str>text) < 4:
        return -1
    for place in range(4):
        digit = <int>ord((<str>text)[place]) - <int>c'0'
        if not 0 <= digit <= 9:
            return -1
        number = 10 * number + digit
    return number


cdef bint _are_within(object years, object diagnosis, str born) except -1:
    """Whether the diagnosis was made so many *years* after the birth, by the numbers of the years; or nobody says when."""
    cdef object made
    cdef int first, second
    if stated(diagnosis, "age_at_diagnosis") is not None:
        return False
    made = stated(diagnosis, "date_of_diagnosis")
    if not born or made is None:
        return True
    first, second = _year(born), _year(stated(made, "value"))
    return first >= 0 and second >= 0 and <int>years[0] <= second - first <= <int>years[1]


def tumours_look_ordinary(diagnoses, str sex not None, str born not None, other_sex, ordinary_years):
    """Whether codes and years alone show that nothing is to be said of the tumours; never where there are two.

    *other_sex* is by code of a disease, *ordinary_years* by topography, morphology and sex, as those of `tumours`.
    """
    cdef int tumours = 0
    cdef object diagnosis, disease, coding, code, topography, morphology, years
    for diagnosis in diagnoses:
        disease = stated(diagnosis, "disease") if sex else None
        if disease is not None:
            for coding in stated(disease, "codings") or ():
                code = stated(coding, "code")
                if code is None or remembered(other_sex, code) == sex:
                    return False
        topography, morphology = stated(diagnosis, "topography"), stated(diagnosis, "morphology")
        if topography is None and morphology is None:
            continue
        tumours += 1
        topography, morphology = _icdo(topography), _icdo(morphology)
        if tumours > 1 or topography is None or morphology is None:
            return False
        years = remembered(ordinary_years, (topography, morphology, sex))
        if years is None or not _are_within(years, diagnosis, born):
            return False
    return True
