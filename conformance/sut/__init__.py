"""The system under test: what it claims (`profile`) and how it is operated (`drivers`)."""
