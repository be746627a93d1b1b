# cython: language_level=3, wraparound=False
"""Puts the elements of `common_elements` together as UTF-8: all elements of a record as one text, without an object for each."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItemWithError, PyDict_Next, PyDict_Size
from cpython.ref cimport PyObject

from harmonize.python_objects cimport stated
from harmonize.written_text cimport Written, clear, put, put_json, put_text, release, written

import orjson

from harmonize.hub.objects import EVALUATIONS, evaluation_of
from harmonize.writers.phenopackets.common_elements import CATEGORIES, OF_DISEASES, OF_OPERATIONS, SEX_BY_SYSTEM

cdef extern from "Python.h":
    object PyLong_FromVoidPtr(void*)

cdef enum Kind:
    MEASUREMENT
    DISEASE
    PROCEDURE
    TREATMENT

cdef tuple _CATEGORIES = CATEGORIES
cdef dict _EVALUATIONS = EVALUATIONS, _SEX_BY_SYSTEM = SEX_BY_SYSTEM
cdef frozenset _OF_DISEASES = OF_DISEASES, _OF_OPERATIONS = OF_OPERATIONS


cdef object _kept(dict texts, object key):
    """The text that is kept for *key*, None for nothing."""
    cdef PyObject* found
    if key is None:
        return None
    found = PyDict_GetItemWithError(texts, key)
    return None if found is NULL else <object>found


cdef object _day(object date):
    """The text of a date of which the day is known, and which is no estimate; None for another one and for none."""
    if date is None or PyDict_Size(date) != 2 or stated(date, "precision") != "day":
        return None
    return stated(date, "value")


cdef bint _has_only(object holder, frozenset slots) except -1:
    """Whether an object of the hub has no other slots."""
    cdef PyObject* slot
    cdef PyObject* value
    cdef Py_ssize_t at = 0
    while PyDict_Next(holder, &at, &slot, &value):
        if <object>slot not in slots:
            return False
    return True


cdef list _NOTHING = []


cdef list _listed(object holder, str slot):
    """The objects of a slot."""
    cdef object listed = stated(holder, slot)
    return _NOTHING if listed is None else <list?>listed


cdef class ElementTexts:
    """A piece of memory in which the elements of one record after the other are written.

    The methods for objects of a list give all elements as one text, with commas between them. Where an item is none of the common ones, or
    they are wanted *apart*, they give a list: each element as a text, and None for such an item.
    """

    cdef Written _text
    cdef dict terms, units, numbers
    cdef object tissue_id
    cdef frozenset of_agents

    def __init__(self, dict terms not None, dict units not None, dict numbers not None, tissue_id, frozenset of_agents not None):
        self.terms, self.units, self.numbers, self.tissue_id, self.of_agents = terms, units, numbers, tissue_id, of_agents

    def __dealloc__(self):
        release(&self._text)

    def subject(self, record, set prefixes not None):
        """As `CommonElements.subject`."""
        cdef object birth_date = stated(record, "birth_date"), last_date = stated(record, "date_of_last_follow_up")
        cdef object birth = _day(birth_date), last = _day(last_date)
        cdef object born = stated(record, "sex_at_birth"), administrative = stated(record, "administrative_gender"), sex
        cdef object gender = stated(record, "gender_identity")
        cdef tuple of_gender
        if self.terms is None:
            raise ValueError("no elements")
        if stated(record, "vital_status") is not None or stated(record, "karyotypic_sex") is not None:
            return None
        of_gender, sex = self._term(gender), _sex(administrative if born is None else born, "GENDER" if born is None else "BIRTHSEX")
        if (birth is None and birth_date is not None) or (last is None and last_date is not None):
            return None
        if (gender is not None and of_gender is None) or (sex is None and (born is not None or administrative is not None)):
            return None
        if born is not None and administrative is not None and _sex(administrative, "GENDER") != sex:
            return None
        clear(&self._text)
        self._put_quoted(b'{"id":', 6, stated(record, "subject_id"))
        if birth is not None:
            self._put_day(b',"dateOfBirth":"', 16, birth)
            put(&self._text, b'"', 1)
        if last is not None:
            self._put_time(b',"timeAtLastEncounter":', 23, last)
        if sex:
            put(&self._text, b',"sex":"', 8)
            put_text(&self._text, sex)
            put(&self._text, b'"', 1)
        if of_gender is not None:
            self._open(b',"gender":', 10, of_gender, prefixes)
        put(&self._text, b"}", 1)
        return written(&self._text)

    def measurements(self, items, set prefixes not None, bint apart):
        """As `CommonElements.measurements`."""
        return self._elements(MEASUREMENT, items, prefixes, apart)

    def diseases(self, items, set prefixes not None, bint apart):
        """As `CommonElements.diseases`."""
        return self._elements(DISEASE, items, prefixes, apart)

    def procedures(self, items, set prefixes not None, bint apart):
        """As `CommonElements.procedures`."""
        return self._elements(PROCEDURE, items, prefixes, apart)

    def treatments(self, items, set prefixes not None, bint apart):
        """As `CommonElements.treatments`."""
        return self._elements(TREATMENT, items, prefixes, apart)

    cdef object _elements(self, Kind kind, object items, set prefixes, bint apart):
        cdef list each = [] if apart else None
        cdef Py_ssize_t start
        cdef object item
        cdef bint common
        if self.terms is None:
            raise ValueError("no elements")
        clear(&self._text)
        for item in items:
            start = self._text.size
            if start and each is None:
                put(&self._text, b",", 1)
            if kind == MEASUREMENT:
                common = self._measurement(item, prefixes)
            elif kind == DISEASE:
                common = self._disease(item, prefixes)
            elif kind == PROCEDURE:
                common = self._procedure(item, prefixes)
            else:
                common = self._treatment(item, prefixes)
            if each is not None:
                each.append(PyBytes_FromStringAndSize(self._text.at + start, self._text.size - start) if common else None)
            elif not common:
                return self._elements(kind, items, prefixes, True)
        return written(&self._text) if each is None else each

    cdef tuple _term(self, object coded):
        """(text, prefix, ...) of a coded value, None where it is not known."""
        cdef PyObject* found
        if coded is None:
            return None
        found = PyDict_GetItemWithError(self.terms, PyLong_FromVoidPtr(<void*>coded))
        return None if found is NULL else <tuple?><object>found

    cdef bint _measurement(self, object measurement, set prefixes) except -1:
        cdef Py_ssize_t size = PyDict_Size(measurement)
        cdef tuple assay, code
        cdef object day = None, quantity, unit, number
        if size != 2 and size != 3:
            return False
        assay, quantity = self._term(stated(measurement, "assay")), stated(measurement, "value")
        if size == 3:
            day = _day(stated(measurement, "date"))
        if assay is None or (size == 3 and day is None):
            return False
        if quantity is None:
            code = self._term(stated(measurement, "coded_value"))
            if code is None:
                return False
            self._open(b'{"assay":', 9, assay, prefixes)
            self._open(b',"value":{"ontologyClass":', 26, code, prefixes)
        else:
            unit, number = _kept(self.units, stated(quantity, "unit")), _kept(self.numbers, stated(quantity, "value"))
            if unit is None or number is None or stated(quantity, "comparator") is not None:
                return False
            prefixes.add("UCUM")
            self._open(b'{"assay":', 9, assay, prefixes)
            put(&self._text, b',"value":{"quantity":{"unit":', 29)
            put_text(&self._text, unit)
            put_text(&self._text, number)
            put(&self._text, b"}", 1)
        put(&self._text, b"}", 1)
        if day is not None:
            self._put_time(b',"timeObserved":', 16, day)
        put(&self._text, b"}", 1)
        return True

    cdef bint _disease(self, object diagnosis, set prefixes) except -1:
        cdef object onset_date = stated(diagnosis, "onset_date"), end_date = stated(diagnosis, "end_date")
        cdef object onset = _day(onset_date), end = _day(end_date)
        cdef object topography = stated(diagnosis, "topography"), body_site = stated(diagnosis, "body_site")
        cdef object laterality = stated(diagnosis, "laterality")
        cdef tuple term = self._term(stated(diagnosis, "disease")), site, side = self._term(laterality)
        cdef list classifications = _listed(diagnosis, "tnm_classifications"), stagings = _listed(diagnosis, "haematological_stagings")
        cdef list stages = _NOTHING, findings = _NOTHING
        if term is None or (topography is not None and body_site is not None) or not _has_only(diagnosis, _OF_DISEASES):
            return False
        site = self._term(body_site if topography is None else topography)
        if (site is None and (topography is not None or body_site is not None)) or (side is None and laterality is not None):
            return False
        if classifications or stagings:
            stages, findings = [], []
            if not self._gather_findings_of_disease(classifications, stagings, stages, findings):
                return False
        if (onset is None and onset_date is not None) or (end is None and end_date is not None):
            return False
        self._open(b'{"term":', 8, term, prefixes)
        if onset is not None:
            self._put_time(b',"onset":', 9, onset)
        if end is not None:
            self._put_time(b',"resolution":', 14, end)
        self._put_all(b',"diseaseStage":[', 17, stages, prefixes)
        self._put_all(b',"clinicalTnmFinding":[', 23, findings, prefixes)
        if topography is not None:
            self._open(b',"primarySite":', 15, site, prefixes)
        if side is not None:
            self._open(b',"laterality":', 14, side, prefixes)
        if body_site is not None:
            self._open(b',"primarySite":', 15, site, prefixes)
        put(&self._text, b"}", 1)
        return True

    cdef bint _gather_findings_of_disease(self, list classifications, list stagings, list stages, list findings) except -1:
        """Add the terms of stages and findings of TNM; False where one is not known, or may be that of a sample."""
        cdef object tnm, staging
        for tnm in classifications:
            if stated(tnm, "sample_id") is not None or not self._gather(tnm, "stage", stages):
                return False
            if not _is_pathological(tnm) and not self._gather_categories(tnm, findings):
                return False
        for staging in stagings:
            if not self._gather(staging, "stage", stages):
                return False
        return True

    def tissue(self, diagnosis, str subject_id not None, set seen not None, set prefixes not None):
        """As `CommonElements.tissue`."""
        cdef list findings = [], grades = []
        cdef object tnm, grading, coded
        cdef tuple morphology
        if self.terms is None:
            raise ValueError("no elements")
        if stated(diagnosis, "certainty") is not None or stated(diagnosis, "excluded") is not None:
            return None
        for tnm in _listed(diagnosis, "tnm_classifications"):
            if _is_pathological(tnm) and stated(tnm, "sample_id") is None and not self._gather_categories(tnm, findings):
                return None
        for grading in _listed(diagnosis, "gradings"):
            if not self._gather(grading, "grade", grades):
                return None
        if not findings and not grades:
            return b""
        coded = stated(diagnosis, "morphology")
        morphology = self._term(coded)
        if coded is not None and morphology is None:
            return None
        for grade in grades:
            if grade is not grades[0]:
                return None
        tissue_id = self.tissue_id(subject_id, diagnosis)
        if tissue_id in seen:
            return None
        seen.add(tissue_id)
        clear(&self._text)
        self._put_quoted(b'{"id":', 6, tissue_id)
        self._put_quoted(b',"individualId":', 16, subject_id)
        if morphology is not None:
            self._open(b',"histologicalDiagnosis":', 25, morphology, prefixes)
        if grades:
            self._open(b',"tumorGrade":', 14, grades[0], prefixes)
        self._put_all(b',"pathologicalTnmFinding":[', 27, findings, prefixes)
        put(&self._text, b"}", 1)
        return written(&self._text)

    cdef bint _gather(self, object holder, str slot, list gathered) except -1:
        """Add the term of what is stated in a coded slot; False where it is not known."""
        cdef object coded = stated(holder, slot)
        cdef tuple term
        if coded is None:
            return True
        term = self._term(coded)
        if term is None:
            return False
        gathered.append(term)
        return True

    cdef bint _gather_categories(self, object tnm, list findings) except -1:
        cdef str slot
        for slot in _CATEGORIES:
            if not self._gather(tnm, slot, findings):
                return False
        return True

    cdef bint _procedure(self, object procedure, set prefixes) except -1:
        cdef Py_ssize_t size = PyDict_Size(procedure)
        cdef tuple code
        cdef object start, end = None
        if size != 2 and size != 3:
            return False
        code, start = self._term(stated(procedure, "code")), _day(stated(procedure, "date"))
        if size == 3:
            end = _day(stated(procedure, "end_date"))
        if code is None or start is None or (size == 3 and end is None):
            return False
        self._open(b'{"procedure":{"code":', 21, code, prefixes)
        self._put_performed(start, end)
        put(&self._text, b"}}", 2)
        return True

    cdef bint _treatment(self, object treatment, set prefixes) except -1:
        cdef object intent = stated(treatment, "intention_to_treat"), response = stated(treatment, "response_to_treatment")
        cdef object agents = stated(treatment, "agents")
        cdef tuple of_intent = self._term(intent), of_response = self._term(response)
        if (intent is not None and of_intent is None) or (response is not None and of_response is None):
            return False
        if not (self._operation(treatment, prefixes) if agents is None else self._agent(treatment, agents, prefixes)):
            return False
        if of_intent is not None:
            self._open(b',"treatmentIntent":', 19, of_intent, prefixes)
        if of_response is not None:
            self._open(b',"responseToTreatment":', 23, of_response, prefixes)
        put(&self._text, b"}", 1)
        return True

    cdef bint _agent(self, object treatment, object agents, set prefixes) except -1:
        cdef tuple agent
        if len(<list?>agents) != 1:
            return False
        agent = self._term((<list>agents)[0])
        if agent is None or not _has_only(treatment, self.of_agents):
            return False
        self._open(b'{"treatment":{"agent":', 22, agent, prefixes)
        put(&self._text, b"}", 1)
        return True

    cdef bint _operation(self, object treatment, set prefixes) except -1:
        """What is written as one procedure: no more than one site, and one of what it is and its kind."""
        cdef object kind = stated(treatment, "type"), procedure = stated(treatment, "procedure")
        cdef object start = stated(treatment, "start_date"), end = stated(treatment, "end_date")
        cdef object first = _day(start), last = _day(end)
        cdef list sites = _listed(treatment, "sites")
        cdef tuple code, site = None
        if (kind is not None and procedure is not None) or len(sites) > 1 or not _has_only(treatment, _OF_OPERATIONS):
            return False
        code = self._term(procedure if kind is None else kind)
        if sites:
            site = self._term(sites[0])
        if code is None or (sites and site is None):
            return False
        if (first is None and (start is not None or end is not None)) or (last is None and end is not None):
            return False
        self._open(b'{"procedure":{"code":', 21, code, prefixes)
        if site is not None:
            self._open(b',"bodySite":', 12, site, prefixes)
        if first is not None:
            self._put_performed(first, last)
        put(&self._text, b"}", 1)
        return True

    cdef int _open(self, const char* name, Py_ssize_t size, tuple term, set prefixes) except -1:
        """Write *name*, which opens an element or is one of its members, and the ontology class of *term*."""
        prefixes.add(term[1])
        put(&self._text, name, size)
        return put_text(&self._text, term[0])

    cdef int _put_all(self, const char* name, Py_ssize_t size, list terms, set prefixes) except -1:
        """Write *name*, which opens an array, and the ontology classes in it; nothing where there are none."""
        cdef object term
        for term in terms:
            self._open(name, size, <tuple>term, prefixes)
            name, size = b",", 1
        return put(&self._text, b"]", 1) if terms else 0

    cdef int _put_day(self, const char* name, Py_ssize_t size, object day) except -1:
        """Write *name* and the Timestamp of a known day."""
        put(&self._text, name, size)
        put_text(&self._text, day)
        return put(&self._text, b"T00:00:00Z", 10)

    cdef int _put_time(self, const char* name, Py_ssize_t size, object day) except -1:
        """Write *name* and the TimeElement of a known day."""
        put(&self._text, name, size)
        self._put_day(b'{"timestamp":"', 14, day)
        return put(&self._text, b'"}', 2)

    cdef int _put_performed(self, object start, object end) except -1:
        """The time of a procedure: a day, or from one to another."""
        if end is None:
            return self._put_time(b',"performed":', 13, start)
        self._put_day(b',"performed":{"interval":{"start":"', 35, start)
        self._put_day(b'","end":"', 9, end)
        return put(&self._text, b'"}}', 3)

    cdef int _put_quoted(self, const char* name, Py_ssize_t size, str text) except -1:
        """Write *name* and *text* as JSON."""
        if text is None:
            raise TypeError("no text")
        put(&self._text, name, size)
        return put_json(&self._text, text, orjson.dumps)


cdef object _sex(object coded, str system):
    """The sex of a coded value, None where there is none, or it is not translated to *system*, as far as its codes are known."""
    cdef object coding
    if coded is None:
        return None
    for coding in _listed(coded, "codings"):
        if stated(coding, "system") == system:
            return _kept(<dict>_SEX_BY_SYSTEM[system], stated(coding, "code"))
    return None


cdef bint _is_pathological(object tnm) except -1:
    """Whether a classification says that a pathologist made it."""
    cdef object coded = stated(tnm, "pathology_clinical"), coding, evaluation
    if coded is None:
        return False
    for coding in _listed(coded, "codings"):
        evaluation = _kept(_EVALUATIONS, stated(coding, "code"))
        if evaluation is not None:
            return evaluation == "pathological"
    return evaluation_of(tnm) == "pathological"
