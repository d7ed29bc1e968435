"""The test PKI: what both ends need to know each other by, and certificates that are not good, each in one way."""

from conformance.pki.pki import Pki, PkiError
from conformance.pki.recipe import Member, recipe

__all__ = ["Member", "Pki", "PkiError", "recipe"]
