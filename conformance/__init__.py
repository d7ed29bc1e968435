"""A pytest plugin that plays one end of an OCPP link and judges the other."""
