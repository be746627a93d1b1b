"""A piece of memory in which several extensions write UTF-8. There is no module of this name: each takes a copy."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memcpy

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL
    bint PyUnicode_IS_COMPACT_ASCII(object)
    const Py_ssize_t PY_SSIZE_T_MAX


cdef enum:
    MOST_KEPT = 1 << 20  # bytes that are kept for the next text


cdef struct Written:
    char* at
    Py_ssize_t size, space


cdef inline void release(Written* text) noexcept:
    """Give the memory back."""
    PyMem_Free(text.at)
    text.at, text.size, text.space = NULL, 0, 0


cdef inline void clear(Written* text) noexcept:
    """Begin a new text."""
    text.size = 0
    if text.space > MOST_KEPT:
        release(text)


cdef inline int reserve(Written* text, Py_ssize_t more) except -1:
    """Have room for *more* bytes behind those that are there."""
    cdef char* larger
    cdef Py_ssize_t space
    if more <= text.space - text.size:
        return 0
    if more > PY_SSIZE_T_MAX // 4 or text.size > PY_SSIZE_T_MAX // 4 - 1024:
        raise MemoryError
    space = 2 * (text.size + more) + 1024
    larger = <char*>PyMem_Realloc(text.at, space)
    if larger is NULL:
        raise MemoryError
    text.at, text.space = larger, space
    return 0


cdef inline int put(Written* text, const char* raw, Py_ssize_t size) except -1:
    reserve(text, size)
    memcpy(text.at + text.size, raw, size)
    text.size += size
    return 0


cdef inline int put_text(Written* text, str added) except -1:
    cdef Py_ssize_t size = 0
    cdef const char* raw
    cdef bytes encoded
    if added is None:
        raise TypeError("no text")
    if PyUnicode_IS_COMPACT_ASCII(added):
        raw = PyUnicode_AsUTF8AndSize(added, &size)  # the text itself: of other ones Python would keep a second form
        return put(text, raw, size)
    encoded = added.encode()
    return put(text, encoded, len(encoded))


cdef inline int put_json(Written* text, object value, object dumps) except -1:
    """Add what *dumps*, of orjson, makes of a value: of ids, days and codes the text itself between quotes."""
    cdef Py_ssize_t size = 0, index
    cdef const char* raw
    cdef bytes made
    if type(value) is str and PyUnicode_IS_COMPACT_ASCII(value):
        raw = PyUnicode_AsUTF8AndSize(value, &size)
        for index in range(size):
            if raw[index] < 0x20 or raw[index] == c'"' or raw[index] == c"\\":
                break
        else:
            put(text, b'"', 1)
            put(text, raw, size)
            return put(text, b'"', 1)
    made = dumps(value)
    return put(text, made, len(made))


cdef inline int put_number(Written* text, unsigned long long number) except -1:
    cdef char digits[20]
    cdef Py_ssize_t at = sizeof(digits)
    while number or at == sizeof(digits):
        at -= 1
        digits[at] = c"0" + <char>(number % 10)
        number //= 10
    return put(text, digits + at, sizeof(digits) - at)


cdef inline bytes written(Written* text):
    """What was written."""
    return PyBytes_FromStringAndSize(text.at, text.size)
