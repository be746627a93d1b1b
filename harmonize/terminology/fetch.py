"""Fetch one file over HTTP: with resume, proxy, limits and a digest. The only module that opens a network connection.

What arrives lies beside, as `NAME.part`, until its digest is the right one. A connection that is cut is gone on with: RFC 9110, sections
13.1.5 (If-Range) and 14 (Range). Redirects are followed, from https to https only.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from harmonize.errors import CallError, InputError

CHUNK = 1 << 16
SOON = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Answers of HTTP after which another try may help."""
_ANSWERS = {
    401: "it asks for a sign-in",
    403: "it refuses",
    404: "there is nothing",
    407: "the proxy asks for a sign-in",
    410: "it is no longer there",
    451: "it refuses for legal reasons",
}
_PAGES = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class Fetching:
    """How a file is fetched."""

    max_bytes: int = 500_000_000
    proxy: str = ""
    """A proxy for all addresses; without one those of the environment (HTTPS_PROXY, NO_PROXY ...) hold."""
    attempts: int = 4
    timeout: float = 30
    """Seconds without a byte."""
    deadline: float = 3600
    """Seconds in all."""
    wait: float = 2
    """Seconds before the second attempt; twice as many before each further one."""


class _CutOffError(Exception):
    """The connection broke off; another attempt goes on from what is there."""


def fetch(address: str, target: Path, sha256: str, how: Fetching) -> Path:
    """Fetch *address* into the file *target*, whose digest is *sha256* then.

    Raises CallError for what is no address, InputError where the file cannot be had or is not the right one. What has arrived stays
    beside *target* and is gone on from by the next call, unless it was wrong.
    """
    if urlsplit(address).scheme not in ("https", "http") or not urlsplit(address).hostname:
        raise CallError(f"{address[:200]!r} is no address of http or https")
    part = _Part(target, address, sha256)
    resumed = part.size() > 0
    _fetch_whole(address, part, how)
    if part.digest() != sha256 and resumed:  # what lay there may have been of something else
        part.drop()
        _fetch_whole(address, part, how)
    found = part.digest()
    if found != sha256:
        part.drop()
        raise InputError(
            f"its SHA-256 is {found}, not {sha256}",
            file=target.name,
            fix="nothing was kept. Ask the publisher which digest is right; a release that moved has another one",
        )
    part.file.replace(target)
    part.drop()
    return target


class _Part:
    """What has arrived of a file, and which version of it that is."""

    def __init__(self, target: Path, address: str, sha256: str) -> None:
        self.file, self._state = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json")
        self._known = {"address": address, "sha256": sha256}
        self.validator = self._read_validator()
        if not self.validator:
            self.drop()

    def _read_validator(self) -> str:
        """The ETag or date of what lies there; empty where it is of another file, or nobody can tell."""
        try:
            state = json.loads(self._state.read_text("utf-8"))
        except (OSError, ValueError):
            return ""
        same = isinstance(state, dict) and self._known.items() <= state.items()
        return str(state.get("validator", "")) if same else ""

    def begin(self, validator: str) -> None:
        """Forget what lies there: *validator* is that of the version that begins to arrive."""
        self.drop()
        self.validator = validator
        self._state.write_text(json.dumps({**self._known, "validator": validator}), "utf-8")

    def size(self) -> int:
        return self.file.stat().st_size if self.file.is_file() else 0

    def digest(self) -> str:
        with self.file.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def drop(self) -> None:
        self.file.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)
        self.validator = ""


