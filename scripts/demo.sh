#!/bin/sh
# The demo of the README: every step is a command that you can run yourself.
set -eu
run() {
    echo "\$ harmonize $*"
    "$BIN/harmonize" "$@"
}

rm -rf "$DEMO"
mkdir -p "$DEMO"
echo "1. A key for pseudonyms, and synthetic registry records. The persons do not exist."
run key new "$DEMO/pseudonym.key"
run demo --profile eu/ern-cde --subjects "$SUBJECTS" --out "$DEMO/registry"
echo
echo "2. Conversion into the 1+MG record, FHIR R4 and Phenopackets v2."
run convert "$DEMO/registry" --profile eu/ern-cde --to hub,fhir-r4,phenopackets --out "$DEMO/converted" \
    --pseudonym-key "$DEMO/pseudonym.key" --site demo --quiet
echo
echo "3. Validation of what was written. The demo records contradict themselves here and there, as real ones do."
for format in hub fhir-r4 phenopackets; do
    run validate "$DEMO/converted" --as "$format" || true
done
echo
echo "4. The report."
run report build "$DEMO/converted"
echo
echo "Look at:"
echo "  $DEMO/registry/                              the source tables"
echo "  $DEMO/converted/fhir-r4/Observation.ndjson   one FHIR resource a line"
echo "  $DEMO/converted/phenopackets/                one phenopacket a line"
echo "  $DEMO/converted/hub/subjects.ndjson          the 1+MG records in between"
echo "  $DEMO/converted/report.html                  what became of every value, and every kind of problem"
echo "  $DEMO/converted/private/findings.ndjson      each problem with file, row and column"
