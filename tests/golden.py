"""The problem documents of many bad requests, in tests/golden_problems.json. Written anew by `python -m tests.golden`.

Every sentence there was read by a person. Whoever changes one sees it in the difference, and reads it again.
"""

import json
from pathlib import Path

import orjson

from service.operations.allowance import Allowance
from service.work.perform import perform
from tests.golden_cases import CASES

FILE = Path(__file__).parent / "golden_problems.json"
SHOWN = 300
"""Characters of a body that are shown beside what is said of it."""


def answer(operation, body):
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    document = orjson.loads(perform(operation, sent, Allowance()).content)
    return {
        "request": f"{operation} {sent[:SHOWN].decode('utf-8', 'replace')}{'…' * (len(sent) > SHOWN)}",
        "status": document.get("status", 200),
        "type": document.get("type", ""),
        "detail": document.get("detail", ""),
        "errors": {error["path"]: error["message"] for error in document.get("errors", ())},
    }


def answers():
    return {name: answer(*case) for name, case in CASES.items()}


if __name__ == "__main__":
    FILE.write_text(json.dumps(answers(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
