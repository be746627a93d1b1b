# cython: language_level=3, wraparound=False
"""What hub objects say as one text: `identities.Identities`, without the interpreter and without an object for each part of it."""

from cpython.dict cimport PyDict_Contains, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.long cimport PyLong_FromVoidPtr
from cpython.object cimport PyObject_Repr, PyObject_TypeCheck, PyTypeObject
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8

from harmonize.written_text cimport PyUnicode_AsUTF8AndSize, PyUnicode_IS_COMPACT_ASCII, Written, clear, put, put_text, release

from harmonize.hub.objects import HubObject

cdef type _HUB_OBJECT = HubObject
cdef str _CODINGS = "codings"


cdef class IdentityTexts:
    """The texts of values; those of coded values and dates, which records share, are kept up to a limit."""

    cdef dict known, first_names, names
    cdef Py_ssize_t limit
    cdef Written text

    def __cinit__(self, Py_ssize_t limit):
        self.known, self.first_names, self.names, self.limit = {}, {}, {}, limit

    def __dealloc__(self):
        release(&self.text)

    def of(self, value):
        """The text for *value*."""
        clear(&self.text)
        self._add(value)
        return PyUnicode_DecodeUTF8(self.text.at, self.text.size, "surrogatepass")

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
            put(&self.text, b"[", 1)
            for index in range(len(<list>value)):
                if index:
                    put(&self.text, b", ", 2)
                self._add((<list>value)[index])
            put(&self.text, b"]", 1)
        else:
            put_text(&self.text, PyObject_Repr(value))
        return 0

    cdef int _add_quoted(self, str value) except -1:
        """Add what `repr` makes of a text."""
        cdef Py_ssize_t size = 0, index
        cdef const char* raw
        if not PyUnicode_IS_COMPACT_ASCII(value):
            return put_text(&self.text, PyObject_Repr(value))
        raw = PyUnicode_AsUTF8AndSize(value, &size)
        for index in range(size):
            if raw[index] < 0x20 or raw[index] > 0x7E or raw[index] == c"'" or raw[index] == c"\\":
                return put_text(&self.text, PyObject_Repr(value))
        put(&self.text, b"'", 1)
        put(&self.text, raw, size)
        return put(&self.text, b"'", 1)

    cdef int _add_shared(self, object value) except -1:
        cdef object key = PyLong_FromVoidPtr(<void*>value)
        cdef PyObject* known = PyDict_GetItemWithError(self.known, key)
        cdef Py_ssize_t start = self.text.size
        cdef bytes text
        if known is not NULL:
            text = <bytes>(<tuple><object>known)[1]
            return put(&self.text, text, len(text))
        if PyDict_Contains(value, _CODINGS):
            self._add_codes(value[_CODINGS])
        else:
            self._add_items(value)
        if len(self.known) >= self.limit:
            self.known.clear()
        self.known[key] = (value, self.text.at[start : self.text.size])  # holds it, so that its id stays its own
        return 0

    cdef int _add_codes(self, object codings) except -1:
        """Add the codes, whatever stands in them: the hash takes lone surrogates too, which no text of UTF-8 holds."""
        cdef bytes codes = _of_codings(codings).encode("utf-8", "surrogatepass")
        return put(&self.text, codes, len(codes))

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
        return put(&self.text, b"}", 1) if names is self.names else put(&self.text, b"{}", 2)

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
        return put(&self.text, text, len(text))


cdef str _of_codings(object codings):
    """The codes that the source states or, where all were found by us, these."""
    cdef list stated = [coding["code"] for coding in codings if coding.get("origin") != "mapped"]
    return " ".join(stated or [coding["code"] for coding in codings])
