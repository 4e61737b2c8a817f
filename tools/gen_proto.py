"""Generate the distribution dsr_contracts from proto/; with --check, say whether it is fresh."""

from __future__ import annotations

import argparse
import filecmp
import re
import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PACKAGE = PROTO / "python" / "src" / "dsr_contracts"
GENERATED = "v1"


def generate(target: Path) -> None:
    """Write the modules of every proto file into a folder."""
    sources = sorted(str(path.relative_to(PROTO)) for path in (PROTO / "dsr").rglob("*.proto"))
    arguments = ["protoc", f"-I{PROTO}", f"--python_out={target}", f"--pyi_out={target}", *sources]
    well_known = str(Path(protoc.__file__).parent / "_proto")
    if protoc.main([*arguments, f"-I{well_known}"]) != 0:
        sys.exit("protoc failed; the lines above say where")
    for module in (target / "dsr" / "v1").iterdir():
        text = re.sub(r"\bfrom dsr\.v1 import", "from dsr_contracts.v1 import", module.read_text())
        module.write_text(text)
    (target / "dsr" / "v1" / "__init__.py").write_text('"""Version 1 of the messages."""\n')


def main() -> int:
    """Generate or check; 1 when the generated modules are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh, kept = Path(folder) / "dsr" / "v1", PACKAGE / GENERATED
        names = sorted(path.name for path in fresh.iterdir())
        if check:
            kept_names = sorted(p.name for p in kept.iterdir() if p.is_file())
            _, differ, missing = filecmp.cmpfiles(fresh, kept, names, shallow=False)
            if differ or missing or kept_names != names:
                sys.stderr.write("proto/python is stale: run `make proto`\n")
                return 1
            return 0
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(fresh, kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
