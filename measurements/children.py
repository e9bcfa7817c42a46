"""The one place of the measuring side that starts processes: further interpreters."""

import os
import subprocess
import sys


def start(arguments, log, **variables):
    """Start ``python arguments...`` and return the process.

    Args:
        arguments: of the interpreter that runs this.
        log: open file that gets its output and errors.
        variables: of the environment, beside those that the worker has.

    """
    environment = dict(os.environ, **variables)
    command = [sys.executable] + list(arguments)
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)


def wait(process, seconds):
    """Return the exit code of a process, or None if it had to be killed after so many seconds."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
