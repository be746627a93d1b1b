# cython: language_level=3, wraparound=False
"""What hub objects say as one text: `identities.Identities`, without the interpreter and without an object for each part of it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Contains, PyDict_GetItemWithError, PyDict_Next, PyDict_SetItem
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject_Repr, PyObject_TypeCheck, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8

from harmonize.written_text cimport PyUnicode_AsUTF8AndSize, PyUnicode_IS_COMPACT_ASCII, Written, clear, put, put_text, release

from harmonize.hub.objects import HubObject

cdef type _HUB_OBJECT = HubObject
cdef str _CODINGS = "codings"


cdef struct Shared:
    PyObject* value  # held, so that its place in memory stays its own
    PyObject* text


cdef class SharedTexts:
    """Texts by the places of their values in memory: a dict would make a number for each question. Emptied when it is full."""

    cdef Shared* places
    cdef size_t space, used, limit

    def __cinit__(self, size_t limit):
        self.limit = limit

    def __dealloc__(self):
        self._empty()

    cdef PyObject* text(self, object value) noexcept:
        """The text that is kept for *value*, NULL for none."""
        return NULL if self.space == 0 else self._place(value).text

    cdef int keep(self, object value, bytes text) except -1:
        """Keep *text* for *value*, for which none is kept."""
        cdef Shared* place
        if self.used >= self.limit:
            self._empty()
        if 2 * self.used >= self.space:
            self._grow()
        place = self._place(value)
        Py_INCREF(value)
        Py_INCREF(text)
        place.value, place.text = <PyObject*>value, <PyObject*>text
        self.used += 1
        return 0

    cdef Shared* _place(self, object value) noexcept:
        """Where *value* is or, where it is not there, is to be put; at least half of the places are free."""
        cdef size_t at = <size_t><PyObject*>value >> 4
        at = (at ^ at >> 12) & (self.space - 1)
        while self.places[at].value is not NULL and self.places[at].value is not <PyObject*>value:
            at = (at + 1) & (self.space - 1)
        return &self.places[at]

    cdef int _grow(self) except -1:
        cdef Shared* before = self.places
        cdef size_t space = self.space, index
        cdef Shared* places = <Shared*>PyMem_Calloc(2 * space or 1024, sizeof(Shared))
        if places is NULL:
            raise MemoryError
        self.places, self.space = places, 2 * space or 1024
        for index in range(space):
            if before[index].value is not NULL:
                self._place(<object>before[index].value)[0] = before[index]
        PyMem_Free(before)
        return 0

    cdef void _empty(self) noexcept:
        cdef Shared* places = self.places
        cdef size_t space = self.space, index
        self.places, self.space, self.used = NULL, 0, 0
        for index in range(space):
            if places[index].value is not NULL:
                Py_DECREF(<object>places[index].value)
                Py_DECREF(<object>places[index].text)
        PyMem_Free(places)


cdef class IdentityTexts:
    """The texts of values; those of coded values and dates, which records share, are kept up to a limit."""

    cdef SharedTexts known
    cdef dict first_names, names
    cdef Py_ssize_t limit
    cdef Written text

    def __cinit__(self, Py_ssize_t limit):
        self.known, self.first_names, self.names, self.limit = SharedTexts(limit), {}, {}, limit

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
        cdef PyObject* known = self.known.text(value)
        cdef Py_ssize_t start = self.text.size
        if known is not NULL:
            return put(&self.text, PyBytes_AS_STRING(<object>known), PyBytes_GET_SIZE(<object>known))
        if PyDict_Contains(value, _CODINGS):
            self._add_codes(value[_CODINGS])
        else:
            self._add_items(value)
        return self.known.keep(value, self.text.at[start : self.text.size])

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
