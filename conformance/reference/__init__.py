"""Reference systems under test and their mutants; import nothing else of `conformance`."""
