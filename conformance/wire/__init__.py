"""What goes over the wire: frames, schemas and transcript are pure; link and faults do the input and output."""
