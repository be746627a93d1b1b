# cython: language_level=3, wraparound=False, cdivision=True
"""Takes the rows of a subject out of the tree of libxml2 and sets them aside as JSON, and reads them back: what `xml_rows.Walker` and
`element_rows` do, without an object of Python for every element and text.

Paths and columns are those that the walker learns; what is to be said of a value, it says.
"""

from cpython.dict cimport PyDict_GetItemWithError
from cpython.long cimport PyLong_FromVoidPtr
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memchr, memcmp, memcpy, strcmp, strlen

from harmonize.python_objects cimport new_tuple
from harmonize.written_text cimport PyUnicode_AsUTF8AndSize, Written, clear, put, put_number, release, reserve, written
from lxml.includes.etreepublic cimport (
    _Document,
    _Element,
    _getNs,
    attributeValue,
    elementFactory,
    import_lxml__etree,
    namespacedName,
    tailOf,
    textOf,
)
from lxml.includes.tree cimport XML_ATTRIBUTE_NODE, XML_ELEMENT_NODE, XML_TEXT_NODE, xmlAttr, xmlNode

from orjson import loads

from harmonize.findings import PLACE_BITS, element_number
from harmonize.profiles.xml_assembly import gathered

import_lxml__etree()

cdef int _PLACE_BITS = PLACE_BITS
cdef const char* _HEXADECIMAL = b"0123456789abcdef"

cdef enum:
    MOST_BELOW = 64  # names that are compared one by one; of more the walker's own table is asked
    MOST_LINES = 65535  # lines that an element holds itself; where it stands behind them, lxml finds out


# --- names, columns and paths that were met -------------------------------------------------------------------------


cdef class _Name:
    """A name in its namespace, as libxml2 writes it."""

    cdef bytes name, space
    cdef const char* name_at
    cdef const char* space_at

    cdef void take(self, xmlNode* node):
        cdef const char* space = <const char*>_getNs(node)
        self.name = <const char*>node.name
        self.name_at = self.name
        self.space_at = NULL
        if space is not NULL:
            self.space = space
            self.space_at = self.space

    cdef bint is_of(self, xmlNode* node):
        cdef const char* space
        if strcmp(self.name_at, <const char*>node.name) != 0:
            return False
        space = <const char*>_getNs(node)
        if space is NULL or self.space_at is NULL:
            return space is self.space_at
        return strcmp(self.space_at, space) == 0


cdef class _Attribute(_Name):
    """An attribute of a path and its column, None where it is not read."""

    cdef _Column column


cdef class _Column:
    """A column that was met, and how many values of it were put down that are not counted in it yet."""

    cdef object column
    cdef Py_ssize_t index, values, row, cell, kept
    cdef bint is_slot, gathers, is_met

    def __cinit__(self, column):
        self.column, self.index, self.is_slot, self.gathers = column, column.index, column.is_slot, column.gathers
        self.is_met = column.is_known or column.first is not None  # there is nothing to say of it any more
        self.row = self.cell = self.kept = -1  # the last row that has a value of it, the place of that, and of its gathered text


cdef class _Path(_Name):
    """A path that was met: the walker's node, what was met below it, and which of that was the last."""

    cdef object node
    cdef _Column text
    cdef bint is_row
    cdef Py_ssize_t table, last
    cdef list below, attributes

    def __cinit__(self, node):
        self.node, self.text, self.is_row, self.table, self.last = node, None, node.is_row, node.table, 0
        self.below, self.attributes = [], []


# --- the rows of a subject ------------------------------------------------------------------------------------------


cdef struct Text:
    const char* at
    Py_ssize_t size


cdef struct Cell:
    Py_ssize_t index
    Text text
    Py_ssize_t next


cdef struct Row:
    Py_ssize_t table
    unsigned long long number
    Py_ssize_t first, last


