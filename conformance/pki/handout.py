"""What a commissioning engineer is handed: the folder of a PKI, and a README that says what goes where."""

import datetime as dt
from pathlib import Path
from string import Template

from conformance.pki.pki import Pki


def hand_out(pki: Pki, folder: Path) -> Path:
    """Write everything that has to be installed at a system under test; returns the README. Raises PkiError."""
    pki.save(folder)
    template = Template(Path(__file__).with_name("handout.md.tmpl").read_text(encoding="utf-8"))
    host = pki.hosts[0]
    text = template.substitute(
        identity=pki.identity,
        serial=pki.serial,
        operator=pki.operator,
        hosts=", ".join(f"`{each}`" for each in pki.hosts),
        host=f"[{host}]" if ":" in host else host,
        folder=folder.resolve().as_posix(),
        made=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        ends=f"{pki.good_until:%Y-%m-%d}",
    )
    readme = folder / "README.md"
    readme.write_text(text, encoding="utf-8")
    return readme
