"""Add the golden bytes of one message, from its JSON; what is there already is never overwritten.

    PYTHONPATH=tests python tests/contract/wire/add_golden.py CohortAccepted first < message.json

writes `golden/CohortAccepted.first.bin`, and beside it the JSON that these bytes decode to for ever.
The JSON is protobuf's: field names as in the proto files, bytes in base64. Add one whenever a message
gains a field; the label says what is new. Bytes once committed are what somebody's topic may still
hold: they are not changed, and not removed while the version of the package lives.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from support.messages import MESSAGES

GOLDEN = Path(__file__).parent / "golden"


def decoded(message: Message) -> dict[str, Any]:
    """Return a message as JSON's values, names as in the proto files."""
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return found


def add(name: str, label: str, content: dict[str, Any], *, folder: Path = GOLDEN) -> Path:
    """Write the bytes and the JSON of a message.

    Raises:
        FileExistsError: There are golden bytes of this name and label.
    """
    message = ParseDict(content, MESSAGES[name]())
    path = folder / f"{name}.{label}.bin"
    with path.open("xb") as file:
        file.write(message.SerializeToString(deterministic=True))
    text = json.dumps(decoded(message), indent=2, sort_keys=True, ensure_ascii=False)
    path.with_suffix(".json").write_text(f"{text}\n")
    return path


def main() -> int:
    """Add one message; 1 when it is there already."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("message", choices=sorted(MESSAGES))
    parser.add_argument("label", help="what this one shows, in lower case: first, with_retry")
    arguments = parser.parse_args()
    try:
        path = add(arguments.message, arguments.label, json.load(sys.stdin))
    except FileExistsError as error:
        sys.stderr.write(f"{error.filename} is there already, and golden bytes never change\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
