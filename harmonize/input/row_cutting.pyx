# cython: language_level=3, wraparound=False
"""Cuts the cells that are needed out of text without quotes, and counts the cells of every column that hold a value.

The same as `delimited_tables` does in Python, where all cells of all columns have to be made for that.
"""

from cpython.ref cimport Py_INCREF, Py_DECREF, Py_XDECREF, PyObject
from libc.stdlib cimport free, malloc, calloc
from libc.string cimport memchr, memcmp

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        PyObject* (*tp_alloc)(PyTypeObject*, Py_ssize_t) except NULL
    int PyUnicode_KIND(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    object PyUnicode_FromKindAndData(int, const void*, Py_ssize_t)
    object PyTuple_New(Py_ssize_t)
    void put_into_tuple "PyTuple_SET_ITEM"(object, Py_ssize_t, PyObject*)

cdef enum:
    ONE_BYTE = 1  # PyUnicode_1BYTE_KIND: ASCII and Latin-1, as nearly all tables are
    REMEMBERED = 16384  # a power of two; eight bytes each
    LONGEST = 32  # characters of a text that is remembered: dates and codes repeat, sentences do not


cdef class CellTexts:
    """Texts of cells that were met lately, so that those which records repeat are one object, at one place in memory."""

    cdef PyObject** _known

    def __cinit__(self):
        self._known = <PyObject**>calloc(REMEMBERED, sizeof(PyObject*))
        if self._known is NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef Py_ssize_t place
        if self._known is not NULL:
            for place in range(REMEMBERED):
                Py_XDECREF(self._known[place])
            free(self._known)

    cdef object text(self, const unsigned char* start, Py_ssize_t length):
        """The text of *length* characters at *start*."""
        cdef unsigned long long mixed = 14695981039346656037ULL  # FNV-1a
        cdef Py_ssize_t place
        cdef PyObject* known
        if length == 0 or length > LONGEST:
            return PyUnicode_FromKindAndData(ONE_BYTE, start, length)
        for place in range(length):
            mixed = (mixed ^ start[place]) * 1099511628211ULL
        place = <Py_ssize_t>((mixed ^ (mixed >> 32)) & (REMEMBERED - 1))
        known = self._known[place]
        if known is not NULL and PyUnicode_GET_LENGTH(<object>known) == length:
            if memcmp(PyUnicode_DATA(<object>known), start, length) == 0:
                return <object>known
        made = PyUnicode_FromKindAndData(ONE_BYTE, start, length)
        Py_INCREF(made)
        self._known[place] = <PyObject*>made
        Py_XDECREF(known)
        return made


def shape(str text not None, str delimiter not None, Py_ssize_t longest):
    """(rows, cells of each) of lines that are all equally wide and no longer than *longest*; None of others. Empty lines are none."""
    if PyUnicode_KIND(text) != ONE_BYTE or ord(delimiter) > 127:
        return None
    cdef const unsigned char* at = <const unsigned char*>PyUnicode_DATA(text)
    cdef const unsigned char* end = at + PyUnicode_GET_LENGTH(text)
    cdef const unsigned char* line_end
    cdef unsigned char mark = ord(delimiter)
    cdef Py_ssize_t rows = 0, width = 0, found, place
    while at < end:
        line_end = <const unsigned char*>memchr(at, c"\n", end - at)
        if line_end is NULL:
            line_end = end
        if line_end > at:
            found = 1
            for place in range(line_end - at):
                found += at[place] == mark
            if line_end - at > longest or (rows and found != width):
                return None
            rows, width = rows + 1, found
        at = line_end + 1
    return rows, width


def cut(str text not None, str delimiter not None, Py_ssize_t width, tuple kept not None, tuple blanks not None,
        Py_ssize_t first, Py_ssize_t skipped, CellTexts texts not None, type row_type not None):
    """(rows, filled cells of every column) of *text*, whose `shape` is known.

    A row is a *row_type* of its number, counted from *first*, of the cells at the indexes *kept*, and of its line. *blanks*
    holds for every column the texts other than the empty one that are no value there, or None. The first *skipped* lines are
    left out. None of a text with characters beyond Latin-1, and for a delimiter that is not ASCII.
    """
    if PyUnicode_KIND(text) != ONE_BYTE or ord(delimiter) > 127:
        return None
    cdef const unsigned char* at = <const unsigned char*>PyUnicode_DATA(text)
    cdef const unsigned char* end = at + PyUnicode_GET_LENGTH(text)
    cdef const unsigned char* line
    cdef unsigned char mark = ord(delimiter)
    cdef Py_ssize_t number = first, place, index, length, held = len(kept)
    cdef const unsigned char** starts = <const unsigned char**>malloc((width + 1) * sizeof(unsigned char*))
    cdef Py_ssize_t* filled = <Py_ssize_t*>calloc(width, sizeof(Py_ssize_t))
    cdef Py_ssize_t* needed = <Py_ssize_t*>malloc((held + 1) * sizeof(Py_ssize_t))
    cdef Py_ssize_t* judged = <Py_ssize_t*>calloc(width, sizeof(Py_ssize_t))  # the longest text that is no value there
    cdef list rows = []
    cdef object cell, cells, blank
    try:
        if starts is NULL or filled is NULL or needed is NULL or judged is NULL:
            raise MemoryError
        for place in range(held):
            needed[place] = kept[place]
            if not 0 <= needed[place] < width:
                raise IndexError("a column that is not there")
        for place in range(width):
            if blanks[place] is not None:
                judged[place] = max([len(blank) for blank in blanks[place]])
        while at < end:
            line, index = at, 0
            starts[0] = at
            while at < end and at[0] != c"\n":
                if at[0] == mark:
                    index += 1
                    if index >= width:
                        raise ValueError("the rows have not the shape that was given")
                    starts[index] = at + 1
                at += 1
            if at == line:
                at += 1
                continue
            if index != width - 1:
                raise ValueError("the rows have not the shape that was given")
            starts[width] = at + 1
            at += 1
            if skipped:
                skipped -= 1
                continue
            for place in range(width):
                length = starts[place + 1] - starts[place] - 1
                if length > 0 and not (length <= judged[place] and texts.text(starts[place], length) in blanks[place]):
                    filled[place] += 1
            cells = PyTuple_New(held)
            for place in range(held):
                index = needed[place]
                cell = texts.text(starts[index], starts[index + 1] - starts[index] - 1)
                Py_INCREF(cell)
                put_into_tuple(cells, place, <PyObject*>cell)
            rows.append(_row(row_type, number, cells, PyUnicode_FromKindAndData(ONE_BYTE, line, at - 1 - line)))
            number += 1
        return rows, [filled[place] for place in range(width)]
    finally:
        free(starts)
        free(filled)
        free(needed)
        free(judged)


cdef object _row(type row_type, object number, object cells, object line):
    """A named tuple of three, made as `tuple.__new__` makes it."""
    cdef PyObject* made = (<PyTypeObject*>row_type).tp_alloc(<PyTypeObject*>row_type, 3)
    cdef object row = <object>made
    Py_DECREF(row)  # what is left is the reference of `row`
    Py_INCREF(number)
    put_into_tuple(row, 0, <PyObject*>number)
    Py_INCREF(cells)
    put_into_tuple(row, 1, <PyObject*>cells)
    Py_INCREF(line)
    put_into_tuple(row, 2, <PyObject*>line)
    return row


def runs(list rows not None, Py_ssize_t index):
    """(text, rows): rows that follow one another and hold the same text in the cell *index*."""
    cdef list made = [], members = None
    cdef object row, text, last = None
    for row in rows:
        text = row[1][index]
        if members is not None and (text is last or text == last):
            members.append(row)
        else:
            members, last = [row], text
            made.append((text, members))
    return made


def rows_of_lines(list rows not None, str delimiter not None, tuple kept not None, CellTexts texts not None, type row_type not None,
                  otherwise):
    """Rows from pairs of their number and their line, or all of their cells: a *row_type* of number, cells at *kept*, and that.

    *otherwise* makes the row of a number and of cells, or of a line with other characters than those of Latin-1.
    """
    cdef Py_ssize_t last = -1, place, held = len(kept)
    cdef Py_ssize_t* needed = <Py_ssize_t*>malloc((held + 1) * sizeof(Py_ssize_t))
    cdef const unsigned char** starts = NULL
    cdef bint is_ascii = ord(delimiter) < 128
    cdef unsigned char mark = ord(delimiter) if is_ascii else 0
    cdef list made = []
    cdef object number, whole, cells, cell
    try:
        if needed is NULL:
            raise MemoryError
        for place in range(held):
            needed[place] = kept[place]
            if needed[place] < 0:
                raise IndexError("a column that is not there")
            last = max(last, needed[place])
        starts = <const unsigned char**>malloc((last + 3) * sizeof(unsigned char*))
        if starts is NULL:
            raise MemoryError
        for number, whole in rows:
            if not is_ascii or type(whole) is not str or PyUnicode_KIND(whole) != ONE_BYTE or not _starts(whole, mark, last, starts):
                made.append(otherwise(number, whole))
                continue
            cells = PyTuple_New(held)
            for place in range(held):
                cell = texts.text(starts[needed[place]], starts[needed[place] + 1] - starts[needed[place]] - 1)
                Py_INCREF(cell)
                put_into_tuple(cells, place, <PyObject*>cell)
            made.append(_row(row_type, number, cells, whole))
        return made
    finally:
        free(starts)
        free(needed)


cdef bint _starts(str line, unsigned char mark, Py_ssize_t last, const unsigned char** starts):
    """Where the cells up to the one behind *last* start in *line*; false where it has not so many."""
    cdef const unsigned char* at = <const unsigned char*>PyUnicode_DATA(line)
    cdef const unsigned char* end = at + PyUnicode_GET_LENGTH(line)
    cdef Py_ssize_t found = 0
    starts[0] = at
    while found <= last:
        while at < end and at[0] != mark:
            at += 1
        found += 1
        at += 1
        starts[found] = at
        if at > end:
            break
    return found > last
