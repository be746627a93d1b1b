# cython: language_level=3, wraparound=False
"""What every resource calls of `sheet.Sheet`, without the interpreter. Where more is to be done than the common thing, the sheet does it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.ref cimport PyObject
from libc.string cimport memcpy

from harmonize.python_objects cimport new_tuple, stated

from orjson import Fragment, dumps

from harmonize.writers import Document
from harmonize.writers.fhir.datatypes import number

cdef extern from "Python.h":
    object PyLong_FromVoidPtr(void*)
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL

cdef type _DOCUMENT = Document
cdef object _dumps = dumps, _fragment = Fragment, _number = number
cdef frozenset _MEASURED = frozenset(("assay", "date", "value", "coded_value", "status", "kind"))

if not issubclass(_DOCUMENT, tuple):
    raise ImportError("built of other sources: install harmonize again")


cdef bint _is_plain(const char* raw, Py_ssize_t size):
    """Whether a text is JSON between quotes as it is: an id of FHIR (R4, Data Types, id: letters, digits, `-`, `.`)."""
    cdef Py_ssize_t index
    cdef char one
    for index in range(size):
        one = raw[index]
        if not (c"a" <= one <= c"z" or c"0" <= one <= c"9" or c"A" <= one <= c"Z" or one == c"-" or one == c"."):
            return False
    return True


cdef bytes _joined(bytes before_id, str resource_id, bytes after_id, bytes body):
    """A resource: what stands before and behind its id, and the elements of its body."""
    cdef Py_ssize_t before = PyBytes_GET_SIZE(before_id), middle = 0
    cdef Py_ssize_t after = PyBytes_GET_SIZE(after_id), rest = PyBytes_GET_SIZE(body)
    cdef const char* raw = PyUnicode_AsUTF8AndSize(resource_id, &middle)
    cdef bint is_empty = rest == 2, is_plain = _is_plain(raw, middle)
    cdef bytes quoted, made
    cdef char* at
    if not is_plain:
        quoted = _dumps(resource_id)
        raw, middle = PyBytes_AS_STRING(quoted) + 1, PyBytes_GET_SIZE(quoted) - 2
    made = PyBytes_FromStringAndSize(NULL, before + middle + 2 + after + (1 if is_empty else rest))
    at = PyBytes_AS_STRING(made)
    memcpy(at, PyBytes_AS_STRING(before_id), before)
    at += before
    at[0] = c'"'
    memcpy(at + 1, raw, middle)
    at[middle + 1] = c'"'
    at += middle + 2
    memcpy(at, PyBytes_AS_STRING(after_id), after)
    at += after
    if is_empty:
        at[0] = c"}"
    else:
        at[0] = c","
        memcpy(at + 1, PyBytes_AS_STRING(body) + 1, rest - 1)
    return made


cdef class Methods:
    """The first base of a sheet; `Sheet` is the second one. What both of them use is public."""

    cdef public object _under_way
    cdef public list documents
    cdef object identity_of, identifiers, heads, rendered, units, log, made_of
    cdef object patient_id, content
    cdef dict twins, defaulted

    def __cinit__(self, run, record, log):
        self.defaulted = log.defaulted
        self.identity_of, self.identifiers, self.heads = run.identities.of, run.identifiers, run.heads
        self.units = run.concepts.units
        self.rendered, self.log, self.patient_id, self.twins = run.concepts.rendered, log, record["subject_id"], {}

    def new_id(self, str kind not None, made_of):
        """`Sheet.new_id`."""
        return self._new_id(kind, made_of)

    cdef str _new_id(self, str kind, object made_of):
        cdef object content, key, made
        cdef PyObject* twins
        if self.content is None or made_of is not self.made_of:
            self.made_of = made_of
            self.content = f"{self.patient_id}|{self.identity_of(made_of)}"
        content = self.content
        key = (kind, content)
        twins = PyDict_GetItemWithError(self.twins, key)
        if twins is NULL:
            self.twins[key] = 1
        else:
            content = f"{content}|{<object>twins}"
            self.twins[key] = <object>twins + 1
        made = self.identifiers[kind](content)
        self._under_way = (kind, made)
        return made

    def add(self, str resource_type not None, str resource_id not None, hub_object, dict body not None, profile=None):
        """`Sheet.add`."""
        self._add(resource_type, resource_id, hub_object, body, profile)

    cdef int _add(self, str resource_type, str resource_id, object hub_object, dict body, object profile) except -1:
        cdef tuple head = self.heads[resource_type, profile]
        line = _joined(head[0], resource_id, head[1], _dumps(body))
        self.documents.append(new_tuple(_DOCUMENT, (resource_type, resource_id, line)))
        if self.log.trace is not None:
            self.log.made(f"/{resource_type}/{resource_id}", hub_object)
        return 0

    def observed(self, str kind not None, holder, slot, dict common not None, code):
        """`Sheet.observed`."""
        cdef object coded = stated(holder, slot)
        cdef str resource_id
        cdef dict body
        if coded is None:
            return None
        resource_id = self._new_id(kind, holder)
        value = self._concept_of(holder, slot, coded, "/valueCodeableConcept")
        if value is None:
            return None
        body = common.copy()
        body["code"], body["valueCodeableConcept"] = code, value
        if body["status"] == "final":
            self._default("Observation.status")
        self._add("Observation", resource_id, holder, body, None)
        return resource_id

    cdef int _default(self, str element) except -1:
        """`TargetLog.default` of one element."""
        cdef PyObject* known = PyDict_GetItemWithError(self.defaulted, element)
        self.defaulted[element] = 1 if known is NULL else <object>known + 1
        return 0

    def concept(self, holder, slot, inside):
        """`Sheet.concept`."""
        coded = stated(holder, slot)
        return None if coded is None else self._concept_of(holder, slot, coded, inside)

    def concept_of(self, holder, slot, coded, inside):
        """`Sheet.concept_of`."""
        return self._concept_of(holder, slot, coded, inside)

    def measured(self, measurement, dict categories not None):
        """`Sheet.measured`: where a measurement states nothing but what is written without a word, it is put down here."""
        cdef str resource_id = self._new_id("Observation/measurement", measurement)
        cdef object date = stated(measurement, "date"), coded = stated(measurement, "coded_value")
        cdef object code = self._known(stated(measurement, "assay")), kind = stated(measurement, "kind"), value = None, name, status
        cdef dict body = {}
        for name in measurement:
            if name not in _MEASURED:
                return resource_id
        if code is None or (date is not None and stated(date, "estimated")):
            return resource_id
        if coded is not None:
            value = self._known(coded)
            if value is None or "value" in measurement:
                return resource_id
        status = stated(measurement, "status")
        if status is None:
            self._default("Observation.status")
        body["status"] = "final" if status is None else status
        if kind is not None:
            body["category"] = categories[kind]
        body["code"], body["subject"] = code, self.patient
        if date is not None:
            body["effectiveDateTime"] = date["value"]
        if value is not None:
            body["valueCodeableConcept"] = value
        elif "value" in measurement:
            value = self._quantity(measurement["value"], "/valueQuantity")
            if value is not None:
                body["valueQuantity"] = value
        self._add("Observation", resource_id, measurement, body, None)
        return None

    cdef object _known(self, object coded):
        """The CodeableConcept of a coded value that was rendered before and loses nothing; None for any other."""
        cdef PyObject* found
        if coded is None:
            return None
        found = PyDict_GetItemWithError(self.rendered, PyLong_FromVoidPtr(<void*>coded))
        if found is NULL or (<tuple?><object>found)[2] is not False:
            return None
        return (<tuple><object>found)[1]

    cdef object _concept_of(self, object holder, object slot, object coded, object inside):
        known = self._known(coded)
        if known is not None:
            return known
        return super(Methods, self).concept_of(holder, slot, coded, inside)

    def date(self, holder, slot, inside):
        """`Sheet.date`."""
        value = stated(holder, slot)
        if value is None:
            return None
        if stated(value, "estimated"):
            return super(Methods, self).date(holder, slot, inside)
        return str(value["value"])

    def quantity(self, quantity, inside):
        """`Sheet.quantity`."""
        return self._quantity(quantity, inside)

    cdef object _quantity(self, object quantity, object inside):
        """A number in a unit that was met before and loses nothing is written here."""
        cdef object comparator = stated(quantity, "comparator"), source = stated(quantity, "unit_source")
        cdef object digits = _number(quantity["value"]), key = (stated(quantity, "unit"), PyLong_FromVoidPtr(<void*>source))
        cdef PyObject* unit = PyDict_GetItemWithError(self.units, key)
        if digits is None or unit is NULL or (<object>unit)[2]:
            return super(Methods, self).quantity(quantity, inside)
        if comparator is not None:
            digits = f'{digits},"comparator":"{comparator}"'
        return _fragment(f'{{"value":{digits}{(<object>unit)[1]}')
