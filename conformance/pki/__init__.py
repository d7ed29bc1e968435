"""The test PKI: what both ends need to know each other by, and certificates that are not good, each in one way."""

from conformance.pki.handout import hand_out
from conformance.pki.pki import OPERATOR, Pki, PkiError
from conformance.pki.recipe import Member, recipe

__all__ = ["OPERATOR", "Member", "Pki", "PkiError", "hand_out", "recipe"]
