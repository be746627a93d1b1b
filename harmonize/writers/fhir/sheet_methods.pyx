# cython: language_level=3, wraparound=False
"""What every resource calls of `sheet.Sheet`, without the interpreter. Where more is to be done than the common thing, the sheet does it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError, PyDict_Size
from cpython.ref cimport PyObject

from harmonize.python_objects cimport new_tuple, remembered, stated
from harmonize.written_text cimport Written, clear, put, put_json, put_text, release, written

from orjson import Fragment, dumps

from harmonize.writers import Document
from harmonize.writers.fhir.datatypes import Rendered, Unit, number

cdef extern from "Python.h":
    object PyLong_FromVoidPtr(void*)

cdef type _DOCUMENT = Document
cdef object _dumps = dumps, _fragment = Fragment, _number = number
cdef Py_ssize_t _CONCEPT = Rendered._fields.index("concept"), _LOSES = Rendered._fields.index("loses")
cdef Py_ssize_t _TEXT = Rendered._fields.index("text")
cdef tuple _BESIDE_PARTS = ("date_of_evaluation", "version", "pathology_clinical")
cdef Py_ssize_t _AFTER_VALUE = Unit._fields.index("after_value"), _LOSS = Unit._fields.index("loss")

if not issubclass(_DOCUMENT, tuple):
    raise ImportError("built of other sources: install harmonize again")


cdef int _put_bytes(Written* text, bytes added) except -1:
    if added is None:
        raise TypeError("no bytes")
    return put(text, PyBytes_AS_STRING(added), PyBytes_GET_SIZE(added))


cdef class Methods:
    """The first base of a sheet; `Sheet` is the second one. What both of them use is public."""

    cdef public object _under_way
    cdef public list documents
    cdef public bytes patient_reference
    cdef object identity_of, identifiers, heads, claiming_heads, rendered, units, log, made_of
    cdef object patient_id, content
    cdef dict twins, defaulted
    cdef bint is_traced
    cdef Written _text

    def __cinit__(self, run, record, log):
        self.defaulted, self.is_traced = log.defaulted, log.trace is not None
        self.identity_of, self.identifiers = run.identities.of, run.identifiers
        self.heads, self.claiming_heads = run.heads, run.claiming_heads
        self.units = run.concepts.units
        self.rendered, self.log, self.patient_id, self.twins = run.concepts.rendered, log, record["subject_id"], {}

    def __dealloc__(self):
        release(&self._text)

    def new_id(self, str kind not None, made_of):
        """`Sheet.new_id`."""
        return self._new_id(kind, made_of)

    cdef str _new_id(self, str kind, object made_of):
        cdef object content, made, identifier = remembered(self.identifiers, kind)
        cdef PyObject* twins
        if self.content is None or made_of is not self.made_of:
            self.made_of = made_of
            self.content = f"{self.patient_id}|{self.identity_of(made_of)}"
        content = self.content
        made = identifier(content)
        twins = PyDict_GetItemWithError(self.twins, made)
        if twins is NULL:
            self.twins[made] = 1
        else:
            content = f"{content}|{<object>twins}"
            self.twins[made] = <object>twins + 1
            made = identifier(content)
        self._under_way = (kind, made)
        return made

    def add(self, str resource_type not None, str resource_id not None, hub_object, dict body not None, profile=None):
        """`Sheet.add`."""
        self._add(resource_type, resource_id, hub_object, body, profile)

    cdef int _add(self, str resource_type, str resource_id, object hub_object, dict body, object profile) except -1:
        cdef bytes elements = _dumps(body)
        self._open(resource_type, resource_id, profile)
        if PyBytes_GET_SIZE(elements) > 2:
            put(&self._text, b",", 1)
            put(&self._text, PyBytes_AS_STRING(elements) + 1, PyBytes_GET_SIZE(elements) - 2)
        return self._close(resource_type, resource_id, hub_object)

    cdef int _open(self, str resource_type, str resource_id, object profile) except -1:
        """Begin the text of a resource."""
        cdef tuple head = remembered(self.heads, resource_type) if profile is None else self.claiming_heads[resource_type, profile]
        clear(&self._text)
        _put_bytes(&self._text, head[0])
        put_json(&self._text, resource_id, _dumps)
        return _put_bytes(&self._text, head[1])

    cdef int _close(self, str resource_type, str resource_id, object hub_object) except -1:
        """End the text of a resource and put it down."""
        put(&self._text, b"}", 1)
        self.documents.append(new_tuple(_DOCUMENT, (resource_type, resource_id, written(&self._text))))
        if self.is_traced:
            self.log.made(f"/{resource_type}/{resource_id}", hub_object)
        return 0

    def classified(self, tnm, tuple parts not None, evaluation, str status not None, str condition_id not None):
        """`Sheet.classified`: where a classification states nothing but what is written without a word, it is put down here."""
        cdef list values = self._values(tnm, parts), members = []
        cdef Py_ssize_t index, group = len(parts) - 1
        cdef tuple part
        cdef bytes common
        cdef str made
        if values is None:
            return None
        common = self._common(tnm, status, condition_id)
        for index in range(group + 1):
            if values[index] is None:
                continue
            part = parts[index]
            made = self._new_id(part[1], tnm)
            self._open("Observation", made, None)
            _put_bytes(&self._text, common)
            if index == group and members:
                put(&self._text, b',"hasMember":', 13)
                _put_bytes(&self._text, _dumps(members))
                members.clear()
            put(&self._text, b',"code":', 8)
            put_text(&self._text, (<dict?>part[2])[evaluation])
            put(&self._text, b',"valueCodeableConcept":', 24)
            put_text(&self._text, values[index])
            self._close("Observation", made, tnm)
            if status == "final":
                self._default("Observation.status")
            members.append({"reference": f"Observation/{made}"})
        return members

    cdef list _values(self, object tnm, tuple parts):
        """The JSON of the codes of the parts; None where one was not rendered before, where more is stated, and where none is."""
        cdef object date = stated(tnm, "date_of_evaluation"), coded, slot
        cdef Py_ssize_t beside = PyDict_Size(tnm), known = 0
        cdef list values = []
        cdef tuple part
        for part in parts:
            coded = stated(tnm, part[0])
            values.append(self._known_text(coded))
            if coded is not None:
                known += 1
                if values[len(values) - 1] is None:
                    return None
        for slot in _BESIDE_PARTS:
            if stated(tnm, slot) is not None:
                beside -= 1
        return None if not known or beside != known or (date is not None and stated(date, "estimated")) else values

    cdef bytes _common(self, object tnm, str status, str condition_id):
        """The elements that all Observations of a classification begin with."""
        cdef object date = stated(tnm, "date_of_evaluation"), version = stated(tnm, "version")
        clear(&self._text)
        put(&self._text, b',"status":', 10)
        put_json(&self._text, status, _dumps)
        put(&self._text, b',"subject":', 11)
        _put_bytes(&self._text, self.patient_reference)
        put(&self._text, b',"focus":[{"reference":', 23)
        put_json(&self._text, f"Condition/{condition_id}", _dumps)
        put(&self._text, b"}]", 2)
        if date is not None:
            put(&self._text, b',"effectiveDateTime":', 21)
            put_json(&self._text, date["value"], _dumps)
        if version is not None:
            put(&self._text, b',"method":{"text":', 18)
            put_json(&self._text, version, _dumps)
            put(&self._text, b"}", 1)
        return written(&self._text)

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
        cdef object date = stated(measurement, "date"), coded = stated(measurement, "coded_value"), kind = stated(measurement, "kind")
        cdef object status = stated(measurement, "status"), quantity = stated(measurement, "value"), digits = None
        cdef str code = self._known_text(stated(measurement, "assay")), value = self._known_text(coded), after_value = None
        if code is None or PyDict_Size(measurement) != 1 + (
            (date is not None) + (coded is not None) + (kind is not None) + (status is not None) + (quantity is not None)
        ):
            return resource_id
        if date is not None and stated(date, "estimated"):
            return resource_id
        if coded is not None and (value is None or quantity is not None):
            return resource_id
        if quantity is not None:
            digits, after_value = _number(quantity["value"]), self._after_value(quantity)
            if digits is None or after_value is None:
                return resource_id
        if status is None:
            self._default("Observation.status")
        self._open("Observation", resource_id, None)
        put(&self._text, b',"status":', 10)
        put_json(&self._text, "final" if status is None else status, _dumps)
        if kind is not None:
            put(&self._text, b',"category":', 12)
            put_text(&self._text, categories[kind])
        put(&self._text, b',"code":', 8)
        put_text(&self._text, code)
        put(&self._text, b',"subject":', 11)
        _put_bytes(&self._text, self.patient_reference)
        if date is not None:
            put(&self._text, b',"effectiveDateTime":', 21)
            put_json(&self._text, date["value"], _dumps)
        if quantity is not None:
            put(&self._text, b',"valueQuantity":{"value":', 26)
            put_text(&self._text, digits)
            put_text(&self._text, after_value)
        elif value is not None:
            put(&self._text, b',"valueCodeableConcept":', 24)
            put_text(&self._text, value)
        self._close("Observation", resource_id, measurement)
        return None

    cdef object _known(self, object coded, Py_ssize_t place):
        """What stands at a place of `Rendered` of a coded value that was rendered before and loses nothing; None for any other."""
        cdef PyObject* found
        if coded is None:
            return None
        found = PyDict_GetItemWithError(self.rendered, PyLong_FromVoidPtr(<void*>coded))
        if found is NULL:
            return None
        if not isinstance(<object>found, tuple):
            raise TypeError("nothing that was rendered")
        return None if (<tuple>found)[_LOSES] is not False else (<tuple>found)[place]

    cdef str _known_text(self, object coded):
        """The JSON of the CodeableConcept, as `_known`."""
        return self._known(coded, _TEXT) or None

    cdef object _concept_of(self, object holder, object slot, object coded, object inside):
        cdef object known = self._known(coded, _CONCEPT)
        return known if known is not None else super(Methods, self).concept_of(holder, slot, coded, inside)

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
        cdef object digits = _number(quantity["value"]), after_value = self._after_value(quantity)
        if digits is None or after_value is None:
            return super(Methods, self).quantity(quantity, inside)
        return _fragment(f'{{"value":{digits}{after_value}')

    cdef str _after_value(self, object quantity):
        """What follows the digits of a quantity, in a unit that was met before and loses nothing; None for any other."""
        cdef object comparator = stated(quantity, "comparator"), source = stated(quantity, "unit_source"), key = stated(quantity, "unit")
        cdef PyObject* unit
        if source is not None:
            key = (key, PyLong_FromVoidPtr(<void*>source))
        unit = PyDict_GetItemWithError(self.units, key)
        if unit is NULL or (<object>unit)[_LOSS]:
            return None
        if comparator is not None:
            return f',"comparator":"{comparator}"{(<object>unit)[_AFTER_VALUE]}'
        return (<object>unit)[_AFTER_VALUE]