cdef int _put_quoted(Written* written, Text text) except -1:
    """Write a text as JSON."""
    cdef Py_ssize_t index, more = 2
    cdef unsigned char one
    cdef char* at
    for index in range(text.size):
        one = text.at[index]
        if one < 0x20:
            more += 5
        elif one == c'"' or one == c"\\":
            more += 1
    reserve(written, text.size + more)
    at = written.at + written.size
    at[0] = c'"'
    at += 1
    if more == 2:
        memcpy(at, text.at, text.size)
        at += text.size
    else:
        for index in range(text.size):
            one = text.at[index]
            if one == c'"' or one == c"\\":
                at[0] = c"\\"
                at[1] = one
                at += 2
            elif one < 0x20:
                memcpy(at, b"\\u00", 4)
                at[4] = c"0" + (one >> 4)
                at[5] = _HEXADECIMAL[one & 15]
                at += 6
            else:
                at[0] = one
                at += 1
    at[0] = c'"'
    written.size = at + 1 - written.at
    return 0


cdef bint _is_blank(const char* text):
    """Whether nothing but the blanks of XML stands there."""
    while text[0] == c" " or text[0] == c"\n" or text[0] == c"\t" or text[0] == c"\r":
        text += 1
    return text[0] == 0


cdef bint _is_all(xmlNode* node):
    """Whether the text of *node* is all text that stands there."""
    return node.type == XML_TEXT_NODE and (node.next is NULL or node.next.type == XML_ELEMENT_NODE)