def _fetch_whole(address: str, part: _Part, how: Fetching) -> None:
    """Attempt until the file is there in the length that the server says."""
    end = time.monotonic() + how.deadline
    opener, host = _opener(how.proxy), urlsplit(address).hostname
    reason = ""
    for attempt in range(how.attempts):
        if attempt:
            time.sleep(min(how.wait * 2 ** (attempt - 1), max(0, end - time.monotonic())))
        try:
            return _fetch_once(opener, address, part, how, end)
        except _CutOffError as error:
            reason = str(error)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # what lies there is longer than what the server has
                part.drop()
                reason = "the range was refused"
            elif error.code in SOON:
                reason = f"HTTP {error.code}"
            else:
                raise _refused(host, error.code) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            inner = getattr(error, "reason", error)
            reason = "no answer in time" if isinstance(inner, TimeoutError) else type(inner).__name__
        if time.monotonic() >= end:
            break
    raise InputError(
        f"it could not be fetched from {host} ({reason})",
        fix=f"{part.size():,} bytes have arrived and are gone on from by the same call; check --proxy, or give --mirror",
    )


def _refused(host: str | None, code: int) -> InputError:
    why = _ANSWERS.get(code, "it does not give the file")
    return InputError(
        f"{host} answers HTTP {code}: {why}", fix="check the address in ontologies/sources.yaml, or give --mirror"
    )


def _fetch_once(opener: urllib.request.OpenerDirector, address: str, part: _Part, how: Fetching, end: float) -> None:
    headers = {"Accept-Encoding": "identity", "User-Agent": "harmonize"}
    there = part.size() if part.validator else 0
    if there:
        headers.update({"Range": f"bytes={there}-", "If-Range": part.validator})
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - the scheme was checked
    with opener.open(request, timeout=how.timeout) as response:
        goes_on = response.status == 206 and _starts_at(response.headers, there)
        if response.status == 206 and not goes_on:
            part.drop()
            raise _CutOffError("it answered with another range")
        if not goes_on:
            part.begin(_validator(response.headers))
            there = 0
        stated = response.headers.get("Content-Length", "")
        total = there + int(stated) if stated.isdigit() else None
        if total is not None and total > how.max_bytes:
            raise _too_large(part, how)
        if not goes_on and response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
            raise _page(part)
        with part.file.open("ab") as file:
            _copy(response, file, part, how, end)
    if part.size() < (total or 0):
        raise _CutOffError("the connection was cut")


def _copy(response: IO[bytes], file: IO[bytes], part: _Part, how: Fetching, end: float) -> None:
    size = file.tell()
    while True:
        try:
            chunk = response.read(CHUNK)
        except (http.client.IncompleteRead, OSError) as error:
            raise _CutOffError(
                "no answer in time" if isinstance(error, TimeoutError) else "the connection was cut"
            ) from None
        if not chunk:
            return
        if not size and chunk[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
            raise _page(part)
        size += len(chunk)
        if size > how.max_bytes:
            raise _too_large(part, how)
        file.write(chunk)
        if time.monotonic() > end:
            raise _CutOffError(f"not done within {how.deadline:g} s")


def _page(part: _Part) -> InputError:
    part.drop()
    fix = "a sign-in or a proxy may stand between; open the address in a browser, check --proxy, or give --mirror"
    return InputError("the server sent a page (HTML) in place of the file", file=part.file.stem, fix=fix)


def _too_large(part: _Part, how: Fetching) -> InputError:
    part.drop()
    return InputError(f"it is larger than {how.max_bytes:,} bytes", file=part.file.stem, fix="check the address")


def _validator(headers: Mapping[str, str]) -> str:
    """What If-Range takes: a strong ETag, else the date; empty where the server states none."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _starts_at(headers: Mapping[str, str], start: int) -> bool:
    return headers.get("Content-Range", "").startswith(f"bytes {start}-")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects to http and https, never from https to http."""

    def redirect_request(self, req: urllib.request.Request, *others: Any) -> urllib.request.Request | None:
        """The request that follows *req*, or an error. The last argument is the new address."""
        new = urlsplit(others[-1]).scheme
        if new not in ("http", "https") or (new == "http" and req.type == "https"):
            raise InputError("the server leads to an address that is not safe", fix="check the address")
        return super().redirect_request(req, *others)


def _opener(proxy: str) -> urllib.request.OpenerDirector:
    """HTTP and HTTPS and nothing else: no files, no FTP."""
    proxies = {"http": proxy, "https": proxy} if proxy else None
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
