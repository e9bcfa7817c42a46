"""The GPU's own log: clocks, temperature, power, throttling, memory, through NVIDIA's NVML.

:class:`Log` polls a *source* in a thread while a worker runs. The source is NVML itself or, in
tests and for post-mortems, a recorded trace. What falls into a sample's window is summed up by the
pure function :func:`per_sample`. Drivers and cards differ in what they tell: each answer may be
missing by itself, and is then None.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import json
import operator
import os
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generator import formatting, subprocesses
from generator.catalog.loader import ROOT

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
    """One look at the GPU, in MHz, degrees Celsius, W and bytes per process id.

    The time is that of ``time.perf_counter``, the reasons are bits of :data:`THROTTLE_REASONS`, and
    ``refused`` is what the driver answered instead of what is None.
    """

    time: float
    sm_clock: float | None
    temperature: float | None
    power: float | None
    reasons: int | None
    processes: Mapping[int, int | None] | None
    refused: str = ""


@dataclass(frozen=True)
class SampleLog:
    """What the GPU did during one sample: medians, and the names of throttle reasons seen."""

    sm_clock: float | None
    temperature: float | None
    power: float | None
    throttle: tuple[str, ...] | None


@dataclass(frozen=True, eq=False)  # two of one kind are two
class Gpu:
    """A GPU, or an instance that MIG cut out of one.

    Name and memory are those of the card or of the instance, ``driver`` is a version, and
    ``bus_id`` the card's place on the PCI bus. ``CUDA_VISIBLE_DEVICES`` may name a GPU by its
    ``uuid``, which is never published. NVML knows it by ``handle``, and the whole card by ``card``.
    ``instances`` are those of a card that MIG divides, None where it does not. Where NVML cannot be
    asked, ``unlogged`` says why, and what is not logged for that; there is no handle then.
    """

    name: str | None
    driver: str | None
    memory_bytes: int | None
    uuid: str | None = None
    bus_id: str | None = None
    handle: Any = None
    card: Any = None
    instances: tuple[Gpu, ...] | None = None
    unlogged: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the GPU as a run record has it."""
        found = {"name": self.name, "driver": self.driver, "memory_bytes": self.memory_bytes}
        return found | ({"bus_id": self.bus_id} if self.bus_id else {})


def devices() -> list[dict[str, Any]]:
    """Return the GPUs that CUDA may use, as a run record has them; the first one is used."""
    return [gpu.plain() for gpu in usable()[0]]


def usable() -> tuple[list[Gpu], str]:
    """Return the GPUs that CUDA may use, the used one first; where there is none, the reason."""
    try:
        cards = _cards()
    except Exception as error:
        fault = f"NVIDIA's library cannot be used: {_said(error)}"
        found = _shown_by_cuda(os.environ.get("CUDA_VISIBLE_DEVICES"))
        gpus = [replace(gpu, unlogged=f"{fault}; {UNLOGGED}") for gpu in found]
        return gpus, "" if gpus else fault
    if not cards:
        return [], "NVIDIA's driver reports no device on this machine"
    if gpus := visible(os.environ, cards):
        if gpus[0].handle is None:
            return [], "NVIDIA's driver has lost the GPU that CUDA shows first"
        return gpus, ""
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        return [], "MIG divides the GPU, and no instance is made"
    return [], f"CUDA_VISIBLE_DEVICES={setting!r} names none of the {len(cards)} GPUs here"


UNLOGGED = (
    "clock, temperature, power, throttling and memory of the GPU are not logged "
    "(`pip install nvidia-ml-py` brings the log)"
)
"""What is said of a GPU that can be measured and not watched."""


