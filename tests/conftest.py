"""What holds for all tests of the harness."""

from hypothesis import settings

settings.register_profile("harness", deadline=None)  # a busy machine says nothing about what is tested
settings.load_profile("harness")
