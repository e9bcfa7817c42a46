"""PyTensor behind the contract of measurements.contract."""

import ctypes
import glob
import os
import subprocess
import sys
from collections import OrderedDict

import numpy as np

from measurements.contract import Framework, Model, Unsupported

BACK_ENDS = {"c": "CVM", "numba": "NUMBA", "jax": "JAX"}
"""PyTensor's names of what our modes compile with."""


class Adapter(Framework):
    """PyTensor on the CPU; each mode is one of its back ends: ``c``, ``numba``, ``jax``."""

    def __init__(self, settings):
        super().__init__(settings)
        if settings.device != "cpu":
            raise Unsupported(
                "PyTensor has no GPU code of its own; Theano's was removed before the fork",
                "https://github.com/aesara-devs/aesara/pull/614",
            )
        if settings.precision != "float32":
            raise Unsupported("PyTensor computes in float32 or float64 on the CPU")
        self.blas = find_blas() if settings.mode == "c" else find_openblas()
        flags = [
            "floatX=float32",
            # Large element-wise operations then use OMP_NUM_THREADS threads, be it one: what is
            # compiled is the same for any number. C back end only.
            "openmp=True",
            # What C and Numba compiled outlives the process; a cold start gets an empty folder.
            '"base_compiledir=%s"' % os.path.join(settings.cache, "pytensor"),
        ]
        if settings.mode == "c":
            folder, name = os.path.split(self.blas)
            if not name or " " in folder or "," in folder:
                # PyTensor splits these flags at spaces, the linker at commas; without a BLAS we
                # would time a strawman.
                raise Unsupported("PyTensor's C back end cannot link a BLAS here: %r" % self.blas)
            # One quoted flag, because commas separate flags and -Wl has some.
            flags.append('"blas__ldflags=-L%s -l:%s -Wl,-rpath,%s"' % (folder, name, folder))
        if "flags" in settings.options:
            flags.append(settings.options["flags"])  # of two values of a flag the last one counts
        os.environ["PYTENSOR_FLAGS"] = ",".join(flags)
        import pytensor

        if settings.mode == "jax":
            self.jax = _cached_jax(os.path.join(settings.cache, "jax"))
        from . import lenet

        self.pytensor, self.code = pytensor, lenet
        self.back_end = BACK_ENDS[settings.mode]
        if self.back_end not in pytensor.compile.mode.predefined_modes:
            self.back_end = "FAST_RUN"  # as long as C was the default, it had no name of its own
        if settings.mode == "c" and not pytensor.config.cxx:
            raise Unsupported("PyTensor's C back end needs a C++ compiler (g++), none was found")
        self.built = 0
        self.model = None

    def about(self):
        from importlib.metadata import version

        config = self.pytensor.config
        found = {
            "version": self.pytensor.__version__,
            "mode": self.back_end,
            "optimizer": config.optimizer,
            "floatX": config.floatX,
            "scipy": version("scipy"),
        }
        if self.settings.mode == "c":
            found["cxx"] = config.cxx
            found["compiler"] = _first_line([config.cxx, "--version"])
            found["gcc__cxxflags"] = config.gcc__cxxflags
            found["openmp"] = str(config.openmp)
            found["blas__ldflags"] = config.blas__ldflags
            found["mkl"] = _mkl_version(self.blas)
        elif self.settings.mode == "numba":
            found["numba"], found["llvmlite"] = version("numba"), version("llvmlite")
            found["numba__fastmath"] = str(config.numba__fastmath)
            found["blas"] = os.path.basename(self.blas)
        else:
            found["jax"], found["jaxlib"] = version("jax"), version("jaxlib")
            found["xla_flags"] = os.environ.get("XLA_FLAGS", "none")
        return found

    def threads(self):
        if self.settings.mode == "jax":
            # JAX tells nobody how many it has, so the threads of XLA's pool are counted.
            return {"NPROC": os.environ.get("NPROC", "unset"), "eigen_pool": _count_eigen_threads()}
        if self.settings.mode == "numba":
            # The compiled program itself is serial; its matrix products are those of SciPy's BLAS.
            return {
                "openblas": _ask(self.blas, "scipy_openblas_get_num_threads"),
                "numba": os.environ.get("NUMBA_NUM_THREADS", "unset"),
            }
        return {
            # The gcc runtime of the compiled modules; MKL is told to share it.
            "openmp": _ask("libgomp.so.1", "omp_get_max_threads"),
            "mkl": _ask(self.blas, "MKL_Get_Max_Threads"),
            "openmp_enabled": str(self.pytensor.config.openmp),
        }

    def lenet(self, parameters, batch):
        if self.built and self.settings.mode == "jax":
            # Nothing that an earlier model of this process left behind may spare this one its
            # compilation. (C and Numba compile operation by operation, and any later program
            # re-uses the operations it shares: that is how PyTensor works, so it stays.)
            self.jax.clear_caches()
            self.jax.config.update("jax_enable_compilation_cache", False)
            from jax.experimental.compilation_cache import compilation_cache

            compilation_cache.reset_cache()  # else the new setting is not looked at
        self.built += 1
        self.model = LeNet(self, parameters, batch)
        return self.model

    def synchronise(self):
        if self.settings.mode == "jax" and self.model is not None:
            self.jax.block_until_ready(self.model.pending())

    def allocator_peak(self):
        if self.settings.mode == "jax":
            raise Unsupported(
                "JAX reports no memory statistics on the CPU",
                "https://github.com/jax-ml/jax/issues/8096",
            )
        raise Unsupported(
            "PyTensor allocates through NumPy; its memory profiler (C back end only) estimates "
            "from the graph and slows every step down",
            "https://pytensor.readthedocs.io/en/latest/tutorial/profiling.html",
        )