@functools.cache
def _shown_by_cuda(setting: str | None) -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA itself shows, where NVML cannot be asked.

    A process of its own asks: ours shall hold nothing of a GPU. ``setting`` is that of
    ``CUDA_VISIBLE_DEVICES``, which CUDA reads.
    """
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:  # most machines have none: they start no process
        return ()
    variables = {**os.environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "PYTHONPATH": str(ROOT)}
    if setting is not None:
        variables["CUDA_VISIBLE_DEVICES"] = setting
    asking = [sys.executable, "-m", "measurements.cuda_driver"]
    found = json.loads(subprocesses.answer(asking, env=variables) or "[]")
    return tuple(
        Gpu(_text(one["name"]), None, one["memory_bytes"], bus_id=place and bus_id(place))
        for one in found
        for place in [one["bus_id"]]
    )


def visible(variables: Mapping[str, str], cards: Sequence[Gpu]) -> list[Gpu]:
    """Return what CUDA shows a process, in its order.

    ``CUDA_VISIBLE_DEVICES`` holds numbers or the beginnings of ids; the first one that names
    nothing ends the list, and one that comes twice empties it. Numbers are those of NVML, in the
    order of the bus: workers are told so, or CUDA would begin with the GPU that it thinks fastest.
    Of a divided card CUDA takes one instance.
    """
    setting = variables.get("CUDA_VISIBLE_DEVICES")
    if setting is None:
        found = list(cards)
    else:
        found = []
        for entry in setting.split(","):
            gpu = _named(entry.strip(), cards)
            if gpu is None:
                break
            if gpu in found:
                return []
            found.append(gpu)
    divided = [(gpu,) if gpu.instances is None else gpu.instances[:1] for gpu in found]
    return list(itertools.chain.from_iterable(divided))


def _named(entry: str, cards: Sequence[Gpu]) -> Gpu | None:
    if number := re.match(r"\+?(\d+)", entry):  # CUDA passes over what follows the digits
        return next(iter(cards[int(number[1]) :]), None)
    instances = itertools.chain.from_iterable(card.instances or () for card in cards)
    known = {"GPU-": cards, "MIG-": [*instances]}.get(entry[:4], ())
    fitting = [gpu for gpu in known if gpu.uuid and gpu.uuid.startswith(entry)]
    return fitting[0] if len(fitting) == 1 else None


def bus_id(text: str) -> str:
    """Return a PCI address as NVML and CUDA write it in one form: "0000:3b:00.0"."""
    domain, _, place = text.lower().partition(":")
    return f"{domain[-4:]:0>4}:{place}"


class _Nvml:
    """Asks NVML one thing at a time: what it refuses is None, and ``refused`` says why."""

    def __init__(self) -> None:
        import pynvml

        self.library = pynvml
        self.refused: dict[str, str] = {}

    def __call__(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self.library, f"nvml{name}")(*arguments)
        except UnicodeDecodeError as error:  # NVML answered; nvidia-ml-py could not read it
            return error.object
        except Exception as error:
            self.refused[name] = f"{name}: {_said(error)}"
            return None


def _cards() -> list[Gpu]:
    """Return every GPU in NVML's order. Raises what NVML raises at its start."""
    ask = _Nvml()
    ask.library.nvmlInit()
    count = ask.library.nvmlDeviceGetCount()
    return [_card(ask, ask("DeviceGetHandleByIndex", index)) for index in range(count)]


def _card(ask: _Nvml, handle: Any) -> Gpu:
    if handle is None:  # it is lost, and keeps its number
        return Gpu(None, None, None)
    pci = ask("DeviceGetPciInfo", handle)
    card = Gpu(
        name=_text(ask("DeviceGetName", handle)),
        driver=_text(ask("SystemGetDriverVersion")),
        memory_bytes=_memory(ask, handle),
        uuid=_text(ask("DeviceGetUUID", handle)),
        bus_id=bus_id(_text(pci.busId) or "") if pci else None,
        handle=handle,
        card=handle,
    )
    current, _ = ask("DeviceGetMigMode", handle) or (0, 0)
    if not current:
        return card
    places = range(ask("DeviceGetMaxMigDeviceCount", handle) or 0)
    handles = (ask("DeviceGetMigDeviceHandleByIndex", handle, place) for place in places)
    instances = (_instance(ask, card, one) for one in handles if one is not None)
    return replace(card, instances=tuple(instances))


