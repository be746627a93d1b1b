# cython: language_level=3, wraparound=False, cdivision=True
"""Writes the lines of the elements that objects were made of: what `lineage_lines` does for sources of XML, without the interpreter."""

from cpython.dict cimport PyDict_Next
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_Check
from libc.stdlib cimport qsort

from harmonize.python_objects cimport held_at, place_of
from harmonize.written_text cimport Written, clear, put, put_json, put_number, release, written

from orjson import dumps

from harmonize.findings import IS_ELEMENT, LINE_BITS, PLACE_BITS
from harmonize.hub.objects import DerivedObject
from harmonize.profiles.source_record import SourceObject

cdef extern from "Python.h":
    PyObject* PyTuple_GET_ITEM(object, Py_ssize_t)

cdef unsigned long long _IS_ELEMENT = IS_ELEMENT, _LINES = (1 << LINE_BITS) - 1
cdef int _PLACE_BITS = PLACE_BITS, _LINE_BITS = LINE_BITS
cdef type _OBJECT = SourceObject, _DERIVED = DerivedObject
cdef Py_ssize_t _TABLE = place_of(_OBJECT, "table"), _NUMBER = place_of(_OBJECT, "number"), _MEMBERS = place_of(_OBJECT, "members")
cdef Py_ssize_t _SOURCE = place_of(_DERIVED, "source")


cdef class Lineage:
    """The lines of elements that objects were made of, as JSON: what `LineageLines` writes, in one piece of memory for all subjects."""

    cdef tuple files, named
    cdef unsigned long long* places
    cdef Written text
    cdef Py_ssize_t number, room

    def __cinit__(self, tuple files not None):
        """*files* are those that the numbers of elements count."""
        self.files, self.named = files, tuple([dumps(file) for file in files])

    def __dealloc__(self):
        PyMem_Free(self.places)
        release(&self.text)

    def line(self, subject, rows, record):
        """The line of a subject: its rows, and for every list of its record the rows of each object."""
        cdef object slot, value
        cdef bint is_first = True
        clear(&self.text)
        put(&self.text, b'{"subject":', 11)
        put_json(&self.text, subject, dumps)
        put(&self.text, b',"rows":', 8)
        self._write_rows(rows)
        put(&self.text, b',"objects":{', 12)
        for slot, value in record.items():
            if type(value) is list:
                if not is_first:
                    put(&self.text, b",", 1)
                is_first = False
                put_json(&self.text, slot, dumps)
                put(&self.text, b":", 1)
                self._write_objects(<list>value)
        put(&self.text, b"}}", 2)
        return written(&self.text)

    cdef int _write_objects(self, list objects) except -1:
        """For each object of the hub the lines by file, in the order in which it meets them."""
        cdef object item, source
        cdef bint is_first = True
        put(&self.text, b"[", 1)
        for item in objects:
            if not is_first:
                put(&self.text, b",", 1)
            is_first = False
            self.number = 0
            source = held_at(item, _SOURCE) if type(item) is _DERIVED else item.source
            if type(source) is _OBJECT:
                self._add(source)
            self._write_lines(False)
        return put(&self.text, b"]", 1)

    cdef int _write_rows(self, object rows) except -1:
        """The elements of a subject, each a range of one line, by file in the order of their names."""
        cdef object listed, row
        self.number = 0
        for listed in rows.values():
            for row in listed:
                if not PyTuple_Check(row) or len(row) < 1:
                    raise TypeError("no row")
                self._add_place(<object>PyTuple_GET_ITEM(row, 0))
        return self._write_lines(True)

    cdef int _add(self, object source) except -1:
        """Add the lines of *source*, of what it is made of and of what is in it."""
        if type(source) is not _OBJECT:
            raise TypeError("no source object")
        cdef object table = held_at(source, _TABLE), members = held_at(source, _MEMBERS), item
        cdef PyObject* found
        cdef Py_ssize_t at = 0
        if table is not None:
            self._add_place(held_at(source, _NUMBER))
        if members is not None:
            for member in members:
                self._add(member)
        while PyDict_Next(source, &at, NULL, &found):
            item = <object>found
            if type(item) is _OBJECT:
                self._add(item)
            elif type(item) is list and table is not None:  # of an object that rows share, the lists hold its members
                for inner in <list>item:
                    if type(inner) is _OBJECT:
                        self._add(inner)
        return 0

    cdef int _add_place(self, object number) except -1:
        """Add the file and line that the number of an element names."""
        cdef unsigned long long bits = number
        if not bits & _IS_ELEMENT:
            raise ValueError("no number of an element")
        bits = (bits ^ _IS_ELEMENT) >> _PLACE_BITS
        if bits >> _LINE_BITS >= <unsigned long long>len(self.files):
            raise IndexError("a file that is none of the run's")
        if self.number == self.room:
            self._make_room()
        self.places[self.number] = bits
        self.number += 1
        return 0

    cdef int _make_room(self) except -1:
        cdef void* larger = PyMem_Realloc(self.places, (2 * self.room + 64) * sizeof(unsigned long long))
        if larger is NULL:
            raise MemoryError
        self.places, self.room = <unsigned long long*>larger, 2 * self.room + 64
        return 0

    cdef int _write_lines(self, bint as_ranges) except -1:
        """Write the lines of the places by file: as ranges of one line, in the order of the files' names, or else as they were met."""
        cdef bint is_first = True
        cdef list files = self._met()
        if as_ranges and len(files) > 1:
            files.sort(key=self.files.__getitem__)
        if self.number > 1:
            qsort(self.places, self.number, sizeof(unsigned long long), _by_place)
        put(&self.text, b"{", 1)
        for file in files:
            if not is_first:
                put(&self.text, b",", 1)
            is_first = False
            self._write_file(file, as_ranges)
        return put(&self.text, b"}", 1)

    cdef list _met(self):
        """The files of the places, in the order in which they were added."""
        cdef Py_ssize_t index
        cdef list files = []
        cdef unsigned long long last = 1 << 63
        for index in range(self.number):
            if self.places[index] >> _LINE_BITS != last:
                last = self.places[index] >> _LINE_BITS
                if last not in files:
                    files.append(last)
        return files

    cdef int _write_file(self, unsigned long long file, bint as_ranges) except -1:
        """Write a file and its lines, each once; the places are in their order."""
        cdef bytes name = <bytes>self.named[<Py_ssize_t>file]
        cdef unsigned long long last = 1 << 63, line
        cdef Py_ssize_t index
        put(&self.text, name, len(name))
        put(&self.text, b":[", 2)
        for index in range(self.number):
            if self.places[index] >> _LINE_BITS != file or self.places[index] == last:
                continue
            line = self.places[index] & _LINES
            if last != 1 << 63:
                put(&self.text, b",", 1)
            last = self.places[index]
            if as_ranges:
                put(&self.text, b"[", 1)
                put_number(&self.text, line)
                put(&self.text, b",", 1)
            put_number(&self.text, line)
            if as_ranges:
                put(&self.text, b"]", 1)
        return put(&self.text, b"]", 1)


cdef int _by_place(const void* one, const void* other) noexcept nogil:
    cdef unsigned long long first = (<const unsigned long long*>one)[0], second = (<const unsigned long long*>other)[0]
    return (first > second) - (first < second)
