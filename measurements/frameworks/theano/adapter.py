"""Theano behind the contract of measurements.contract."""

import ctypes
import glob
import os
import subprocess
import sys
from collections import OrderedDict

import numpy as np

from measurements.contract import Framework, Model, Unsupported


class Adapter(Framework):
    """Theano on the CPU, with the fastest BLAS that pip can bring.

    Modes: ``compiled``, ``compiled-pool2d`` with Theano's own max-pooling, and ``compiled-switch``
    with one that is right before version 1.0 (see lenet.py).
    """

    def __init__(self, settings):
        super().__init__(settings)
        if settings.device != "cpu":
            raise Unsupported(
                "Theano's GPU back end needs libgpuarray and pygpu, which only conda packages",
                "https://anaconda.org/main/pygpu",
            )
        if settings.precision != "float32":
            raise Unsupported("Theano computes in float32 or float64 on the CPU")
        self.blas = find_blas(mkl=settings.options.get("mkl", True))
        flags = [
            "device=cpu",
            "floatX=float32",
            # CorrMM then spreads the images of a batch over OMP_NUM_THREADS threads. For one thread
            # as well: it costs nothing there, and what is compiled serves any number of threads.
            "openmp=True",
            # Compiled graphs outlive the process; a cold start is given an empty folder.
            '"base_compiledir=%s"' % os.path.join(settings.cache, "theano"),
        ]
        if self.blas:
            folder, name = os.path.split(self.blas)
            if " " in folder or "," in folder:
                # Theano splits these flags at spaces, the linker at commas; without a BLAS we
                # would time a strawman.
                raise Unsupported("Theano cannot link a BLAS from a folder called %r" % folder)
            # One quoted flag, because commas separate flags and -Wl has some.
            flags.append('"blas.ldflags=-L%s -l:%s -Wl,-rpath,%s"' % (folder, name, folder))
        if "flags" in settings.options:
            flags.append(settings.options["flags"])  # of two values of a flag the last one counts
        os.environ["THEANO_FLAGS"] = ",".join(flags)
        import theano

        from . import lenet

        self.theano, self.code = theano, lenet
        if not theano.config.cxx:
            raise Unsupported("Theano compiles C++, and no C++ compiler (g++) was found")

    def about(self):
        config = self.theano.config
        return {
            "version": self.theano.__version__,
            "blas": os.path.basename(self.blas) if self.blas else "none",
            "blas.ldflags": config.blas.ldflags,
            "mkl": _mkl_version(self.blas),
            "cxx": config.cxx,
            "compiler": _first_line([config.cxx, "--version"]),
            "gcc.cxxflags": config.gcc.cxxflags,
            "openmp": str(config.openmp),
            "mode": config.mode,
            "optimizer": config.optimizer,
            "floatX": config.floatX,
        }

    def threads(self):
        # The functions that Theano compiles use the gcc runtime; MKL is told to share it.
        found = {}
        for name, library, function in (
            ("openmp", "libgomp.so.1", "omp_get_max_threads"),
            ("mkl", self.blas if "mkl" in (self.blas or "") else None, "MKL_Get_Max_Threads"),
        ):
            if library:
                try:
                    found[name] = int(getattr(ctypes.CDLL(library), function)())
                except (OSError, AttributeError):
                    found[name] = "unknown"
        found["openmp_enabled"] = str(self.theano.config.openmp)
        return found

    def lenet(self, parameters, batch):
        return LeNet(self.code, parameters, batch, self.settings)

    def allocator_peak(self):
        raise Unsupported(
            "Theano allocates through NumPy; its memory profiler (profile_memory) estimates from "
            "the graph and slows every step down",
            "https://docs.huihoo.com/theano/0.9/_sources/tutorial/profiling.txt",
        )


class LeNet(Model):
    """Compiled functions around shared weights."""

    def __init__(self, code, parameters, batch, settings):
        self.weights = code.share(parameters)
        self.code = code
        self.pool = {
            "compiled": code.max_pool,
            "compiled-pool2d": code.builtin_max_pool,
            "compiled-switch": code.switch_max_pool,
        }[settings.mode]
        rate = np.float32(settings.learning_rate)  # a Python float would make it float64
        self.train = code.training_step(self.weights, batch, rate, self.pool)
        self.train.trust_input = settings.options.get("trust_input", False)
        self.score = None

    def stage(self, images, labels):
        return np.ascontiguousarray(images, np.float32), labels.astype(np.int32)

    def step(self, batch):
        return self.train(*batch)

    def logits(self, images):
        if self.score is None:  # another function to compile, and no part of training
            self.score = self.code.scorer(self.weights, self.pool)
        return self.score(np.ascontiguousarray(images, np.float32))

    def parameters(self):
        return OrderedDict((name, w.get_value()) for name, w in self.weights.items())

    def load(self, parameters):
        for name, value in parameters.items():
            self.weights[name].set_value(np.asarray(value, np.float32))


def find_blas(mkl=True):
    """Return the path of MKL (from the index) or else of the OpenBLAS inside NumPy, or ""."""
    beside_numpy = os.path.join(os.path.dirname(np.__path__[0]), "numpy.libs")
    for pattern in (
        os.path.join(sys.prefix, "lib", "libmkl_rt.so*") if mkl else "",
        os.path.join(beside_numpy, "libopenblas*.so"),
    ):
        found = sorted(glob.glob(pattern))
        if found:
            return found[-1]
    return ""


def _mkl_version(path):
    if "mkl" not in path:
        return "none"
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