def _instance(ask: _Nvml, card: Gpu, handle: Any) -> Gpu:
    name, memory = _text(ask("DeviceGetName", handle)) or "", _memory(ask, handle)
    if "MIG" not in name:
        size = f" {memory / 2**30:.1f} GiB" if memory else ""
        name = f"{card.name or 'GPU'} MIG{size}"
    uuid = _text(ask("DeviceGetUUID", handle))
    return replace(card, name=name, memory_bytes=memory, uuid=uuid, handle=handle)


def _memory(ask: _Nvml, handle: Any) -> int | None:
    found = ask("DeviceGetMemoryInfo", handle)
    return int(found.total) or None if found else None


def read_device(gpu: Gpu | None = None) -> Reading:
    """Look at a GPU now, by default at the used one. Raises what NVML raises at its start."""
    if gpu is None:
        gpus, fault = usable()
        if not gpus:
            raise LookupError(fault)
        gpu = gpus[0]
    if gpu.unlogged:
        raise LookupError(gpu.unlogged)
    ask = _Nvml()
    clock = ask("DeviceGetClockInfo", gpu.card, ask.library.NVML_CLOCK_SM)
    temperature = ask("DeviceGetTemperature", gpu.card, ask.library.NVML_TEMPERATURE_GPU)
    # Not that of the card: its instances share clocks, temperature and reasons, but not power.
    power = ask("DeviceGetPowerUsage", gpu.handle)
    # Renamed by NVML 12.2; an older driver's library knows the old name only.
    reasons = ask("DeviceGetCurrentClocksEventReasons", gpu.card)
    if reasons is None:
        reasons = ask("DeviceGetCurrentClocksThrottleReasons", gpu.card)
        if reasons is not None:
            del ask.refused["DeviceGetCurrentClocksEventReasons"]
    processes = ask("DeviceGetComputeRunningProcesses", gpu.handle)
    return Reading(
        time=time.perf_counter(),
        # No GPU works at 0 MHz or 0 W: some drivers answer so where they do not know.
        sm_clock=float(clock) if clock else None,
        temperature=None if temperature is None else float(temperature),
        power=power / 1000.0 if power else None,
        reasons=reasons,
        processes=None if processes is None else {p.pid: p.usedGpuMemory for p in processes},
        refused="; ".join(ask.refused.values()),
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
                reading = self._source()
            except LookupError as error:  # it says itself what is missing
                self.error = str(error)
                return
            except Exception as error:
                self.error = _said(error)
                return
            self.readings.append(reading)
            self.error = self.error or reading.refused or None
            self._stop.wait(self._interval)


def per_sample(
    readings: Sequence[Reading], windows: Iterable[tuple[float, float]]
) -> list[SampleLog | None]:
    """Sum up the readings within each window (start, end); None where no reading fell into it."""
    found: list[SampleLog | None] = []
    for start, end in windows:
        inside = [reading for reading in readings if start <= reading.time <= end]
        reasons = [reading.reasons for reading in inside if reading.reasons is not None]
        seen = functools.reduce(operator.or_, reasons, 0)
        throttle = tuple(name for bit, name in THROTTLE_REASONS.items() if seen & bit)
        summed = SampleLog(
            sm_clock=_median(reading.sm_clock for reading in inside),
            temperature=_median(reading.temperature for reading in inside),
            power=_median(reading.power for reading in inside),
            throttle=throttle if reasons else None,
        )
        found.append(summed if inside else None)
    return found


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def peak_memory(readings: Iterable[Reading], windows: Sequence[tuple[float, float]]) -> int | None:
    """Return the largest device memory of all processes within windows; None when unknown.

    In bytes. The worker runs alone on the device; summing spares knowing its process id inside a
    container. Where the driver keeps the memory of one process to itself, the sum is unknown.
    """
    totals = []
    for reading in readings:
        sizes = [*(reading.processes or {}).values()]
        known = [size for size in sizes if size is not None]
        inside = any(start <= reading.time <= end for start, end in windows)
        if inside and known and len(known) == len(sizes):
            totals.append(sum(known))
    return max(totals, default=None)


def _text(value: str | bytes | None) -> str | None:
    """Return a text of NVML's as printable, whatever its bytes are; None where it says nothing."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value or ""
    return formatting.INVISIBLE.sub("", text).strip() or None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
