"""What the supervisor starts: `python -m service.processes.charge PARENT PIPE MODULE ARGUMENT…`.

From its first moment on it is tied to the supervisor; only then it imports what takes longer, and becomes what it is.
"""

from __future__ import annotations

import sys
from importlib import import_module

from service.processes.parent import end_with_parent


def main() -> None:
    parent, pipe, module, *arguments = sys.argv[1:]
    end_with_parent(int(parent), int(pipe))
    import_module(module).main(int(pipe), *map(int, arguments))


if __name__ == "__main__":
    main()
