"""Timing of steps, on a clock that stands still unless a step moves it, and on real threads."""

import queue
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measurements import timing


class Clock:
    """A wall clock and a CPU clock that only work moves."""

    def __init__(self, step_seconds, cpu_share=1.0):
        self.wall = self.cpu = 0.0
        self.step_seconds, self.cpu_share = step_seconds, cpu_share
        self.steps = self.waits = 0

    def step(self):
        self.steps += 1
        self.wall += self.step_seconds
        self.cpu += self.step_seconds * self.cpu_share

    def synchronise(self):
        self.waits += 1

    def perf_counter(self):
        return self.wall

    def process_time(self):
        return self.cpu


@pytest.fixture
def clock(monkeypatch):
    def make(*arguments):
        made = Clock(*arguments)
        monkeypatch.setattr(timing, "time", made)
        return made

    return make


def test_a_sample_is_k_steps_between_two_synchronisations(clock):
    made = clock(0.01, 1.5)
    wall, cpu = timing.sample(made.step, made.synchronise, 7)
    assert made.steps == 7
    assert made.waits == 2
    assert wall == pytest.approx(0.07)
    assert cpu == pytest.approx(0.105)


@given(st.floats(1e-6, 10), st.floats(0.001, 1))
def test_calibrated_samples_last_long_enough_and_not_much_longer(step_seconds, minimum):
    made = Clock(step_seconds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "time", made)
        k = timing.calibrate(made.step, made.synchronise, minimum)
    assert k >= 1
    assert k * step_seconds >= minimum
    assert (k - 1) * step_seconds <= 1.1 * minimum * (1 + 1e-9)
    # A trial is a quarter of a sample at least and half of one at most, unless one step is more.
    assert made.wall <= minimum + 2 * step_seconds


def test_steps_that_take_no_time_do_not_hang_the_calibration(clock):
    made = clock(0.0)
    assert timing.calibrate(made.step, made.synchronise, 0.1) >= 1 << 20


def test_calibration_waits_for_the_device(clock):
    """Steps that are only enqueued take no time; the synchronisation shows what they cost."""
    made, pending = clock(0.0), []

    def synchronise():
        made.wall += 0.001 * len(pending)
        pending.clear()

    assert timing.calibrate(lambda: pending.append(1), synchronise, 0.02) == 22


class Device:
    """Works in a thread, as asynchronous frameworks do; ``fetch`` is a true data dependency."""

    def __init__(self):
        self.queue = queue.Queue()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while (seconds := self.queue.get()) is not None:
            time.sleep(seconds)
            self.queue.task_done()

    def step(self):
        self.queue.put(0.002)

    def join(self):
        self.queue.join()

    def close(self):
        self.queue.put(None)
        self.thread.join()


@pytest.fixture
def device():
    made = Device()
    yield made
    made.close()


def test_a_missing_synchronisation_is_caught(device):
    share = timing.unsynchronised_share(device.step, lambda: None, device.join, 20)
    assert share > 0.9 > timing.SYNCHRONISATION_SLACK


def test_waiting_for_half_of_the_work_is_caught(device):
    def half():
        while device.queue.qsize() > 10:
            time.sleep(0.0005)

    share = timing.unsynchronised_share(device.step, half, device.join, 20)
    assert share > timing.SYNCHRONISATION_SLACK


def test_a_true_synchronisation_passes(device):
    share = timing.unsynchronised_share(device.step, device.join, device.join, 20)
    assert share < 0.05


def test_a_slow_fetch_alone_is_no_missing_synchronisation(device):
    def fetch():
        device.join()
        time.sleep(0.05)

    assert timing.unsynchronised_share(device.step, device.join, fetch, 5) < 0.2


def test_the_best_of_several_attempts_counts(device):
    """Foreign load only ever adds time, so one clean attempt acquits."""
    slow = iter([0.2, 0, 0.2, 0, 0, 0])

    def fetch():
        device.join()
        time.sleep(next(slow))

    # Much work, so that the little which a busy machine adds to the clean one counts for little.
    assert timing.unsynchronised_share(device.step, device.join, fetch, 100) < 0.2


def test_no_second_look_where_the_first_acquits(device):
    fetched = []

    def fetch():
        device.join()
        fetched.append(1)

    timing.unsynchronised_share(device.step, device.join, fetch, 5)
    assert len(fetched) == 2


# ----------------------------------------------------------------------------- number of samples


@pytest.mark.parametrize(
    ("samples", "seconds", "expected"),
    [
        (30, 0.0, 30),
        (30, 0.11, 30),
        (30, 0.3, 30),
        (30, 0.5, 18),  # 9 seconds are enough
        (30, 2.0, 10),  # but a third is always taken
        (30, 60.0, 10),
        (10, 0.11, 10),
        (10, 2.0, 4),
        (1, 2.0, 1),
    ],
)
def test_long_samples_are_fewer(samples, seconds, expected):
    assert timing.affordable(samples, seconds) == expected


# ------------------------------------------------------------------------------- foreign load


def test_foreign_load_is_busy_time_less_our_own(monkeypatch):
    readings = iter([(100.0, 50.0, 10.0), (110.0, 65.0, 19.0)])
    monkeypatch.setattr(timing.ForeignLoad, "_read", staticmethod(lambda: next(readings)))
    assert timing.ForeignLoad().cores() == pytest.approx((15 - 9) / 10)


@pytest.mark.parametrize(
    ("after", "cores"),
    [
        ((110.0, 55.0, 30.0), 0.0),  # clocks of different grain: never below nothing
        ((100.0, 50.0, 10.0), 0.0),  # no time has passed
        ((110.0, 50.0, 19.0), None),  # a counter that does not move while we work counts nobody
        ((110.0, 50.0, 10.0), None),
        ((110.0, 40.0, 19.0), None),
        (None, None),
    ],
)
def test_foreign_load_is_never_negative_and_may_be_unknown(monkeypatch, after, cores):
    first = None if after is None else (100.0, 50.0, 10.0)
    readings = iter([first, after])
    monkeypatch.setattr(timing.ForeignLoad, "_read", staticmethod(lambda: next(readings)))
    assert timing.ForeignLoad().cores() == cores


def test_a_counter_that_disappears_meanwhile_leaves_the_load_unknown(monkeypatch):
    readings = iter([(100.0, 50.0, 10.0), None])
    monkeypatch.setattr(timing.ForeignLoad, "_read", staticmethod(lambda: next(readings)))
    assert timing.ForeignLoad().cores() is None


@pytest.mark.skipif(timing.ForeignLoad._read() is None, reason="no /proc/stat")
def test_a_busy_neighbour_is_noticed():
    # Not a child of ours: children count as ourselves once they are waited for.
    busy = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
    try:
        time.sleep(0.1)
        load = timing.ForeignLoad()
        time.sleep(0.5)
        cores = load.cores()
    finally:
        busy.kill()
        busy.wait()
    assert cores > 0.2


@pytest.mark.skipif(timing.ForeignLoad._read() is None, reason="no /proc/stat")
def test_our_own_work_and_that_of_finished_children_is_not_foreign():
    _, _, before = timing.ForeignLoad._read()
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    _, _, between = timing.ForeignLoad._read()
    burn = "import time\nwhile time.process_time() < 0.1: pass"
    subprocess.run([sys.executable, "-S", "-c", burn], check=True)
    _, _, after = timing.ForeignLoad._read()
    assert between - before > 0.05
    assert after - between > 0.05
