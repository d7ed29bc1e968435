"""Mutants of the 1.6 station: one deliberate defect each. What a mutant is: `conformance.reference.variants`."""
