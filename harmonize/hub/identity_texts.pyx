# cython: language_level=3, wraparound=False
"""What hub objects say as one text: `identities.Identities`, without the interpreter and without an object for each part of it."""

from cpython.dict cimport PyDict_Contains, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.long cimport PyLong_FromVoidPtr
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject_Repr, PyObject_TypeCheck, PyTypeObject
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcpy

from harmonize.hub.objects import HubObject

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL
    bint PyUnicode_IS_COMPACT_ASCII(object)
    const Py_ssize_t PY_SSIZE_T_MAX

cdef type _HUB_OBJECT = HubObject
cdef str _CODINGS = "codings"

cdef enum:
    MOST_KEPT = 1 << 20  # bytes of memory that are kept for the next text


cdef class IdentityTexts:
    """The texts of values; those of coded values and dates, which records share, are kept up to a limit."""

    cdef dict known, first_names, names
    cdef Py_ssize_t limit
    cdef char* text
    cdef Py_ssize_t size, space

    def __init__(self, Py_ssize_t limit):
        self.known, self.first_names, self.names, self.limit = {}, {}, {}, limit

    def __dealloc__(self):
        PyMem_Free(self.text)

    def of(self, value):
        """The text for *value*."""
        self.size = 0
        self._add(value)
        made = PyUnicode_DecodeUTF8(self.text, self.size, "surrogatepass")
        if self.space > MOST_KEPT:
            PyMem_Free(self.text)
            self.text, self.space = NULL, 0
        return made

    cdef int _add(self, object value) except -1:
        cdef Py_ssize_t index
        if type(value) is str:
            self._add_quoted(value)
        elif isinstance(value, dict):
            if PyObject_TypeCheck(value, <PyTypeObject*>_HUB_OBJECT) and not PyDict_Contains(value, _CODINGS):
                self._add_items(value)
            else:
                self._add_shared(value)
        elif isinstance(value, list):
            self._put(b"[", 1)
            for index in range(len(<list>value)):
                if index:
                    self._put(b", ", 2)
                self._add((<list>value)[index])
            self._put(b"]", 1)
        else:
            self._add_text(PyObject_Repr(value))
        return 0

    cdef int _add_quoted(self, str value) except -1:
        """Add what `repr` makes of a text."""
        cdef Py_ssize_t size = 0, index
        cdef const char* raw
        if not PyUnicode_IS_COMPACT_ASCII(value):
            return self._add_text(PyObject_Repr(value))
        raw = PyUnicode_AsUTF8AndSize(value, &size)
        for index in range(size):
            if raw[index] < 0x20 or raw[index] > 0x7E or raw[index] == c"'" or raw[index] == c"\\":
                return self._add_text(PyObject_Repr(value))
        self._put(b"'", 1)
        self._put(raw, size)
        return self._put(b"'", 1)

    cdef int _add_text(self, str text) except -1:
        cdef bytes encoded
        cdef Py_ssize_t size = 0
        cdef const char* raw
        if PyUnicode_IS_COMPACT_ASCII(text):
            raw = PyUnicode_AsUTF8AndSize(text, &size)  # the text itself: of other ones Python would keep a second form
            return self._put(raw, size)
        encoded = text.encode("utf-8", "surrogatepass")
        return self._put(encoded, len(encoded))

    cdef int _add_shared(self, object value) except -1:
        cdef object key = PyLong_FromVoidPtr(<void*>value)
        cdef PyObject* known = PyDict_GetItemWithError(self.known, key)
        cdef Py_ssize_t start = self.size
        cdef bytes text
        if known is not NULL:
            text = <bytes>(<tuple><object>known)[1]
            return self._put(text, len(text))
        if PyDict_Contains(value, _CODINGS):
            self._add_text(_of_codings(value[_CODINGS]))
        else:
            self._add_items(value)
        if len(self.known) >= self.limit:
            self.known.clear()
        self.known[key] = (value, self.text[start : self.size])  # holds it, so that its id stays its own
        return 0

    cdef int _add_items(self, object value) except -1:
        cdef PyObject* name
        cdef PyObject* item
        cdef Py_ssize_t at = 0
        cdef dict names = self.first_names
        while PyDict_Next(value, &at, &name, &item):
            held = <object>item
            self._add_name(<object>name, names)
            self._add(held)
            names = self.names
        return self._put(b"}", 1) if names is self.names else self._put(b"{}", 2)

    cdef int _add_name(self, object name, dict names) except -1:
        """Add a name with what stands around it; there are few."""
        cdef PyObject* known = PyDict_GetItemWithError(names, name)
        cdef bytes text
        if known is not NULL:
            text = <bytes><object>known
        else:
            text = f"{', ' if names is self.names else '{'}{name!r}: ".encode()
            if len(names) < self.limit:
                PyDict_SetItem(names, name, text)
        return self._put(text, len(text))

    cdef int _put(self, const char* raw, Py_ssize_t more) except -1:
        cdef char* larger
        if more > PY_SSIZE_T_MAX // 4 or self.size > PY_SSIZE_T_MAX // 4 - 1024:
            raise MemoryError
        if self.size + more > self.space:
            larger = <char*>PyMem_Realloc(self.text, 2 * (self.size + more) + 1024)
            if larger is NULL:
                raise MemoryError
            self.text, self.space = larger, 2 * (self.size + more) + 1024
        memcpy(self.text + self.size, raw, more)
        self.size += more
        return 0


cdef str _of_codings(object codings):
    """The codes that the source states or, where all were found by us, these."""
    cdef list stated = [coding["code"] for coding in codings if coding.get("origin") != "mapped"]
    return " ".join(stated or [coding["code"] for coding in codings])
