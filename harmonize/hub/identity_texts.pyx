# cython: language_level=3, wraparound=False
"""What hub objects say as one text: `identities.Identities`, which says what is new to it."""

from cpython.dict cimport PyDict_Contains, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.long cimport PyLong_FromVoidPtr
from cpython.object cimport PyObject_Repr
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_Concat, PyUnicode_Join

from harmonize.hub.objects import HubObject

cdef type _HUB_OBJECT = HubObject
cdef str _CODINGS = "codings"


cdef class IdentityTexts:
    """The texts of values; those of coded values and dates, which records share, are kept up to a limit."""

    cdef dict known, names
    cdef Py_ssize_t limit
    cdef object of_new

    def __init__(self, Py_ssize_t limit, of_new):
        """*of_new* gives the text of a coded value or a date."""
        self.known, self.names, self.limit, self.of_new = {}, {}, limit, of_new

    def of(self, value):
        """The text for *value*."""
        return self._of(value)

    cdef str _of(self, object value):
        if type(value) is str:
            return PyObject_Repr(value)
        if isinstance(value, dict):
            if isinstance(value, _HUB_OBJECT) and not PyDict_Contains(value, _CODINGS):
                return self._of_object(value)
            return self._of_shared(value)
        if isinstance(value, list):
            return f"[{', '.join([self._of(item) for item in value])}]"
        return PyObject_Repr(value)

    cdef str _of_shared(self, object value):
        cdef object key = PyLong_FromVoidPtr(<void*>value)
        cdef PyObject* known = PyDict_GetItemWithError(self.known, key)
        if known is not NULL:
            return <str>(<tuple><object>known)[1]
        if len(self.known) >= self.limit:
            self.known.clear()
        text = self.of_new(value)
        self.known[key] = (value, text)  # holds it, so that its id stays its own
        return text

    cdef str _of_object(self, object value):
        cdef list parts = []
        cdef PyObject* name
        cdef PyObject* item
        cdef Py_ssize_t at = 0
        while PyDict_Next(value, &at, &name, &item):
            held = <object>item
            parts.append(PyUnicode_Concat(self._named(<object>name), self._of(held)))
        return f"{{{PyUnicode_Join(', ', parts)}}}"

    cdef str _named(self, object name):
        """A name with what stands around it; there are few."""
        cdef PyObject* known = PyDict_GetItemWithError(self.names, name)
        if known is not NULL:
            return <str><object>known
        text = f"'{name}': "
        if len(self.names) < self.limit:
            PyDict_SetItem(self.names, name, text)
        return text
