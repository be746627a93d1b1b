# cython: language_level=3, wraparound=False
"""Puts the elements of `common_elements` together as UTF-8: all elements of a record as one text, without an object for each."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItemWithError, PyDict_Size
from cpython.ref cimport PyObject

from harmonize.python_objects cimport stated
from harmonize.written_text cimport Written, clear, put, put_text, release, written

cdef extern from "Python.h":
    object PyLong_FromVoidPtr(void*)

cdef enum Kind:
    MEASUREMENT
    DISEASE
    PROCEDURE
    TREATMENT


cdef tuple _term(dict terms, object coded):
    """(text, prefix, ...) of a coded value, None where it is not known."""
    cdef PyObject* found
    if coded is None:
        return None
    found = PyDict_GetItemWithError(terms, PyLong_FromVoidPtr(<void*>coded))
    return None if found is NULL else <tuple?><object>found


cdef object _kept(dict texts, object key):
    """The text that is kept for *key*, None for nothing."""
    cdef PyObject* found
    if key is None:
        return None
    found = PyDict_GetItemWithError(texts, key)
    return None if found is NULL else <object>found


cdef object _day(object date):
    """The text of a date of which the day is known, and which is no estimate; None for another one and for none."""
    if date is None or PyDict_Size(date) != 2 or stated(date, "precision") != "day":
        return None
    return stated(date, "value")


cdef class ElementTexts:
    """A piece of memory in which the elements of one record after the other are written.

    The functions give all elements as one text, with commas between them. Where an item is none of the common ones, or they are wanted
    *apart*, they give a list: each element as a text, and None for such an item.
    """

    cdef Written _text

    def __dealloc__(self):
        release(&self._text)

    def measurements(self, dict terms not None, dict units not None, dict numbers not None, items, set prefixes not None, bint apart):
        """As `common_measurements`."""
        return self._elements(MEASUREMENT, terms, units, numbers, None, items, prefixes, apart)

    def diseases(self, dict terms not None, items, set prefixes not None, bint apart):
        """As `common_diseases`."""
        return self._elements(DISEASE, terms, None, None, None, items, prefixes, apart)

    def procedures(self, dict terms not None, items, set prefixes not None, bint apart):
        """As `common_procedures`."""
        return self._elements(PROCEDURE, terms, None, None, None, items, prefixes, apart)

    def treatments(self, dict terms not None, frozenset without_a_word not None, items, set prefixes not None, bint apart):
        """As `common_treatments`."""
        return self._elements(TREATMENT, terms, None, None, without_a_word, items, prefixes, apart)

    cdef object _elements(
        self, Kind kind, dict terms, dict units, dict numbers, frozenset without_a_word, object items, set prefixes, bint apart
    ):
        cdef list each = [] if apart else None
        cdef Py_ssize_t start, number = 0
        cdef object item
        cdef bint common
        clear(&self._text)
        for item in items:
            start = self._text.size
            if start and each is None:
                put(&self._text, b",", 1)
            if kind == MEASUREMENT:
                common = self._measurement(terms, units, numbers, item, prefixes)
            elif kind == DISEASE:
                common = self._disease(terms, item, prefixes)
            elif kind == PROCEDURE:
                common = self._procedure(terms, item, prefixes)
            else:
                common = self._treatment(terms, without_a_word, item, prefixes)
            if each is not None:
                each.append(PyBytes_FromStringAndSize(self._text.at + start, self._text.size - start) if common else None)
            elif not common:
                return self._elements(kind, terms, units, numbers, without_a_word, items, prefixes, True)
        return written(&self._text) if each is None else each

    cdef bint _measurement(self, dict terms, dict units, dict numbers, object measurement, set prefixes) except -1:
        cdef Py_ssize_t size = PyDict_Size(measurement)
        cdef tuple assay, code
        cdef object day = None, quantity, unit, number
        if size != 2 and size != 3:
            return False
        assay, quantity = _term(terms, stated(measurement, "assay")), stated(measurement, "value")
        if size == 3:
            day = _day(stated(measurement, "date"))
        if assay is None or (size == 3 and day is None):
            return False
        if quantity is None:
            code = _term(terms, stated(measurement, "coded_value"))
            if code is None:
                return False
            self._open(b'{"assay":', 9, assay, prefixes)
            self._open(b',"value":{"ontologyClass":', 26, code, prefixes)
        else:
            unit, number = _kept(units, stated(quantity, "unit")), _kept(numbers, stated(quantity, "value"))
            if unit is None or number is None or stated(quantity, "comparator") is not None:
                return False
            prefixes.add("UCUM")
            self._open(b'{"assay":', 9, assay, prefixes)
            put(&self._text, b',"value":{"quantity":{"unit":', 29)
            put_text(&self._text, unit)
            put(&self._text, b',"value":', 9)
            put_text(&self._text, number)
            put(&self._text, b"}", 1)
        put(&self._text, b"}", 1)
        if day is not None:
            put(&self._text, b',"timeObserved":', 16)
            self._put_time(day)
        put(&self._text, b"}", 1)
        return True

    cdef bint _disease(self, dict terms, object diagnosis, set prefixes) except -1:
        cdef Py_ssize_t size = PyDict_Size(diagnosis)
        cdef tuple term
        cdef object onset, end = None
        if size != 2 and size != 3:
            return False
        term, onset = _term(terms, stated(diagnosis, "disease")), _day(stated(diagnosis, "onset_date"))
        if size == 3:
            end = _day(stated(diagnosis, "end_date"))
        if term is None or onset is None or (size == 3 and end is None):
            return False
        self._open(b'{"term":', 8, term, prefixes)
        put(&self._text, b',"onset":', 9)
        self._put_time(onset)
        if end is not None:
            put(&self._text, b',"resolution":', 14)
            self._put_time(end)
        put(&self._text, b"}", 1)
        return True

    cdef bint _procedure(self, dict terms, object procedure, set prefixes) except -1:
        cdef Py_ssize_t size = PyDict_Size(procedure)
        cdef tuple code
        cdef object start, end = None
        if size != 2 and size != 3:
            return False
        code, start = _term(terms, stated(procedure, "code")), _day(stated(procedure, "date"))
        if size == 3:
            end = _day(stated(procedure, "end_date"))
        if code is None or start is None or (size == 3 and end is None):
            return False
        self._open(b'{"procedure":{"code":', 21, code, prefixes)
        put(&self._text, b',"performed":', 13)
        if end is None:
            self._put_time(start)
        else:
            put(&self._text, b'{"interval":{"start":"', 22)
            put_text(&self._text, start)
            put(&self._text, b'T00:00:00Z","end":"', 19)
            put_text(&self._text, end)
            put(&self._text, b'T00:00:00Z"}}', 13)
        put(&self._text, b"}}", 2)
        return True

    cdef bint _treatment(self, dict terms, frozenset without_a_word, object treatment, set prefixes) except -1:
        cdef object agents = stated(treatment, "agents"), slot
        cdef tuple agent
        if type(agents) is not list or len(<list>agents) != 1:
            return False
        agent = _term(terms, (<list>agents)[0])
        if agent is None:
            return False
        for slot in treatment:
            if slot not in without_a_word:
                return False
        self._open(b'{"treatment":{"agent":', 22, agent, prefixes)
        put(&self._text, b"}}", 2)
        return True

    cdef int _open(self, const char* name, Py_ssize_t size, tuple term, set prefixes) except -1:
        """Write *name*, which opens an element or is one of its members, and the ontology class of *term*."""
        prefixes.add(term[1])
        put(&self._text, name, size)
        return put_text(&self._text, term[0])

    cdef int _put_time(self, object day) except -1:
        put(&self._text, b'{"timestamp":"', 14)
        put_text(&self._text, day)
        return put(&self._text, b'T00:00:00Z"}', 12)
