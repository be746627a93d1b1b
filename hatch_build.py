"""Compiles the extensions of the inner loop while harmonize is installed or a wheel is built. Without a compiler they are left out.

`harmonize/extensions.py` says what they are for. HARMONIZE_PURE_PYTHON=1 leaves them out on purpose: the wheel then serves every machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_ARGUMENTS = ["-g0"] if os.name == "posix" else []
_DIRECTIVES = {"language_level": 3, "annotation_typing": False}


class Extensions(BuildHookInterface):
    """Builds every `*.pyx`."""

    scratch: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files of the wheel are taken; an editable installation finds the binaries beside their sources."""
        root = Path(self.root)
        if version == "editable":
            _remove_binaries(root)
        if self.target_name != "wheel" or os.environ.get("HARMONIZE_PURE_PYTHON"):
            return
        self.scratch = Path(tempfile.mkdtemp(prefix="harmonize-build-"))
        places = self._places(root, self.scratch)
        if version == "editable":
            for place, binary in places.items():
                shutil.copyfile(binary, root / place)
        elif places:
            build_data["force_include"].update({str(binary): place for place, binary in places.items()})
            build_data["pure_python"], build_data["infer_tag"] = False, True

    def _places(self, root: Path, scratch: Path) -> dict[str, Path]:
        """Place in the package -> binary. What cannot be compiled is left out and said: all of it is there in Python too."""
        places = {}
        for source in sorted((root / "harmonize").rglob("*.pyx")):
            module = ".".join(source.relative_to(root).with_suffix("").parts)
            try:
                binary = _compiled(root, source, module, scratch / module)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - no compiler, no headers
                self.app.display_warning(f"{module} is not compiled here: {type(error).__name__}: {error}")
            else:
                places[str(source.relative_to(root).with_name(binary.name))] = binary
        return places

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made on the way."""
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


def _remove_binaries(root: Path) -> None:
    """Remove what was built of earlier sources; a process that runs keeps what it has loaded."""
    for path in (root / "harmonize").rglob(f"*{sysconfig.get_config_var('EXT_SUFFIX')}"):
        with contextlib.suppress(OSError):
            path.unlink()


def _headers_of_lxml() -> list[str]:
    """The headers of lxml and of the libxml2 that it was built with; without them only what walks XML is not compiled."""
    try:
        import lxml
    except ImportError:
        return []
    folders: list[str] = lxml.get_include()
    return folders


def _compiled(root: Path, source: Path, module: str, scratch: Path) -> Path:
    """The binary of *module*, in the folder *scratch*."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    before = Path.cwd()
    os.chdir(root)  # Cython keeps the folders of sources below its own
    try:
        stated = Extension(
            module,
            [str(source.relative_to(root))],
            include_dirs=_headers_of_lxml(),
            extra_compile_args=_ARGUMENTS,
        )
        extensions = cythonize([stated], build_dir=str(scratch / "c"), compiler_directives=_DIRECTIVES, quiet=True)
        command = build_ext(Distribution({"name": "harmonize", "ext_modules": extensions}))
        command.build_lib, command.build_temp = str(scratch / "lib"), str(scratch / "temp")
        command.ensure_finalized()
        command.run()
        return Path(command.get_ext_fullpath(module)).resolve()
    finally:
        os.chdir(before)
