"""The GPU's own log: clocks, temperature, power, throttling, memory, through NVIDIA's NVML.

:class:`Log` polls a *source* in a thread while a worker runs. The source is NVML itself or, in
tests and for post-mortems, a recorded trace. What falls into a sample's window is summed up by the
pure function :func:`per_sample`.
"""

from __future__ import annotations

import functools
import operator
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# nvmlClocksEventReasons that mean the GPU ran slower than asked: power cap, hardware slowdown,
# software and hardware thermal slowdown, power brake (NVML API reference, "Clocks Event Reasons").
THROTTLE_REASONS = {
    0x0000000000000004: "power cap",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000020: "software thermal slowdown",
    0x0000000000000040: "hardware thermal slowdown",
    0x0000000000000080: "power brake",
}


@dataclass(frozen=True)
class Reading:
    """One look at the GPU; ``time`` is ``time.perf_counter``, memory in bytes per process id."""

    time: float
    sm_clock: float
    temperature: float
    power: float
    reasons: int
    processes: dict[int, int]


@dataclass(frozen=True)
class SampleLog:
    """What the GPU did during one sample; medians, and the names of throttle reasons seen."""

    sm_clock: float
    temperature: float
    power: float
    throttle: tuple[str, ...]


def devices() -> list[dict[str, Any]]:
    """Return name, driver and memory of each GPU; empty where there is none or no NVML."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        return []
    count = pynvml.nvmlDeviceGetCount()
    return [
        {
            "name": _text(pynvml.nvmlDeviceGetName(handle)),
            "driver": _text(pynvml.nvmlSystemGetDriverVersion()),
            "memory_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
        }
        for handle in map(pynvml.nvmlDeviceGetHandleByIndex, range(count))
    ]


def read_device(index: int = 0) -> Reading:
    """Look at one GPU now. Raises what NVML raises."""
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    # Renamed by NVML 12.2; an older driver's library knows the old name only.
    name = "nvmlDeviceGetCurrentClocksEventReasons"
    if not hasattr(pynvml, name):
        name = "nvmlDeviceGetCurrentClocksThrottleReasons"
    reasons = getattr(pynvml, name)
    processes = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    return Reading(
        time=time.perf_counter(),
        sm_clock=float(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)),
        temperature=float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU)),
        power=pynvml.nvmlDeviceGetPowerUsage(handle) / 1000.0,
        reasons=int(reasons(handle)),
        processes={p.pid: int(p.usedGpuMemory or 0) for p in processes},
    )


class Log:
    """Polls a source in a thread: ``with Log(read_device) as log: ...; log.readings``."""

    def __init__(self, source: Callable[[], Reading], interval: float = 0.05) -> None:
        self._source, self._interval = source, interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self.readings: list[Reading] = []
        self.error: str | None = None

    def __enter__(self) -> Log:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _poll(self) -> None:
        while not self._stop.is_set():
            try:
                self.readings.append(self._source())
            except Exception as error:
                self.error = f"{type(error).__name__}: {error}"
                return
            self._stop.wait(self._interval)


def per_sample(
    readings: Sequence[Reading], windows: Iterable[tuple[float, float]]
) -> list[SampleLog | None]:
    """Sum up the readings within each window (start, end); None where no reading fell into it."""
    return [
        _sum_up([reading for reading in readings if start <= reading.time <= end])
        for start, end in windows
    ]


def _sum_up(inside: Sequence[Reading]) -> SampleLog | None:
    if not inside:
        return None
    seen = functools.reduce(operator.or_, (reading.reasons for reading in inside))
    return SampleLog(
        sm_clock=statistics.median(reading.sm_clock for reading in inside),
        temperature=statistics.median(reading.temperature for reading in inside),
        power=statistics.median(reading.power for reading in inside),
        throttle=tuple(name for bit, name in THROTTLE_REASONS.items() if seen & bit),
    )


def peak_memory(readings: Iterable[Reading]) -> int | None:
    """Return the largest device memory of all processes together, in bytes; None when unknown.

    The worker runs alone on the device; summing spares knowing its process id inside a container.
    """
    totals = [sum(reading.processes.values()) for reading in readings if reading.processes]
    return max(totals, default=None)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
