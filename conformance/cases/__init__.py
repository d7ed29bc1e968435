"""What a case is and what it earns: cases, requirements, findings, verdicts, plans, grades."""
