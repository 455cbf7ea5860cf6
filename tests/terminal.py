"""The command line on a terminal of 80 columns."""

import fcntl
import os
import struct
import subprocess
import sys
import termios

from tests.serving import PATIENCE, environment


def on_a_terminal(*arguments, folder=None, program=None, **variables):
    """The status of a command, and what it draws, with nothing but \\n between lines."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    variables = environment(**{"TERM": "xterm-256color", **variables})
    variables.pop("COLUMNS", None)  # which would win over the terminal's own
    command = [program] if program else [sys.executable, "-m", "service"]
    process = subprocess.Popen([*command, *arguments], env=variables, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            some = os.read(ours, 65_536)
        except OSError:  # as Linux says that nobody writes there any more
            break
        if not some:  # as others say it
            break
        drawn += some
    os.close(ours)
    return process.wait(PATIENCE), drawn.decode().replace("\r\n", "\n")
