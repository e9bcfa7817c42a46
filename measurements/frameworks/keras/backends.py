"""What Keras leaves to its back ends: device, threads, precision, caches, waiting, memory."""

import os
import shutil

from measurements.contract import Unsupported


class Timeless:
    """A back end without events of the device."""

    def mark(self):
        """Say so."""
        raise Unsupported("the back end offers no events of the device")


class TensorFlow(Timeless):
    """Keras on TensorFlow."""

    name = "tensorflow"

    def __init__(self, settings):
        import tensorflow as tf

        self.tf = tf
        # Before the first operation: afterwards the pools exist and cannot be changed.
        inter_op = settings.options.get("inter_op", settings.threads)
        tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
        tf.config.threading.set_inter_op_parallelism_threads(inter_op)
        if settings.device == "cuda":
            gpus = tf.config.list_physical_devices("GPU")
            if not gpus:
                raise Unsupported("TensorFlow sees no GPU, or was built without CUDA")
            tf.config.set_visible_devices(gpus[:1], "GPU")
            # By default TensorFlow takes the whole memory at once, and nothing can be said of it.
            tf.config.experimental.set_memory_growth(gpus[0], not settings.preallocate)
            if settings.deterministic:
                tf.random.set_seed(0)  # without one, random numbers are refused then
                tf.config.experimental.enable_op_determinism()
        # On by default: float32 would silently mean TF32 on Ampere and later.
        tf.config.experimental.enable_tensor_float_32_execution(settings.precision == "tf32")

    def about(self):
        """Return version and build flags."""
        onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default (on for x86-64 Linux)")
        return {"tensorflow": self.tf.__version__, "onednn": onednn}

    def threads(self):
        """Return the sizes of the thread pools."""
        threading = self.tf.config.threading
        return {
            "intra_op": threading.get_intra_op_parallelism_threads(),
            "inter_op": threading.get_inter_op_parallelism_threads(),
        }

    def place(self, array):
        """Return where an array is."""
        device = getattr(array, "device", None) or ""
        return "cuda" if "GPU" in device else "cpu" if "CPU" in device else None

    def convert_to_tensor(self, array):
        """Return an array as the back end's tensor; Keras has a function for it since version 3."""
        return self.tf.convert_to_tensor(array)

    def forget(self):
        """Drop what was compiled for earlier models: a tf.function belongs to its model."""

    def synchronise(self, arrays):
        """Wait for the device."""
        self.tf.test.experimental.sync_devices()

    def reset_allocator_peak(self):
        """Start a new peak."""
        self.tf.config.experimental.reset_memory_stats("GPU:0")

    def allocator_peak(self):
        """Return the peak in bytes; the reserve is not offered."""
        return {"peak": self.tf.config.experimental.get_memory_info("GPU:0")["peak"]}


class Session(Timeless):
    """Keras 1 and 2 on TensorFlow 1, whose graphs a session runs."""

    name = "tensorflow"

    def __init__(self, settings):
        import tensorflow as tf
        from keras import backend

        self.tf = tf
        serial = settings.mode == "session-serial"
        self.pools = {
            "intra_op_parallelism_threads": settings.threads,
            "inter_op_parallelism_threads": 1 if serial else settings.threads,
        }
        backend.set_session(tf.Session(config=tf.ConfigProto(**self.pools)))

    def about(self):
        """Return the version."""
        return {"tensorflow": self.tf.__version__}

    def threads(self):
        """Return what the session was told: TensorFlow 1 has no function that reads it back."""
        return self.pools

    def forget(self):
        """Drop what was compiled for earlier models: theirs is another part of the graph."""

    def synchronise(self, arrays):
        """Wait for the device: what a session runs has ended when it returns."""


