# cython: language_level=3, wraparound=False
"""What most elements call of `sheet.Sheet`, without the interpreter. Where more is to be done than the common thing, the sheet does it."""

from cpython.dict cimport PyDict_GetItemWithError, PyDict_SetItem
from cpython.ref cimport PyObject

from harmonize.python_objects cimport stated

from harmonize.writers.phenopackets.sheet import Term

cdef extern from "Python.h":
    object PyLong_FromVoidPtr(void*)
    PyObject* PyTuple_GET_ITEM(object, Py_ssize_t)

cdef type _TERM = Term
cdef Py_ssize_t _BODY = Term._fields.index("body"), _LOSES = Term._fields.index("loses"), _PREFIX = Term._fields.index("prefix")

if not issubclass(_TERM, tuple):
    raise ImportError("built of other sources: install harmonize again")


cdef class Methods:
    """The first base of a sheet; `Sheet` is the second one. What both of them use is public."""

    cdef public set prefixes
    cdef dict known_terms

    def __cinit__(self, run, record, log):
        self.known_terms = run.terms

    def term(self, holder, slot, inside):
        """`Sheet.term`."""
        coded = stated(holder, slot)
        return None if coded is None else self._term_of(holder, slot, coded, inside)

    def term_of(self, holder, slot, coded, inside):
        """`Sheet.term_of`."""
        return self._term_of(holder, slot, coded, inside)

    def put(self, dict entry not None, str name not None, holder, slot):
        """`Sheet.put`."""
        coded = stated(holder, slot)
        if coded is not None:
            term = self._term_of(holder, slot, coded, f"/{name}")
            if term is not None:
                PyDict_SetItem(entry, name, <object>PyTuple_GET_ITEM(term, _BODY))

    cdef object _term_of(self, object holder, object slot, object coded, object inside):
        cdef PyObject* found = PyDict_GetItemWithError(self.known_terms, PyLong_FromVoidPtr(<void*>coded))
        if found is NULL or type(<object>found) is not _TERM or <object>PyTuple_GET_ITEM(<object>found, _LOSES) is not False:
            return super(Methods, self).term_of(holder, slot, coded, inside)
        self.prefixes.add(<object>PyTuple_GET_ITEM(<object>found, _PREFIX))
        return <object>found
