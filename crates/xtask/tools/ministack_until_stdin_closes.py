"""Runs MiniStack until standard input closes, and takes every process of its group with it.

Whoever holds the other end may be killed without a chance to clean up; its end of the pipe closes all the same.
"""

import os
import signal
import sys
import threading


def end_with_stdin():
    while os.read(0, 4096):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


threading.Thread(target=end_with_stdin, daemon=True).start()

from ministack.app import main  # noqa: E402  (the import takes seconds, in which the pipe may close)

sys.argv = ["ministack"]
main()
