"""What all tests share: no network, the sample data of ../shared where it is there, synthetic registries."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.registry import Registry, make_registry
from tests.shared_data import SHARED

pytest_plugins = ["tests.sentinel_plugin"]
_guarded = {"on": False, "loopback": False}
NO_FOLDER = "/nonexistent/harmonize-terminologies"
"""The user's folder of terminologies in every test: the developer's own is never read."""
os.environ["HARMONIZE_TERMINOLOGIES"] = NO_FOLDER
os.environ["HARMONIZE_CACHE"] = ""


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook cannot be removed, so it looks at a switch. Unix sockets stay allowed: worker processes use them."""
    if not _guarded["on"] or event not in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        return
    address = arguments[1] if event != "socket.getaddrinfo" else arguments[0]
    if _guarded["loopback"] and (address[0] if isinstance(address, tuple) else address) == "127.0.0.1":
        return
    if not isinstance(address, str | bytes) or event == "socket.getaddrinfo":
        raise RuntimeError(f"network in a test: {event}")


sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def no_network() -> object:
    """Any network call inside a test fails it."""
    _guarded["on"] = True
    yield
    _guarded["on"] = False


@pytest.fixture
def loopback() -> object:
    """A server of the test's own may be reached, at 127.0.0.1 and nowhere else."""
    _guarded["loopback"] = True
    yield
    _guarded["loopback"] = False


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No option of the developer's environment reaches a test."""
    for name in [name for name in os.environ if name.startswith("HARMONIZE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", NO_FOLDER)
    monkeypatch.setenv("HARMONIZE_CACHE", "")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Forty synthetic subjects in tables that a test may damage."""
    return make_registry(tmp_path / "registry")


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A path below ../shared; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs {path}, which is not on this machine")
        return path

    return find