cdef class ElementWalk:
    """Walks the subjects of one document for a `Walker`."""

    cdef object walker
    cdef type document_type
    cdef dict columns, beside
    cdef unsigned long long first_number, last
    cdef list blank, kept
    cdef _Path subject_path
    cdef _Column identifier
    cdef Written rows, cells, text
    cdef Py_ssize_t rows_before
    cdef Text found

    def __dealloc__(self):
        release(&self.rows)
        release(&self.cells)
        release(&self.text)

    def __init__(self, walker, document_type):
        """*document_type* is `SubjectDocument`."""
        if not issubclass(document_type, tuple):
            raise TypeError("documents are tuples")
        self.walker, self.document_type, self.columns, self.beside = walker, document_type, {}, {}
        self.blank, self.kept = [text.encode() for text in walker.blank], []
        self.rows_before = 0
        self.first_number = element_number(walker.index, 0, 0)  # what the numbers of all its elements have in common
        self.subject_path = _Path(walker.subject_node)

    def subject(self, _Element element not None, dict beside not None):
        """`Walker.subject`."""
        if element._c_node is NULL or self.subject_path is None:
            raise ValueError("no element, or no walk")
        self.rows_before += self._number_of_rows()
        clear(&self.rows)
        clear(&self.cells)
        self.kept.clear()
        self.last = self.walker.last
        try:
            self._row(element._doc, element._c_node, self.subject_path)
            for name, value in beside.items():
                if self._keep(value):
                    self._put(0, self._beside(name))
            self._walk(element._doc, element._c_node, self.subject_path, 0)
        finally:
            self.walker.last = self.last
        self.walker.paths.rows += self._number_of_rows()
        return new_tuple(self.document_type, (self._identifier(), (<Row*>self.rows.at)[0].number, self._json()))

    def count(self):
        """Count the values that were put down in their columns."""
        cdef _Column known
        for known in self.columns.values():
            known.column.values += known.values
            known.values = 0

    cdef Py_ssize_t _number_of_rows(self):
        return self.rows.size // <Py_ssize_t>sizeof(Row)

    cdef int _walk(self, _Document document, xmlNode* element, _Path path, Py_ssize_t row) except -1:
        cdef xmlNode* child
        cdef _Path below
        if element.properties is not NULL:
            self._attributes(element, path, row)
        if self._has_text(element):
            self._put(row, self._text(path))
        child = element.children
        while child is not NULL:
            if child.type == XML_ELEMENT_NODE:
                below = self._below(path, child)
                self._walk(document, child, below, self._row(document, child, below) if below.is_row else row)
                if self._has_tail(child):
                    self._put(row, self._text(path))
            child = child.next
        return 0

    cdef int _attributes(self, xmlNode* element, _Path path, Py_ssize_t row) except -1:
        cdef xmlAttr* attribute = element.properties
        cdef _Attribute known
        while attribute is not NULL:
            if attribute.type == XML_ATTRIBUTE_NODE:
                known = self._attribute(path, attribute)
                if known.column is not None and self._has_value(element, attribute):
                    self._put(row, known.column)
            attribute = attribute.next
        return 0

    cdef bint _has_text(self, xmlNode* element) except -1:
        """Find the text before the first child of *element*."""
        cdef xmlNode* first = element.children
        if first is NULL or first.type == XML_ELEMENT_NODE:
            return False
        return self._find(first.content) if _is_all(first) else self._keep(textOf(element))

    cdef bint _has_tail(self, xmlNode* element) except -1:
        """Find the text between *element* and the next one."""
        cdef xmlNode* following = element.next
        if following is NULL or following.type == XML_ELEMENT_NODE:
            return False
        return self._find(following.content) if _is_all(following) else self._keep(tailOf(element))

    cdef bint _has_value(self, xmlNode* element, xmlAttr* attribute) except -1:
        """Find the value of an attribute."""
        cdef xmlNode* first = attribute.children
        if first is not NULL and first.type == XML_TEXT_NODE and first.next is NULL:
            return self._find(first.content)
        return self._keep(attributeValue(element, attribute))

    cdef bint _find(self, const unsigned char* content) except -1:
        """Find a text of libxml2 without blanks around it; False where there is none."""
        cdef const char* text = <const char*>content
        cdef unsigned char first, last
        if text is NULL or _is_blank(text):
            return False
        self.found = Text(text, strlen(text))
        first, last = text[0], text[self.found.size - 1]
        if first > 0x20 and first < 0x7F and last > 0x20 and last < 0x7F:
            return True
        return self._keep(PyUnicode_DecodeUTF8(text, self.found.size, NULL))

    cdef bint _keep(self, str text) except -1:
        """Find a text of Python without blanks around it, and hold it until the rows are set aside."""
        cdef str stripped = None if text is None else text.strip()
        if not stripped:
            return False
        self.kept.append(stripped)
        self.found.at = PyUnicode_AsUTF8AndSize(stripped, &self.found.size)
        return True

    cdef int _put(self, Py_ssize_t row, _Column known) except -1:
        """Put the text that was found into its cell, or have said why not."""
        cdef Row* of_row = <Row*>self.rows.at + row
        cdef Cell* cells
        cdef bytes blank
        for blank in self.blank:
            if len(blank) == self.found.size and memcmp(<const char*>blank, self.found.at, self.found.size) == 0:
                return 0
        known.values += 1
        if not known.is_met:
            self.walker.met(known.column, of_row.number)
            known.is_met = True
        if known.row != self.rows_before + row:
            known.row, known.cell, known.kept = self.rows_before + row, self.cells.size // <Py_ssize_t>sizeof(Cell), -1
            reserve(&self.cells, sizeof(Cell))
            self.cells.size += sizeof(Cell)
            cells = <Cell*>self.cells.at
            cells[known.cell] = Cell(known.index, self.found, -1)
            if of_row.last < 0:
                of_row.first = known.cell
            else:
                cells[of_row.last].next = known.cell
            of_row.last = known.cell
        elif known.gathers:
            known.values -= 1
            self._gather(known)
        elif known.is_slot:
            known.values -= 1
            self.walker.refuse_second(known.column, of_row.number)
        return 0

    cdef int _gather(self, _Column known) except -1:
        """Add the text that was found to the value that is in its cell. The text of all of them is held, and no earlier one."""
        cdef Cell* cell = <Cell*>self.cells.at + known.cell
        cdef str made = gathered(_decoded(cell.text), _decoded(self.found))
        if known.kept < 0:
            known.kept = len(self.kept)
            self.kept.append(made)
        else:
            self.kept[known.kept] = made
        cell.text.at = PyUnicode_AsUTF8AndSize(made, &cell.text.size)
        return 0

    cdef Py_ssize_t _row(self, _Document document, xmlNode* element, _Path path) except -1:
        """Begin a row. Its place."""
        cdef long line = element.line
        cdef Py_ssize_t place = self._number_of_rows()
        if line >= MOST_LINES:
            line = elementFactory(document, element).sourceline or 1
        cdef unsigned long long number = self.first_number | <unsigned long long>(line or 1) << _PLACE_BITS
        if number <= self.last:
            number = self.last + 1
        self.last = number
        reserve(&self.rows, sizeof(Row))
        self.rows.size += sizeof(Row)
        (<Row*>self.rows.at)[place] = Row(path.table, number, -1, -1)
        return place

    cdef str _identifier(self):
        """The identifier of the subject, empty where it has none."""
        if self.identifier is None:
            column = self.walker.identifier_column()
            if column is None:
                return ""
            self.identifier = self._column(column)
        if self.identifier.row != self.rows_before:
            return ""
        return _decoded((<Cell*>self.cells.at)[self.identifier.cell].text)

    cdef bytes _json(self):
        """The rows, as `element_rows` reads them."""
        cdef Row* row = <Row*>self.rows.at
        cdef Cell* cells = <Cell*>self.cells.at
        cdef Written* text = &self.text
        cdef Py_ssize_t place, at
        clear(text)
        for place in range(self._number_of_rows()):
            put(text, b",[" if place else b"[[", 2)
            put_number(text, row[place].table)
            put(text, b",", 1)
            put_number(text, row[place].number)
            put(text, b",[", 2)
            at = row[place].first
            while at >= 0:
                put_number(text, cells[at].index)
                at = cells[at].next
                if at >= 0:
                    put(text, b",", 1)
            put(text, b"],[", 3)
            at = row[place].first
            while at >= 0:
                _put_quoted(text, cells[at].text)
                at = cells[at].next
                if at >= 0:
                    put(text, b",", 1)
            put(text, b"]]", 2)
        put(text, b"]", 1)
        return written(text)

    cdef _Attribute _attribute(self, _Path path, xmlAttr* attribute):
        cdef _Attribute known
        for known in path.attributes:
            if known.is_of(<xmlNode*>attribute):
                return known
        known = _Attribute.__new__(_Attribute)
        known.take(<xmlNode*>attribute)
        column = self.walker.attribute(path.node, namespacedName(<xmlNode*>attribute))
        known.column = None if column is None else self._column(column)
        if len(path.attributes) < MOST_BELOW:
            path.attributes.append(known)
        return known

    cdef _Path _below(self, _Path path, xmlNode* child):
        """The path of a child: most often that of the last one, or the one that was met behind it."""
        cdef Py_ssize_t offset, at, known = len(path.below)
        cdef _Path below
        for offset in range(known):
            at = path.last + offset
            if at >= known:
                at -= known
            below = <_Path>path.below[at]
            if below.is_of(child):
                path.last = at
                return below
        below = _Path(self.walker.below(path.node, namespacedName(child)))
        below.take(child)
        if known < MOST_BELOW:
            path.below.append(below)
        return below

    cdef _Column _text(self, _Path path):
        """The column of the text of a path."""
        if path.text is None:
            path.text = self._column(self.walker.text(path.node))
        return path.text

    cdef _Column _beside(self, str name):
        """The column of a cell from beside the subjects."""
        known = self.beside.get(name)
        if known is None:
            known = self.beside[name] = self._column(self.walker.beside_column(name))
        return known

    cdef _Column _column(self, object column):
        cdef PyObject* found = PyDict_GetItemWithError(self.columns, PyLong_FromVoidPtr(<void*>column))
        if found is not NULL:
            return <_Column><object>found
        known = self.columns[PyLong_FromVoidPtr(<void*>column)] = _Column(column)
        return known


