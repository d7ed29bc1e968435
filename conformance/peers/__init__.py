"""The harness's own ends of the link."""