class LeNet(Model):
    """Compiled functions around shared weights."""

    def __init__(self, framework, parameters, batch):
        self.framework, self.code = framework, framework.code
        self.mode = framework.back_end
        self.weights = self.code.share(parameters)
        rate = np.float32(framework.settings.learning_rate)  # a Python float may make it float64
        self.train = self.code.training_step(self.weights, batch, rate, self.mode)
        self.train.trust_input = framework.settings.options.get("trust_input", True)
        self.score = None
        self.last = None

    def stage(self, images, labels):
        # No check of the inputs follows (trust_input), so they have their final type here.
        staged = np.ascontiguousarray(images, np.float32), labels.astype(np.int32)
        return self.framework.jax.device_put(staged) if self.mode == "JAX" else staged

    def step(self, batch):
        self.last = self.train(*batch)
        return self.last

    def pending(self):
        """Return the arrays that the last step wrote."""
        return self.last, [weight.get_value(borrow=True) for weight in self.weights.values()]

    def logits(self, images):
        if self.score is None:  # another function to compile, and no part of training
            self.score = self.code.scorer(self.weights, self.mode)
        return np.asarray(self.score(np.ascontiguousarray(images, np.float32)))

    def parameters(self):
        # Copies; the JAX back end keeps arrays of JAX in the shared variables.
        return OrderedDict(
            (name, np.array(weight.get_value(borrow=True))) for name, weight in self.weights.items()
        )

    def load(self, parameters):
        for name, value in parameters.items():
            self.weights[name].set_value(np.array(value, np.float32))


def find_blas():
    """Return the path of MKL (from the index), or ""."""
    # Not the OpenBLAS inside NumPy: its functions have other names than the C back end calls.
    found = sorted(glob.glob(os.path.join(sys.prefix, "lib", "libmkl_rt.so*")))
    return found[-1] if found else ""


def find_openblas():
    """Return the path of the OpenBLAS inside SciPy, which Numba calls, or ""."""
    beside_numpy = os.path.dirname(os.path.dirname(np.__file__))
    found = sorted(glob.glob(os.path.join(beside_numpy, "scipy.libs", "libscipy_openblas*.so")))
    return found[-1] if found else ""


def _cached_jax(folder):
    """Import JAX and let its compiled programs outlive the process, however small they are."""
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    return jax


def _count_eigen_threads():
    names = []
    try:
        for task in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/comm" % task) as file:
                names.append(file.read().strip())
    except OSError:
        return "unknown"
    return names.count("tf_XLAEigen")


def _ask(library, function):
    """Return the number that a function of a shared library answers, or "unknown"."""
    try:
        return int(getattr(ctypes.CDLL(library), function)()) if library else "unknown"
    except (OSError, AttributeError):
        return "unknown"


def _mkl_version(path):
    text = ctypes.create_string_buffer(256)
    try:
        ctypes.CDLL(path).MKL_Get_Version_String(text, len(text))
    except (OSError, AttributeError):
        return "unknown"
    return text.value.decode("ascii", "replace").strip()


def _first_line(command):
    try:
        text = subprocess.check_output(command, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return text.decode("utf-8", "replace").partition("\n")[0] or "unknown"
