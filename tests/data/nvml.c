/* Answers as NVIDIA's libnvidia-ml.so.1 does, for tests without a GPU.

   CARDS says how many of the cards below there are. Other macros take something away, or add what
   only some drivers have; tests/integration/test_gpu_driver.py builds one library for each kind. */

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef CARDS
#define CARDS 1
#endif

enum {
    SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15, LIB_RM_VERSION_MISMATCH = 18
};

typedef struct {
    const char *name, *uuid, *bus_id;
    unsigned long long memory;
    unsigned clock, instance;
} Device;

static Device cards[] = {
#ifdef ODD_NAME
    {"Gr\xfc" "n \x1b[31mGPU\xff", "GPU-aaaa1111-0000", "00000000:3B:00.0", 8ULL << 30, 1000, 0},
#else
    {"NVIDIA Example One", "GPU-aaaa1111-0000", "00000000:3B:00.0", 8ULL << 30, 1000, 0},
#endif
    {"NVIDIA Example Two", "GPU-bbbb2222-0000", "00000000:AF:00.0", 16ULL << 30, 2000, 0},
};

static Device instances[] = {
    {"NVIDIA Example One MIG 1g.2gb", "MIG-cccc3333-0000", "", 2ULL << 30, 0, 1},
    {"NVIDIA Example One MIG 2g.4gb", "MIG-dddd4444-0000", "", 4ULL << 30, 0, 2},
};

static int text(const char *said, char *out, unsigned size) {
    snprintf(out, size, "%s", said);
    return SUCCESS;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
#ifdef MISMATCH
    return LIB_RM_VERSION_MISMATCH;
#else
    return SUCCESS;
#endif
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

const char *nvmlErrorString(int code) {
    return code == LIB_RM_VERSION_MISMATCH ? "Driver/library version mismatch" : "Not Supported";
}

int nvmlSystemGetDriverVersion(char *out, unsigned size) { return text("999.1", out, size); }

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = CARDS;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
#ifdef FIRST_IS_LOST
    if (index == 0) return GPU_IS_LOST;
#endif
    *device = &cards[index];
    return index < CARDS ? SUCCESS : INVALID_ARGUMENT;
}

int nvmlDeviceGetName(Device *device, char *out, unsigned size) {
    return text(device->name, out, size);
}

int nvmlDeviceGetUUID(Device *device, char *out, unsigned size) {
    return text(device->uuid, out, size);
}

#ifndef NO_BUS
int nvmlDeviceGetPciInfo_v3(Device *device, struct {
    char legacy[16];
    unsigned numbers[5];
    char bus_id[32];
} *info) {
    memset(info, 0, sizeof *info);
    return device->instance ? NOT_SUPPORTED : text(device->bus_id, info->bus_id, 32);
}
#endif

int nvmlDeviceGetMemoryInfo(Device *device, unsigned long long memory[3]) {
#ifdef NO_MEMORY
    return NOT_SUPPORTED;
#else
    memory[0] = memory[1] = device->memory;
    return SUCCESS;
#endif
}

int nvmlDeviceGetClockInfo(Device *device, unsigned kind, unsigned *clock) {
#ifdef NO_CLOCK
    return NOT_SUPPORTED;
#else
    *clock = device->clock;
    return kind == 1 && !device->instance ? SUCCESS : INVALID_ARGUMENT;
#endif
}

int nvmlDeviceGetTemperature(Device *device, unsigned sensor, unsigned *degrees) {
    *degrees = 40;
    return sensor == 0 && !device->instance ? SUCCESS : INVALID_ARGUMENT;
}

int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts) {
#ifdef NO_POWER
    return NOT_SUPPORTED;
#else
    *milliwatts = 100000;
    return device->instance ? NOT_SUPPORTED : SUCCESS;
#endif
}

#ifndef OLD
int nvmlDeviceGetCurrentClocksEventReasons(Device *device, unsigned long long *reasons) {
    *reasons = 4;
    return device->instance ? INVALID_ARGUMENT : SUCCESS;
}
#endif

int nvmlDeviceGetCurrentClocksThrottleReasons(Device *device, unsigned long long *reasons) {
    *reasons = 8;
    return device->instance ? INVALID_ARGUMENT : SUCCESS;
}

typedef struct {
    unsigned pid;
    unsigned long long memory;
    unsigned instance, part;
} Process;

int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, Process *processes) {
#ifdef NO_PROCESSES
    return NO_PERMISSION;
#else
    unsigned room = *count;
    *count = 1;
    if (room < 1) return INSUFFICIENT_SIZE;
    processes[0] = (Process){7, device->memory / 2, device->instance, 0};
#ifdef NO_SIZES
    processes[0].memory = ~0ULL; /* NVML_VALUE_NOT_AVAILABLE */
#endif
    return SUCCESS;
#endif
}

#ifdef MIG
int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending) {
    *current = *pending = 1;
    return device->instance ? INVALID_ARGUMENT : SUCCESS;
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, unsigned *count) {
    (void)device;
    *count = 7;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned index, Device **instance) {
    (void)device;
    *instance = &instances[index];
    return index < MIG ? SUCCESS : NOT_FOUND;
}
#endif