cdef str _decoded(Text text):
    return PyUnicode_DecodeUTF8(text.at, text.size, NULL)


# --- rows that were set aside ---------------------------------------------------------------------------------------


def add_rows(bytes document not None, list names not None, list widths not None, dict rows not None, type row_type not None):
    """Add the rows of a document of a subject to *rows*: what `element_rows` does."""
    cdef const char* at = document
    cdef const char* end = at + len(document)
    if not issubclass(row_type, tuple):
        raise TypeError("rows are tuples")
    if memchr(at, c"\\", len(document)) is not NULL:  # texts with quotes or line breaks, which are few
        for row in loads(document):
            _add_row(row[0], row[1], _cells_of(row[2], row[3], widths[row[0]]), names, rows, row_type)
        return
    _expect(&at, end, c"[")
    if at[0] != c"]":
        _read_row(&at, end, names, widths, rows, row_type)
    while at < end and at[0] == c",":
        at += 1
        _read_row(&at, end, names, widths, rows, row_type)
    _expect(&at, end, c"]")
    if at != end:
        raise ValueError("no rows of elements")


cdef list _cells_of(list indexes, list texts, Py_ssize_t width):
    cdef list cells = [""] * width
    for index, text in zip(indexes, texts, strict=True):
        if not 0 <= index < width:
            raise IndexError("a cell past the columns of its row")
        cells[index] = text
    return cells


