# cython: language_level=3, wraparound=False
"""What hub objects say as one text: `identities.Identities`, without the interpreter."""

from cpython.dict cimport PyDict_Contains, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.long cimport PyLong_FromVoidPtr
from cpython.object cimport PyObject_Repr, PyObject_TypeCheck, PyTypeObject
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_Join

from harmonize.hub.objects import HubObject

cdef type _HUB_OBJECT = HubObject
cdef str _CODINGS = "codings"


cdef class IdentityTexts:
    """The texts of values; those of coded values and dates, which records share, are kept up to a limit."""

    cdef dict known, first_names, names
    cdef Py_ssize_t limit

    def __init__(self, Py_ssize_t limit):
        self.known, self.first_names, self.names, self.limit = {}, {}, {}, limit

    def of(self, value):
        """The text for *value*."""
        cdef list parts = []
        self._add(value, parts)
        return PyUnicode_Join("", parts)

    cdef int _add(self, object value, list parts) except -1:
        cdef Py_ssize_t index
        if type(value) is str:
            parts.append(PyObject_Repr(value))
        elif isinstance(value, dict):
            if PyObject_TypeCheck(value, <PyTypeObject*>_HUB_OBJECT) and not PyDict_Contains(value, _CODINGS):
                self._add_items(value, parts)
            else:
                parts.append(self._of_shared(value))
        elif isinstance(value, list):
            parts.append("[")
            for index in range(len(<list>value)):
                if index:
                    parts.append(", ")
                self._add((<list>value)[index], parts)
            parts.append("]")
        else:
            parts.append(PyObject_Repr(value))
        return 0

    cdef str _of_shared(self, object value):
        cdef object key = PyLong_FromVoidPtr(<void*>value)
        cdef PyObject* known = PyDict_GetItemWithError(self.known, key)
        cdef list parts
        if known is not NULL:
            return <str>(<tuple><object>known)[1]
        if len(self.known) >= self.limit:
            self.known.clear()
        if PyDict_Contains(value, _CODINGS):
            text = _of_codings(value[_CODINGS])
        else:
            parts = []
            self._add_items(value, parts)
            text = PyUnicode_Join("", parts)
        self.known[key] = (value, text)  # holds it, so that its id stays its own
        return text

    cdef int _add_items(self, object value, list parts) except -1:
        cdef PyObject* name
        cdef PyObject* item
        cdef Py_ssize_t at = 0
        cdef dict names = self.first_names
        while PyDict_Next(value, &at, &name, &item):
            held = <object>item
            parts.append(self._named(<object>name, names))
            self._add(held, parts)
            names = self.names
        parts.append("}" if names is self.names else "{}")
        return 0

    cdef str _named(self, object name, dict names):
        """A name with what stands around it; there are few."""
        cdef PyObject* known = PyDict_GetItemWithError(names, name)
        if known is not NULL:
            return <str><object>known
        text = f"{', ' if names is self.names else '{'}{name!r}: "
        if len(names) < self.limit:
            PyDict_SetItem(names, name, text)
        return text


cdef str _of_codings(object codings):
    """The codes that the source states or, where all were found by us, these."""
    cdef list stated = [coding["code"] for coding in codings if coding.get("origin") != "mapped"]
    return " ".join(stated or [coding["code"] for coding in codings])
