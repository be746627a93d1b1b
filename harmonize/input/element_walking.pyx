# cython: language_level=3, wraparound=False
"""Takes the rows out of the tree of libxml2: what `xml_rows.Walker` does, without an object of Python for every element.

Paths and columns are those that the walker learns; what it says of a value, it says.
"""

from cpython.dict cimport PyDict_Contains, PyDict_GetItemWithError, PyDict_SetItem
from cpython.long cimport PyLong_AsSsize_t, PyLong_FromVoidPtr
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport strcmp, strlen

from harmonize.python_objects cimport new_tuple
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
from lxml.includes.tree cimport XML_ATTRIBUTE_NODE, XML_CDATA_SECTION_NODE, XML_ELEMENT_NODE, XML_TEXT_NODE, xmlAttr, xmlNode

from harmonize.findings import PLACE_BITS, element_number

import_lxml__etree()

cdef int _PLACE_BITS = PLACE_BITS

cdef enum:
    MOST_BELOW = 64  # names that are compared one by one; of more the walker's own table is asked
    MOST_LINES = 65535  # lines that an element holds itself; where it stands behind them, lxml finds out


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

    cdef object column, index
    cdef bint is_known
    cdef Py_ssize_t values

    def __cinit__(self, column):
        self.column, self.index, self.is_known = column, column.index, column.is_known


cdef class _Path(_Name):
    """A path that was met: the walker's node, what was met below it, and which of that was the last."""

    cdef object node
    cdef _Column text
    cdef bint is_row
    cdef list below, attributes
    cdef Py_ssize_t last

    def __cinit__(self, node):
        self.node, self.text, self.is_row, self.last = node, None, node.is_row, 0
        self.below, self.attributes = [], []


cdef bint _is_blank(const char* text):
    """Whether nothing but the blanks of XML stands there."""
    while text[0] == c" " or text[0] == c"\n" or text[0] == c"\t" or text[0] == c"\r":
        text += 1
    return text[0] == 0


cdef object _decoded(const char* text):
    """The text without blanks around it, None where there is none."""
    cdef Py_ssize_t length = strlen(text)
    cdef unsigned char first = text[0], last = text[length - 1] if length else 0
    decoded = PyUnicode_DecodeUTF8(text, length, NULL)
    if first > 0x20 and first < 0x7F and last > 0x20 and last < 0x7F:
        return decoded
    return decoded.strip() or None


cdef bint _is_all(xmlNode* node):
    """Whether the text of *node* is all text that stands there."""
    return node.type == XML_TEXT_NODE and (node.next is NULL or node.next.type == XML_ELEMENT_NODE)


cdef object _text_in(xmlNode* node):
    """The text of a text, None for blanks."""
    cdef const char* content = <const char*>node.content
    return None if content is NULL or _is_blank(content) else _decoded(content)


cdef object _text_of(xmlNode* element):
    """The text before the first child of *element*, None for blanks."""
    cdef xmlNode* first = element.children
    if first is NULL or first.type == XML_ELEMENT_NODE:
        return None
    if _is_all(first):
        return _text_in(first)
    text = textOf(element)
    return None if text is None else text.strip() or None


cdef object _tail_of(xmlNode* element):
    """The text between *element* and the next one, None for blanks."""
    cdef xmlNode* following = element.next
    if following is NULL or following.type == XML_ELEMENT_NODE:
        return None
    if _is_all(following):
        return _text_in(following)
    tail = tailOf(element)
    return None if tail is None else tail.strip() or None


