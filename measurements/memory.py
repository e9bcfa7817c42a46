"""Host memory of this process, from Linux's /proc, and what files take; bytes throughout."""

import os


def reset_peak():
    """Start a new peak of the resident set size; return False where the system cannot.

    Writing 5 to clear_refs resets VmHWM to the present size (proc(5)).
    """
    try:
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
    except OSError:
        return False
    return True


def resident():
    """Return the resident set size in bytes, or None where it is unknown."""
    return _status("VmRSS")


def peak():
    """Return the peak resident set size since :func:`reset_peak`, or None where unknown."""
    return _status("VmHWM")


def on_disk(path):
    """Return the bytes of a file, or of all files below a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(
        os.path.getsize(os.path.join(place, name))
        for place, _, names in os.walk(path)
        for name in names
    )


def _status(name):
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
