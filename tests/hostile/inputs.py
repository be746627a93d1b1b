"""Hostile files: made on the spot, because a bomb is no data that one stores."""

from __future__ import annotations

import gzip
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import zstandard

SECRET = "Zyx00042Qvk"
"""Stands in the hostile files where a patient's value would; no message may quote it."""
HEADER = b"pid,event_id,value,valueIRI\n"
ROW = f"DEMO-00000001,1,{SECRET},http://purl.obolibrary.org/obo/NCIT_C16576\n".encode()

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
XML: dict[str, bytes] = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "{SECRET}">{_LAUGHS}]><l>&l11;</l>'.encode(),
    "quadratic": f'<!DOCTYPE a [<!ENTITY b "{"x" * 50_000}">]><a>{"&b;" * 50_000}</a>'.encode(),
    "external entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "external entity by http": b'<!DOCTYPE a [<!ENTITY b SYSTEM "http://127.0.0.1:9/x">]><a>&b;</a>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:9/x.dtd">%b;]><a/>',
    "external DTD": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
    "XInclude": b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></a>',
    "style sheet": b'<?xml-stylesheet type="text/xsl" href="http://127.0.0.1:9/x.xsl"?><a/>',
    "schema location": b'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="http://127.0.0.1:9/x"/>',
    "deep": b"<a>" * 200_000,
    "many attributes": b"<a " + b" ".join(b"a%d='x'" % n for n in range(100_000)) + b"/>",
    "FHIR": f'<Patient xmlns="http://hl7.org/fhir"><name><family value="{SECRET}"/></name></Patient>'.encode(),
    "UTF-16": '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
}
RDF: dict[str, bytes] = {
    "RDF/XML with entities": XML["billion laughs"].replace(b"<l>", b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"),
    "owl:imports": b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:owl="http://www.w3.org/2002/07/owl#">'
    b'<owl:Ontology><owl:imports rdf:resource="http://127.0.0.1:9/x.owl"/></owl:Ontology></rdf:RDF>',
    "Turtle": b"@prefix owl: <http://www.w3.org/2002/07/owl#> . <> owl:imports <http://127.0.0.1:9/x.ttl> .",
    "Turtle collection": b"<a:b> <a:c> " + b"( " * 100_000,
    "SPARQL": b"LOAD <http://127.0.0.1:9/x>",
    "N-Triples": b"<file:///etc/passwd> <http://127.0.0.1:9/x> <http://127.0.0.1:9/y> .",
}  # fmt: skip
JSON_LD: dict[str, bytes] = {
    "remote context": b'{"@context": "http://127.0.0.1:9/x.jsonld", "@id": "x"}',
    "context of a file": b'{"@context": "file:///etc/passwd"}',
    "import in a context": b'{"@context": {"@version": 1.1, "@import": "http://127.0.0.1:9/x"}}',
    "FHIR with a remote context": b'{"@context": "http://127.0.0.1:9/x", "resourceType": "Patient"}',
    "reference of a schema": b'{"$schema": "http://127.0.0.1:9/x", "$ref": "file:///etc/passwd", "resourceType": "Patient"}',
    "remote reference": b'{"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "http://127.0.0.1:9/Patient/1"}}',
}  # fmt: skip


def _patient(member: str) -> bytes:
    return f'{{"resourceType": "Patient", {member}}}'.encode()


JSON: dict[str, Callable[[], bytes]] = {
    **{f"lists {10**n} deep": (lambda n=n: b"[" * 10**n + b"]" * 10**n) for n in range(2, 7)},
    **{f"objects {10**n} deep": (lambda n=n: b'{"a":' * 10**n + b"1" + b"}" * 10**n) for n in range(2, 7)},
    **{f"extensions {n} deep": (lambda n=n: _patient('"extension":[{' * n + '"url":"x"' + "}]" * n)) for n in (40, 200, 400)},
    "open lists": lambda: b"[" * 1_000_000,
    "NaN": lambda: _patient('"x": NaN'),
    "Infinity": lambda: _patient('"x": Infinity'),
    "minus Infinity": lambda: _patient('"x": -Infinity'),
    "1e400": lambda: _patient('"multipleBirthInteger": 1e400'),
    "1e-400": lambda: _patient('"multipleBirthInteger": 1e-400'),
    "integer of 5,000 digits": lambda: _patient('"multipleBirthInteger": ' + "9" * 5_000),
    "integer of a megabyte": lambda: _patient('"multipleBirthInteger": ' + "9" * 1_000_000),
    "lone high surrogate": lambda: _patient(f'"gender": "{SECRET}\\ud800"'),
    "lone low surrogate": lambda: _patient(f'"gender": "{SECRET}\\udc00"'),
    "encoded surrogate": lambda: _patient('"gender": "') [:-1] + b"\xed\xa0\x80" + b'"}',
    "invalid UTF-8": lambda: _patient('"gender": "')[:-1] + b"\xff" + b'"}',
    "byte order mark": lambda: b"\xef\xbb\xbf" + _patient('"gender": "male"'),
    "UTF-16": lambda: _patient('"gender": "male"').decode().encode("utf-16"),
    "duplicate keys": lambda: _patient(f'"gender": "{SECRET}", "gender": "man"'),
    "single quotes": lambda: b"{'resourceType': 'Patient'}",
    "comment": lambda: b"/* x */" + _patient('"gender": "male"'),
    "trailing comma": lambda: _patient('"gender": "male",'),
    "two documents in a line": lambda: _patient('"gender": "male"') * 2,
    "NUL in a text": lambda: _patient('"gender": "\\u0000"'),
    "NUL": lambda: b"\0" * 1_000,
    "no object": lambda: b"1",
    "null": lambda: b"null",
    "text": lambda: f'"{SECRET}"'.encode(),
    "prototype": lambda: _patient('"__proto__": {"x": 1}, "__class__": "x", "constructor": 1'),
    "secret as key": lambda: _patient('"name": [{"given": 1}], "x": {"y": 1}'),
    "types of the wrong kind": lambda: b'{"resourceType": ["Patient"], "id": {"x": 1}, "contained": 1, "meta": [1]}',
    "all members of the wrong kind": lambda: _patient('"meta": 1, "contained": {"a": 1}, "extension": "x", "name": [[[]]]'),
    "components of the wrong kind": lambda: b'{"resourceType": "Observation", "component": [1, null, {"code": 7}], "category": {"coding": 1}}',
    "a million empty lists": lambda: b"[" + b"[]," * 1_000_000 + b"[]]",
    "a million small objects": lambda: b"[" + b'{"a":1},' * 1_000_000 + b"{}]",
    "five million numbers": lambda: b'{"resourceType": "Patient", "x": [' + b"1.5," * 5_000_000 + b"1]}",
    "many members": lambda: b"{" + b",".join(b'"k%d":1' % n for n in range(400_000)) + b"}",
    "many bundle entries": lambda: b'{"resourceType": "Bundle", "type": "collection", "entry": [' + b'{"resource":{"a":1}},' * 20_000 + b"{}]}",
    "a text of 16 MB": lambda: _patient('"gender": "' + "x" * 16_700_000 + '"'),
    "a text of 60 MB": lambda: _patient('"gender": "' + "x" * 60_000_000 + '"'),
    "many blank lines": lambda: b"\n" * 1_000_000,
    "many broken lines": lambda: b"{\n" * 50_000,
}  # fmt: skip


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _symlink_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("Sex.csv")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _with_flag(data: bytes, flag: int) -> bytes:
    """*data*, a zip of one member, with *flag* set in both of its headers."""
    raw = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = raw.index(mark) + place
        raw[start : start + 2] = struct.pack("<H", struct.unpack("<H", raw[start : start + 2])[0] | flag)
    return bytes(raw)


def _with_method(data: bytes, method: int) -> bytes:
    raw = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = raw.index(mark) + place
        raw[start : start + 2] = struct.pack("<H", method)
    return bytes(raw)


def _with_size(data: bytes, size: int) -> bytes:
    """*data*, a zip of one member, whose directory says that the member has *size* bytes."""
    raw = bytearray(data)
    start = raw.index(b"PK\x01\x02") + 24
    raw[start : start + 4] = struct.pack("<I", size)
    return bytes(raw)


def _gzip_of_gzip() -> bytes:
    return gzip.compress(gzip.compress(bytes(300_000_000), 1), 1)


TABLE = HEADER + ROW
ZEROS = 300_000_000
LONG_LINE = b"x" * 300_000_000
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "zip of zeros.zip": lambda: _zip({"Sex.csv": bytes(ZEROS)}),
    "zip of one long line.zip": lambda: _zip({"Sex.csv": LONG_LINE}),
    "zip of rows.zip": lambda: _zip({"Sex.csv": HEADER + b"DEMO-00000001,1,x,y\n" * 8_000_000}),
    "nested zip.zip": lambda: _zip({"Sex.csv": _zip({"Sex.csv": TABLE})}),
    "nested bomb.zip": lambda: _zip({"Sex.csv": _zip({"Sex.csv": bytes(ZEROS)})}),
    "two members.zip": lambda: _zip({"Sex.csv": TABLE, "Status.csv": TABLE}),
    "many members.zip": lambda: _zip({f"{n}.csv": b"" for n in range(30_000)}, zipfile.ZIP_STORED),
    "member above.zip": lambda: _zip({"../../Sex.csv": b"x"}),
    "absolute member.zip": lambda: _zip({"/etc/Sex.csv": b"x"}),
    "member with a drive.zip": lambda: _zip({"C:\\Sex.csv": b"x"}),
    "member with a NUL.zip": lambda: _zip({"Sex.csv\0.exe": b"x"}),
    "symlink.zip": _symlink_zip,
    "encrypted.zip": lambda: _with_flag(_zip({"Sex.csv": TABLE}), 0x1),
    "strongly encrypted.zip": lambda: _with_flag(_zip({"Sex.csv": TABLE}), 0x41),
    "patched data.zip": lambda: _with_flag(_zip({"Sex.csv": TABLE}), 0x20),
    "unknown method.zip": lambda: _with_method(_zip({"Sex.csv": TABLE}), 97),
    "bzip2.zip": lambda: _zip({"Sex.csv": TABLE}, zipfile.ZIP_BZIP2),
    "lzma.zip": lambda: _zip({"Sex.csv": TABLE}, zipfile.ZIP_LZMA),
    "lzma that is none.zip": lambda: _with_method(_zip({"Sex.csv": TABLE}), 14),
    "wrong size.zip": lambda: _with_size(_zip({"Sex.csv": TABLE}), 5),
    "wrong checksum.zip": lambda: _zip({"Sex.csv": TABLE}, zipfile.ZIP_STORED).replace(b"DEMO", b"XXXX"),
    "empty zip.zip": lambda: _zip({}),
    "only folders.zip": lambda: _zip({"Sex/": b""}),
    "cut off.zip": lambda: _zip({"Sex.csv": TABLE})[:-30],
    "no zip.zip": lambda: TABLE,
    "empty.zip": lambda: b"",
    "only its end.zip": lambda: b"PK\x05\x06" + bytes(18),
    "gz of zeros.gz": lambda: gzip.compress(bytes(ZEROS), 1),
    "gz of one long line.gz": lambda: gzip.compress(LONG_LINE, 1),
    "gz of quotes that run on.gz": lambda: gzip.compress(HEADER + b'a","\n' * 3_000_000, 1),
    "gz of gz.gz": _gzip_of_gzip,
    "cut off.gz": lambda: gzip.compress(HEADER + ROW * 5_000)[:-300],
    "cut off in its header.gz": lambda: gzip.compress(TABLE)[:5],
    "wrong checksum.gz": lambda: gzip.compress(TABLE)[:-8] + bytes(8),
    "broken inside.gz": lambda: gzip.compress(HEADER + ROW * 5_000)[:60] + b"\xff" * 60 + gzip.compress(TABLE),
    "rubbish behind.gz": lambda: gzip.compress(TABLE) + b"rubbish",
    "no gz.gz": lambda: TABLE,
    "empty.gz": lambda: b"",
    "zst of zeros.zst": lambda: zstandard.compress(bytes(ZEROS)),
    "zst of one long line.zst": lambda: zstandard.compress(LONG_LINE),
    "zst with a huge window.zst": lambda: bytes.fromhex("28b52ffd00b8") + b"\x01\x00\x00",
    "zst cut off.zst": lambda: zstandard.compress(HEADER + ROW * 5_000)[:-40],
    "no zst.zst": lambda: TABLE,
    "empty.zst": lambda: b"",
}

