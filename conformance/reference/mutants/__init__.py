"""Mutants of the 2.0.1 station: one deliberate defect each. What a mutant is: `conformance.reference.variants`."""
