# cython: language_level=3, wraparound=False
"""What every resource calls of `sheet.Sheet`, without the interpreter. Where more is to be done than the common thing, the sheet does it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.ref cimport PyObject
from libc.string cimport memcpy

from harmonize.python_objects cimport new_tuple, stated

from orjson import dumps

from harmonize.writers import Document

cdef extern from "Python.h":
    object PyLong_FromVoidPtr(void*)

cdef type _DOCUMENT = Document
cdef object _dumps = dumps
cdef frozenset _MEASURED = frozenset(("assay", "date", "value", "coded_value", "status", "kind"))

if not issubclass(_DOCUMENT, tuple):
    raise ImportError("built of other sources: install harmonize again")


cdef bytes _joined(bytes before_id, bytes resource_id, bytes after_id, bytes body):
    """A resource: what stands before and behind its id, and the elements of its body."""
    cdef Py_ssize_t before = PyBytes_GET_SIZE(before_id), middle = PyBytes_GET_SIZE(resource_id)
    cdef Py_ssize_t after = PyBytes_GET_SIZE(after_id), rest = PyBytes_GET_SIZE(body)
    cdef bint is_empty = rest == 2
    cdef bytes made = PyBytes_FromStringAndSize(NULL, before + middle + after + (1 if is_empty else rest))
    cdef char* at = PyBytes_AS_STRING(made)
    memcpy(at, PyBytes_AS_STRING(before_id), before)
    at += before
    memcpy(at, PyBytes_AS_STRING(resource_id), middle)
    at += middle
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
    cdef object identity_of, identifiers, heads, rendered, log, made_of
    cdef object patient_id, content
    cdef dict twins

    def __cinit__(self, run, record, log):
        self.identity_of, self.identifiers, self.heads = run.identities.of, run.identifiers, run.heads
        self.rendered, self.log, self.patient_id, self.twins = run.concepts.rendered, log, record["subject_id"], {}

    def new_id(self, str kind not None, made_of):
        """`Sheet.new_id`."""
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
        cdef tuple head = self.heads[resource_type, profile]
        line = _joined(head[0], _dumps(resource_id), head[1], _dumps(body))
        self.documents.append(new_tuple(_DOCUMENT, (resource_type, resource_id, line)))
        if self.log.trace is not None:
            self.log.made(f"/{resource_type}/{resource_id}", hub_object)

    def concept(self, holder, slot, inside):
        """`Sheet.concept`."""
        coded = stated(holder, slot)
        return None if coded is None else self._concept_of(holder, slot, coded, inside)

    def concept_of(self, holder, slot, coded, inside):
        """`Sheet.concept_of`."""
        return self._concept_of(holder, slot, coded, inside)

    def measured(self, measurement, dict categories not None):
        """`Sheet.measured`: where a measurement states nothing but what is written without a word, it is put down here."""
        cdef str resource_id = self.new_id("Observation/measurement", measurement)
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
            self.log.default("Observation.status")
        body["status"] = "final" if status is None else status
        if kind is not None:
            body["category"] = categories[kind]
        body["code"], body["subject"] = code, self.patient
        if date is not None:
            body["effectiveDateTime"] = date["value"]
        if value is not None:
            body["valueCodeableConcept"] = value
        elif "value" in measurement:
            value = self.quantity(measurement["value"], "/valueQuantity")
            if value is not None:
                body["valueQuantity"] = value
        self.add("Observation", resource_id, measurement, body)
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