cdef class ElementWalk:
    """Walks the subjects of one document for a `Walker`."""

    cdef object walker
    cdef type row_type
    cdef dict columns
    cdef unsigned long long first_number
    cdef frozenset blank
    cdef _Path subject

    def __init__(self, walker, row_type):
        """*row_type* is `ElementRow`."""
        if not issubclass(row_type, tuple):
            raise TypeError("rows are tuples")
        self.walker, self.row_type, self.blank, self.columns = walker, row_type, walker.blank, {}
        self.subject = _Path(walker.subject_node)
        self.first_number = element_number(walker.index, 0, 0)  # what the numbers of all its elements have in common

    def walk(self, _Element element not None, row):
        """Add the rows below the element of a subject to the walker's, and the cells of *row*, which is its own."""
        if element._c_node is NULL or self.subject is None:
            raise ValueError("no element, or no walk")
        self._walk(element._doc, element._c_node, self.subject, row, row.cells)

    def count(self):
        """Count the values that were put down in their columns."""
        cdef _Column known
        for known in self.columns.values():
            known.column.values += known.values
            known.values = 0

    cdef int _walk(self, _Document document, xmlNode* element, _Path path, object row, dict cells) except -1:
        cdef xmlNode* child
        cdef _Path below
        cdef object text, inner
        if element.properties is not NULL:
            self._attributes(element, path, row, cells)
        text = _text_of(element)
        if text is not None:
            self._put(row, cells, self._text(path), text)
        child = element.children
        while child is not NULL:
            if child.type == XML_ELEMENT_NODE:
                below = self._below(path, child)
                if below.is_row:
                    inner = self._row(document, child, below)
                    self._walk(document, child, below, inner, inner.cells)
                else:
                    self._walk(document, child, below, row, cells)
                text = _tail_of(child)
                if text is not None:
                    self._put(row, cells, self._text(path), text)
            child = child.next
        return 0

    cdef int _attributes(self, xmlNode* element, _Path path, object row, dict cells) except -1:
        cdef xmlAttr* attribute = element.properties
        cdef _Attribute known
        cdef object text
        while attribute is not NULL:
            if attribute.type == XML_ATTRIBUTE_NODE:
                known = self._attribute(path, attribute)
                if known.column is not None:
                    text = attributeValue(element, attribute).strip()
                    if text:
                        self._put(row, cells, known.column, text)
            attribute = attribute.next
        return 0

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

    cdef _Column _column(self, object column):
        cdef PyObject* found = PyDict_GetItemWithError(self.columns, PyLong_FromVoidPtr(<void*>column))
        if found is not NULL:
            return <_Column><object>found
        known = self.columns[PyLong_FromVoidPtr(<void*>column)] = _Column(column)
        return known

    cdef object _row(self, _Document document, xmlNode* element, _Path path):
        cdef long line = element.line
        if line >= MOST_LINES:
            line = elementFactory(document, element).sourceline or 1
        cdef unsigned long long number = self.first_number | <unsigned long long>(line or 1) << _PLACE_BITS, last = self.walker.last
        if number <= last:
            number = last + 1
        self.walker.last = number
        row = new_tuple(self.row_type, (path.node.table, number, {}))
        self.walker.rows.append(row)
        return row

    cdef int _put(self, object row, dict cells, _Column known, object text) except -1:
        """Put down a value that is the first of a known column; of others there is more to say."""
        if text in self.blank:
            return 0
        if known.is_known and not PyDict_Contains(cells, known.index):
            known.values += 1
            PyDict_SetItem(cells, known.index, text)
        else:
            self.walker.put(row, known.column, text)
        return 0


def add_rows(list payload not None, list names not None, list widths not None, dict rows not None, type row_type not None):
    """Add the rows of a document of a subject to *rows*: what `element_rows` does."""
    cdef list row, cells, indexes, texts
    cdef Py_ssize_t table, width, index, place
    cdef object made, name, number
    cdef PyObject* listed
    if not issubclass(row_type, tuple):
        raise TypeError("rows are tuples")
    for row in payload:
        if len(row) != 4:
            raise ValueError("no row of an element")
        table, number, indexes, texts = PyLong_AsSsize_t(row[0]), row[1], <list?>row[2], <list?>row[3]
        if not 0 <= table < len(widths) or table >= len(names) or len(indexes) != len(texts):
            raise ValueError("no row of an element")
        width = PyLong_AsSsize_t(widths[table])
        cells = [""] * width
        for place in range(len(indexes)):
            index = PyLong_AsSsize_t(indexes[place])
            if not 0 <= index < width:
                raise IndexError("a cell past the columns of its row")
            cells[index] = texts[place]
        name = names[table]
        listed = PyDict_GetItemWithError(rows, name)
        if listed is NULL:
            rows[name] = [new_tuple(row_type, (number, cells, None))]
        else:
            (<list?><object>listed).append(new_tuple(row_type, (number, cells, None)))