class JAX(Timeless):
    """Keras on JAX."""

    name = "jax"

    def __init__(self, settings):
        # Read when the GPU is first used. By default JAX takes three quarters of its memory.
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = str(settings.preallocate).lower()
        if settings.deterministic:
            os.environ["XLA_FLAGS"] = "--xla_gpu_deterministic_ops=true"
        import jax

        self.jax = jax
        jax.config.update("jax_platforms", settings.device)
        # By default float32 means TF32 on Ampere and later.
        precision = "tensorfloat32" if settings.precision == "tf32" else "highest"
        jax.config.update("jax_default_matmul_precision", precision)
        # Compiled programs outlive the process, also those that are compiled in no time.
        jax.config.update("jax_compilation_cache_dir", os.path.join(settings.cache, "jax"))
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        try:
            self.device = jax.devices()[0]
        except (RuntimeError, AssertionError) as error:  # it asserts where it has no plugin
            said = str(error) or "it was built without"
            raise Unsupported("JAX finds no device for %s: %s" % (settings.device, said)) from error

    def about(self):
        """Return version and device."""
        return {"jax": self.jax.__version__, "device_kind": self.device.device_kind}

    def threads(self):
        """Return what XLA's pool was told: JAX has no function that reads it back."""
        return {"NPROC": os.environ.get("NPROC", "unset")}

    def place(self, array):
        """Return where an array is."""
        (device,) = array.devices()
        return "cpu" if device.platform == "cpu" else "cuda"

    def forget(self):
        """Drop what was compiled for earlier models, in memory and for this process on disk."""
        self.jax.clear_caches()
        self.jax.config.update("jax_enable_compilation_cache", False)
        from jax.experimental.compilation_cache import compilation_cache

        compilation_cache.reset_cache()  # else the new setting is not looked at

    def synchronise(self, arrays):
        """Wait for the weights."""
        self.jax.block_until_ready(arrays)

    def reset_allocator_peak(self):
        """Say that there is but one peak, that of the whole process."""
        raise Unsupported(
            "JAX cannot start a new peak: its only one holds compiling as well",
            "https://github.com/jax-ml/jax/issues/8096",
        )

    def allocator_peak(self):
        """Return the peak in bytes."""
        return {"peak": self.device.memory_stats()["peak_bytes_in_use"]}


class Torch:
    """Keras on PyTorch."""

    name = "torch"

    def __init__(self, settings):
        compiler = os.environ.get("CXX", "g++")  # the name that Inductor looks for
        if (
            settings.mode == "torch-compiled"
            and settings.device == "cpu"
            and not shutil.which(compiler)
        ):
            raise Unsupported(
                "torch.compile writes C++ for the CPU, and no C++ compiler (%s) was found"
                % compiler
            )
        # Generated code outlives the process; a cold start is given an empty folder.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(settings.cache, "inductor")
        os.environ["TRITON_CACHE_DIR"] = os.path.join(settings.cache, "triton")
        import torch

        self.torch = torch
        torch.set_num_threads(settings.threads)
        torch.set_num_interop_threads(settings.threads)
        if "flush_denormal" in settings.options:
            torch.set_flush_denormal(settings.options["flush_denormal"])
        if settings.device == "cuda":
            if not torch.cuda.is_available():
                raise Unsupported("PyTorch sees no GPU, or was built without CUDA")
            # All batches have one shape: let cuDNN try its algorithms once and keep the fastest.
            torch.backends.cudnn.benchmark = not settings.deterministic
            torch.backends.cudnn.deterministic = settings.deterministic
        # On by default in cuDNN: float32 would silently mean TF32 on Ampere and later.
        tf32 = settings.precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        self.device = settings.device

    def about(self):
        """Return version and build."""
        return {
            "torch": self.torch.__version__,
            "cpu_capability": self.torch.backends.cpu.get_cpu_capability(),
            "cuda": str(self.torch.version.cuda or "none"),
            "cudnn": str(self.torch.backends.cudnn.version() or "none"),
        }

    def threads(self):
        """Return the sizes of the thread pools."""
        return {
            "intra_op": self.torch.get_num_threads(),
            "inter_op": self.torch.get_num_interop_threads(),
        }

    def place(self, array):
        """Return where an array is."""
        return array.device.type

    def forget(self):
        """Drop what was compiled for earlier models."""
        self.torch.compiler.reset()

    def synchronise(self, arrays):
        """Wait for the GPU; on the CPU every call has finished when it returns."""
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def mark(self):
        """Enqueue an event of the GPU."""
        if self.device != "cuda":
            raise Unsupported("on the CPU the wall clock is the device's own")
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, first, second):
        """Return the seconds between two events."""
        return first.elapsed_time(second) / 1000

    def reset_allocator_peak(self):
        """Start a new peak."""
        self.torch.cuda.reset_peak_memory_stats()

    def allocator_peak(self):
        """Return peak and reserve in bytes."""
        cuda = self.torch.cuda
        return {"peak": cuda.max_memory_allocated(), "reserved": cuda.max_memory_reserved()}
