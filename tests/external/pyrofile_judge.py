"""Run in the environment of pyrofile-validator: judge resources, write the errors. It prints noise on stdout, so to a file."""

import contextlib
import io
import json
import sys

# Extensions of mCODE STU 3 (hl7.fhir.us.mcode, CC0) that the writers use; its package is not in the reduced R4 definitions of this judge.
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
OF_OTHER_PACKAGES = tuple(
    MCODE + name
    for name in (
        "mcode-laterality-qualifier",
        "mcode-radiotherapy-modality-and-technique",
        "mcode-radiotherapy-dose-delivered-to-volume",
    )
)


def main() -> None:
    resources, package, verdict = sys.argv[1:4]
    from pyrofile_validator import Validator
    from pyrofile_validator.config import ValidatorConfig

    config = {"fhirVersion": "4.0.1", "terminology": {"mode": "local"}, "localPackagePaths": [package]}
    errors, judged = [], 0
    with contextlib.redirect_stdout(io.StringIO()):
        validator = Validator(ValidatorConfig.load_dict(config))
        for line in open(resources):
            resource = json.loads(line)
            judged += 1
            for error in validator.validate_resource(resource).errors:
                # A primitive that holds an extension alone is there (FHIR R4, ele-1: a value or children); this judge misses it.
                if str(error.code) == "cardinality.min" and f"_{str(error.path).rpartition('.')[2]}" in resource:
                    continue
                if str(error.code) == "extension.unknown" and any(
                    f" {url} " in str(error.message) for url in OF_OTHER_PACKAGES
                ):
                    continue
                errors.append([resource["resourceType"], str(error.path), str(error.code), str(error.message)])
    json.dump({"judged": judged, "errors": errors}, open(verdict, "w"))


if __name__ == "__main__":
    main()
