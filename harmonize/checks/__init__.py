"""The checks: rules that read a record and judge it. They never change a record and never raise for data.

`catalogue` holds the texts of all rules as data, `hub_records` the rules on hub records, `terms` those on codes,
`phenopackets` and `fhir_r4` those on target documents.
"""
