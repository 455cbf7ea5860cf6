"""For processes that are started with this folder on their path: kinds of jobs that no service has.

`poison` kills the worker that does it, `crash` only its own process, `hoard` takes all memory there is.
"""

import os
import signal
import sys

if sys.argv[:1] == ["-m"]:  # as it is while a module is looked for that `python -m` will run
    from service.jobs.kinds import KINDS, Kind

    def poison(work):
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()

    def crash(work):
        os.kill(os.getpid(), signal.SIGKILL)

    def hoard(work):
        return [bytearray(2**20) for _ in range(2**20)]

    KINDS.update({work.__name__: Kind(work.__name__, lambda wire, allowance: None, work) for work in (poison, crash, hoard)})