CSV: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "blank lines": lambda: b"\n" * 100,
    "header only": lambda: HEADER,
    "NULs": lambda: b"\0" * 100_000,
    "NUL in the header": lambda: b"pid\0,value\n1,2\n",
    "NUL in a cell": lambda: HEADER + ROW.replace(b"Zyx", b"Z\0x"),
    "quote open in the header": lambda: b'pid,"value\n' + ROW * 10,
    "quote open in the first row": lambda: HEADER + b'DEMO-00000001,"1,' + ROW * 100,
    "quote open in each row": lambda: HEADER + b'DEMO-00000001,"1\n' * 2_000,
    "quotes that run on": lambda: HEADER + b'a","\n' * 2_000_000,
    "quote open and a megabyte": lambda: HEADER + b'"' + (b"x" * 99 + b"\n") * 20_000,
    "many rows of one subject": lambda: HEADER + ROW * 30_000,
    "three quotes": lambda: HEADER + b'"""\n' * 100_000,
    "text behind a quote": lambda: HEADER + b'"a"b,1,2,3\n' * 1_000,
    "cell one character too long": lambda: HEADER + b"x" * 1_000_001 + b",1,2,3\n" + ROW,
    "cell at the limit": lambda: HEADER + b"DEMO-00000001,1," + b"x" * 1_000_000 + b",3\n",
    "line too long": lambda: HEADER + b"x," * 3_000_000 + b"\n",
    "header too long": lambda: b"x," * 3_000_000 + b"\n",
    "10,000 columns": lambda: b"pid," + b",".join(b"c%d" % n for n in range(9_999)) + b"\n",
    "10,000 cells in a row": lambda: HEADER + b"x," * 10_000 + b"\n",
    "ragged": lambda: HEADER + b"DEMO-00000001\nDEMO-00000001,1,2,3,4,5\n,\n",
    "mixed encodings": lambda: HEADER + b"DEMO-00000001,1,\xe9t\xe9,x\nDEMO-00000002,1,\xc3\xa9,x\n",
    "latin-1 header": lambda: b"pid,value,gr\xf6\xdfe\n1,2,3\n",
    "UTF-16 with mark": lambda: TABLE.decode().encode("utf-16"),
    "UTF-16 without mark": lambda: TABLE.decode().encode("utf-16-le"),
    "UTF-32 big endian": lambda: b"\x00\x00\xfe\xff" + TABLE.decode().encode("utf-32-be"),
    "two byte order marks": lambda: b"\xef\xbb\xbf" * 2 + TABLE,
    "formulas": lambda: HEADER + b"".join(b"DEMO-0000000%d,1,%s,x\n" % (n, f) for n, f in enumerate((b"=cmd|' /C calc'!A0", b"+1+1", b"-1+1", b"@SUM(1)", b'"\t=1"', b"=HYPERLINK(1)"))),
    "formulas in the header": lambda: b"pid,=cmd|' /C calc'!A0,@x,value\n1,2,3,4\n",
    "terminal escapes": lambda: b"pid,\x1b]0;owned\x07,value\n\x1b[2J,\x1b[31m,x\n",
    "carriage returns": lambda: TABLE.replace(b"\n", b"\r"),
    "column twice": lambda: b"pid,value,value\n1,2,3\n",
    "wrong delimiter": lambda: TABLE.replace(b",", b";"),
    "no subject column": lambda: TABLE.replace(b"pid", b"PID"),
    "subjects without name": lambda: HEADER + b",1,2,3\n" * 1_000,
    "subject that is a path": lambda: HEADER + b"../../../etc/passwd,1,2,3\n",
    "subject of a megabyte": lambda: HEADER + b"9" * 999_999 + b",1,2,3\n",
    "SQLite": lambda: b"SQLite format 3\0" + bytes(4_096),
    "Excel": lambda: _zip({"xl/workbook.xml": b"<workbook/>", "[Content_Types].xml": b"<x/>"}),
    "old Excel": lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512),
    "PDF": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "Parquet": lambda: b"PAR1" + bytes(64) + b"PAR1",
    "all bytes": lambda: bytes(range(256)) * 10,
    "JSON": lambda: json.dumps({"pid": SECRET}).encode(),
    **{f"XML: {name}": (lambda data=data: data) for name, data in {**XML, **RDF, **JSON_LD}.items()},
}  # fmt: skip


def put(folder: Path, name: str, data: bytes) -> Path:
    """*data* as the file *name* of *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path
