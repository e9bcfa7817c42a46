"""What CUDA's driver says of the GPUs, asked through its library: it answers every framework alike.

Run as ``python -m measurements.cuda_driver``, prints a JSON list of the GPUs that CUDA shows.
"""

import contextlib
import ctypes
import json

_TEXT = 256
"""Bytes of a name, the end included."""


_CAPABILITY_MAJOR = 75
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR of cuda.h."""


def _driver():
    """Return the driver's library, ready to be asked, or None; raises ``OSError`` without one."""
    cuda = ctypes.CDLL("libcuda.so.1")
    return None if cuda.cuInit(0) else cuda


def bus_id():
    """Return where the GPU of this process is on the PCI bus, None where CUDA does not tell.

    To be asked when all is measured. Where this thread has no context, the GPU is the first one
    that CUDA shows.
    """
    try:
        cuda, device = _driver(), ctypes.c_int()
        if cuda is None:
            return None
        if cuda.cuCtxGetDevice(ctypes.byref(device)) and cuda.cuDeviceGet(ctypes.byref(device), 0):
            return None
        return _place(cuda, device)
    except (AttributeError, OSError, UnicodeDecodeError):
        return None


def generation():
    """Return the major number of the first GPU's compute capability, None where it is unknown."""
    device, major = ctypes.c_int(), ctypes.c_int()
    with contextlib.suppress(AttributeError, OSError):
        cuda = _driver()
        if cuda is None or cuda.cuDeviceGet(ctypes.byref(device), 0):
            return None
        if not cuda.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, device):
            return major.value
    return None


def devices():
    """Return the GPUs that CUDA shows, in its order: name, bytes of memory, place on the PCI bus.

    Each of these is None where CUDA does not tell.
    """
    count = ctypes.c_int()
    try:
        cuda = _driver()
        if cuda is None or cuda.cuDeviceGetCount(ctypes.byref(count)):
            return []
        return [_device(cuda, number) for number in range(count.value)]
    except (AttributeError, OSError, UnicodeDecodeError):
        return []


def _device(cuda, number):
    device, name, size = ctypes.c_int(), ctypes.create_string_buffer(_TEXT), ctypes.c_size_t()
    cuda.cuDeviceGet(ctypes.byref(device), number)
    named = not cuda.cuDeviceGetName(name, _TEXT, device)
    sized = not cuda.cuDeviceTotalMem_v2(ctypes.byref(size), device)
    return {
        "name": name.value.decode("utf-8", "backslashreplace") if named else None,
        "memory_bytes": size.value if sized else None,
        "bus_id": _place(cuda, device),
    }


def _place(cuda, device):
    text = ctypes.create_string_buffer(32)
    return None if cuda.cuDeviceGetPCIBusId(text, 32, device) else text.value.decode("ascii")


if __name__ == "__main__":
    print(json.dumps(devices()))
