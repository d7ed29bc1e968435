"""Mutants of the CSMS: one deliberate defect each. What a mutant is: `conformance.reference.variants`."""
