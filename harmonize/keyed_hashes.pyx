# cython: language_level=3
"""Keyed hashes of one class of identifiers: what `PseudonymKey.of_class` does, without the interpreter. The hash itself is Python's."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL
    bint PyUnicode_IS_COMPACT_ASCII(object)


cdef class KeyedHashes:
    """The hashes of texts that have begun with the same ones."""

    cdef object begin

    def __init__(self, started):
        """*started* is a BLAKE2b hash of what all of them begin with."""
        self.begin = started.copy

    def of(self, text):
        """The hash of *text*, after its length, in hexadecimal digits."""
        hashed = self.begin()
        hashed.update(_framed(text if type(text) is str else str.__str__(text)))
        return hashed.hexdigest()


cdef bytes _framed(str text):
    """*text* in UTF-8 after its length in four bytes."""
    cdef Py_ssize_t size = 0
    cdef const char* raw
    cdef bytes encoded
    if PyUnicode_IS_COMPACT_ASCII(text):
        raw = PyUnicode_AsUTF8AndSize(text, &size)  # the text itself: of other ones Python would keep a second form
    else:
        encoded = text.encode("utf-8", "surrogatepass")
        raw, size = PyBytes_AS_STRING(encoded), len(encoded)
    if size > 0xFFFFFFFF:
        raise OverflowError("int too big to convert")
    cdef bytes made = PyBytes_FromStringAndSize(NULL, size + 4)
    cdef unsigned char* at = <unsigned char*>PyBytes_AS_STRING(made)
    at[0], at[1], at[2], at[3] = size >> 24 & 255, size >> 16 & 255, size >> 8 & 255, size & 255
    memcpy(at + 4, raw, size)
    return made