cdef int _read_row(const char** at, const char* end, list names, list widths, dict rows, type row_type) except -1:
    """Read a row: index of its path, number, indexes of its cells, their texts."""
    cdef const char* index_at
    cdef const char* closing
    cdef unsigned long long table, number, index
    cdef Py_ssize_t width
    cdef list cells
    _expect(at, end, c"[")
    table = _number(at, end)
    _expect(at, end, c",")
    number = _number(at, end)
    _expect(at, end, c",")
    _expect(at, end, c"[")
    if table >= <unsigned long long>len(widths) or table >= <unsigned long long>len(names):
        raise ValueError("no rows of elements")
    width = widths[<Py_ssize_t>table]
    cells = [""] * width
    index_at = at[0]
    closing = <const char*>memchr(index_at, c"]", end - index_at)
    if closing is NULL:
        raise ValueError("no rows of elements")
    at[0] = closing + 1
    _expect(at, end, c",")
    _expect(at, end, c"[")
    while at[0] < end and at[0][0] == c'"':
        at[0] += 1
        closing = <const char*>memchr(at[0], c'"', end - at[0])
        if closing is NULL:
            raise ValueError("no rows of elements")
        index = _number(&index_at, end)
        if index >= <unsigned long long>width:
            raise IndexError("a cell past the columns of its row")
        cells[<Py_ssize_t>index] = PyUnicode_DecodeUTF8(at[0], closing - at[0], NULL)
        at[0] = closing + 1
        if at[0][0] != index_at[0]:  # a comma behind both, or both are at their end
            raise ValueError("no rows of elements")
        if at[0][0] == c",":
            at[0] += 1
            index_at += 1
            if at[0][0] != c'"':
                raise ValueError("no rows of elements")
    if index_at[0] != c"]":
        raise ValueError("no rows of elements")
    _expect(at, end, c"]")
    _expect(at, end, c"]")
    return _add_row(<Py_ssize_t>table, number, cells, names, rows, row_type)


cdef int _expect(const char** at, const char* end, char one) except -1:
    if at[0] >= end or at[0][0] != one:
        raise ValueError("no rows of elements")
    at[0] += 1
    return 0


cdef unsigned long long _number(const char** at, const char* end) except? 0xFFFFFFFFFFFFFFFF:
    cdef unsigned long long made = 0
    cdef int digits = 0
    while at[0] < end and c"0" <= at[0][0] <= c"9":
        made = 10 * made + <unsigned long long>(at[0][0] - c"0")
        at[0] += 1
        digits += 1
    if not 1 <= digits <= 19:
        raise ValueError("no rows of elements")
    return made


cdef int _add_row(Py_ssize_t table, object number, list cells, list names, dict rows, type row_type) except -1:
    cdef object name = names[table], row = new_tuple(row_type, (number, cells, None))
    cdef PyObject* listed = PyDict_GetItemWithError(rows, name)
    if listed is NULL:
        rows[name] = [row]
    else:
        (<list?><object>listed).append(row)
    return 0
