"""Pure judgement over a transcript or a model."""
