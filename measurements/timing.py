"""Timing of repeated steps: calibration, samples, and the proof that the device was waited for.

Nothing here knows a framework or a model. ``step`` is a function of no arguments that may return
before the device is done; ``synchronise`` returns only when it is.
"""

import math
import os
import time

MIN_SAMPLE_SECONDS = 0.1
"""A sample lasts at least this long, so that the clock's cost and grain vanish in it (pyperf)."""

SYNCHRONISATION_SLACK = 0.25
"""Share of a sample's time that may still be running after ``synchronise`` returned."""


def calibrate(step, synchronise, min_seconds=MIN_SAMPLE_SECONDS):
    """Return k, the number of steps that one sample needs to last ``min_seconds``.

    Doubles k until a trial is long enough to extrapolate from, then adds a tenth so that a
    slightly faster sample still lasts long enough.
    """
    k = 1
    while True:
        seconds, _ = sample(step, synchronise, k)
        if seconds >= min_seconds / 4 or k >= 1 << 20:
            return max(1, int(math.ceil(1.1 * k * min_seconds / max(seconds, 1e-9))))
        k *= 2


def sample(step, synchronise, k):
    """Run k steps between two synchronisations.

    Returns:
        (wall seconds, CPU seconds of this process over all threads), both for all k steps.

    """
    synchronise()
    cpu = time.process_time()
    start = time.perf_counter()
    for _ in range(k):
        step()
    synchronise()
    wall = time.perf_counter() - start
    return wall, time.process_time() - cpu


def affordable(samples, seconds, min_seconds=MIN_SAMPLE_SECONDS):
    """Return how many samples to take where one lasts ``seconds``: ``samples``, or fewer.

    What makes a process's estimate steady is the time that it looked at, so a mode whose shortest
    unit of work is long (a whole ``fit``, a scan over steps) needs fewer: as many as last three
    times as long as ``samples`` of the shortest, and at least a third of ``samples``. In our first
    full run, estimates of 1 s of samples spread by 18 % more between processes than those of 3 s.
    """
    enough = int(math.ceil(3 * samples * min_seconds / max(seconds, 1e-9)))
    return min(samples, max(enough, -(-samples // 3)))


def unsynchronised_share(step, synchronise, fetch, k, attempts=3):
    """Return the share of a sample's work that was still running when ``synchronise`` returned.

    After the sample, ``fetch`` reads the weights back to the host: a true data dependency that
    cannot return early. On an idle device it takes some time t; if it takes much longer right
    after a sample, the difference is work that ``synchronise`` did not wait for. Foreign load only
    ever adds time: a share above :data:`SYNCHRONISATION_SLACK` is looked at again, and the smallest
    of all attempts is returned.
    """
    shares = []
    for _ in range(attempts):
        if shares and min(shares) <= SYNCHRONISATION_SLACK:
            break
        wall, _ = sample(step, synchronise, k)
        start = time.perf_counter()
        fetch()
        after_work = time.perf_counter() - start
        start = time.perf_counter()
        fetch()
        idle = time.perf_counter() - start
        hidden = max(0.0, after_work - idle)
        shares.append(hidden / (wall + hidden))
    return min(shares)


class ForeignLoad:
    """CPU cores busy with other programs (or stolen by the hypervisor) over a stretch of time.

    Busy time of the whole machine from /proc/stat, less what this process and its children used.
    Reading and difference: ``load = ForeignLoad(); ...; cores = load.cores()``; ``None`` where the
    system has no /proc/stat, or one that stands still, as some sandboxes have: it counts nobody.
    """

    def __init__(self):
        self._start = self._read()

    def cores(self):
        """Return the foreign load since construction, in cores; None where it is unknown."""
        end = self._read()
        if self._start is None or end is None:
            return None
        wall, busy, own = (now - then for now, then in zip(end, self._start))
        if wall <= 0:
            return 0.0
        return max(0.0, (busy - own) / wall) if busy > 0 else None

    @staticmethod
    def _read():
        try:
            with open("/proc/stat") as stat:
                ticks = [int(word) for word in stat.readline().split()[1:]]
        except (OSError, ValueError):
            return None
        # user nice system idle iowait irq softirq steal (guest time is already within user).
        busy = sum(ticks[:3]) + sum(ticks[5:8])
        own = os.times()
        return (
            time.perf_counter(),
            busy / float(os.sysconf("SC_CLK_TCK")),
            own.user + own.system + own.children_user + own.children_system,
        )
