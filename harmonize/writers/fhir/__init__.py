"""Writers of HL7 FHIR. `r4` writes FHIR R4 (4.0.1); R5 is planned and refused by name until it is there."""
