"""The key: made once, private, refused where others could read it or where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmonize.errors import CallError
from harmonize.pseudonyms import key_from_secret, new_key, read_key


def test_golden() -> None:
    assert (
        key_from_secret(bytes(32)).pseudonym("site-1", "subject", "50012001")
        == "5ab50da8aa7e92bdca9ea1dcaddd115295f988e2"
    )


def test_round_trip_and_privacy(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key and (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert key.secret.hex() not in repr(key)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(CallError, match="chmod 600"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33, "00" * 31 + "0"])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(CallError, match="To mend it") as error:
        read_key(tmp_path / "key")
    assert not text or text not in str(error.value)
