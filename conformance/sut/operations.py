"""What a driver of a CSMS may know, by name."""

OPERATIONS = (
    "command",
    "add_token",
    "block_token",
    "expire_token",
    "remove_token",
    "provision_station",
    "remove_station",
    "set_password",
    "set_registration",
    "read_station",
    "read_token",
    "read_transactions",
)
"""Every operation that a driver may know; `command` stands for every action that a CSMS can call."""

ANY = "any"
"""Stands for every OCPP action that has no request of its own in a profile."""
