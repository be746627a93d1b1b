"""The command line. One file per verb, no logic: a verb reads its options, calls the library, prints the answer."""
