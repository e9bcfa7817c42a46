"""PyTorch behind the contract of measurements.contract."""

import functools
import os
import re
import shutil
from collections import OrderedDict

import numpy as np

from measurements import lenet as reference
from measurements.contract import Framework, Model, Unsupported

COMPILED = ("compile", "compile-repaired", "compile-step", "cuda-graphs", "cuda-graph-step")

INDUCTOR = ("cpp_wrapper", "max_autotune")
"""Options of torch.compile's back end that variants may set."""


class Adapter(Framework):
    """PyTorch: ``eager`` and ``channels-last`` as they are, the other modes by torch.compile.

    ``compile``           network and loss, and so their gradients
    ``compile-repaired``  the same without the pass that breaks it on one thread (compile_fault.py)
    ``compile-step``      the optimizer as well
    ``cuda-graphs``       network and loss, replayed as CUDA graphs
    ``cuda-graph-step``   the same, and the whole step captured as one CUDA graph
    """

    def __init__(self, settings):
        super().__init__(settings)
        compiler = os.environ.get("CXX", "g++")  # the name that Inductor looks for
        if settings.mode in COMPILED and settings.device == "cpu" and not shutil.which(compiler):
            raise Unsupported(
                "torch.compile writes C++ for the CPU, and no C++ compiler (%s) was found"
                % compiler
            )
        # Generated code outlives the process; a cold start is given an empty folder.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(settings.cache, "inductor")
        os.environ["TRITON_CACHE_DIR"] = os.path.join(settings.cache, "triton")
        import torch

        from . import lenet

        self.torch, self.code = torch, lenet
        torch.set_num_threads(settings.threads)
        if hasattr(torch, "set_num_interop_threads"):  # since 1.2
            torch.set_num_interop_threads(settings.threads)
        if settings.device == "cuda":
            if not torch.backends.cuda.is_built():
                raise Unsupported("this PyTorch was built without CUDA")
            if not torch.cuda.is_available():
                raise Unsupported("PyTorch sees no GPU on this machine")
            # All batches have one shape: let cuDNN try its algorithms once and keep the fastest.
            torch.backends.cudnn.benchmark = not settings.deterministic
            torch.backends.cudnn.deterministic = settings.deterministic
        if hasattr(torch.backends.cuda, "matmul"):  # since 1.7; until then float32 meant float32
            # On by default in cuDNN: float32 would silently mean TF32 on Ampere and later.
            tf32 = settings.precision == "tf32"
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        if "flush_denormal" in settings.options:
            torch.set_flush_denormal(settings.options["flush_denormal"])
        if "matmul_precision" in settings.options:
            torch.set_float32_matmul_precision(settings.options["matmul_precision"])
        if "mkldnn" in settings.options:
            torch.backends.mkldnn.enabled = settings.options["mkldnn"]
        self.device = torch.device(settings.device)

    def about(self):
        torch = self.torch
        build = torch.__config__.show() if hasattr(torch, "__config__") else ""
        cpu = getattr(torch.backends, "cpu", None)
        return {
            "version": torch.__version__,
            "git_version": getattr(torch.version, "git_version", "unknown"),
            "blas": _first(r"BLAS_INFO=(\w+)", build),
            "mkl": _first(r"Math Kernel Library Version (\S+)", build),
            "onednn": _first(r"MKL-DNN (v\S+)", build),
            "openmp": _first(r"OpenMP (\S+)", build),
            "compiler": _first(r"(GCC \S+)", build),
            "cpu_capability": cpu.get_cpu_capability() if cpu else "unknown",
            "cuda": str(torch.version.cuda or "none"),
            "cudnn": str(torch.backends.cudnn.version() or "none"),
            "tf32": str(getattr(torch.backends.cudnn, "allow_tf32", "none")),
        }

    def threads(self):
        found = {"intra_op": self.torch.get_num_threads()}
        if hasattr(self.torch, "get_num_interop_threads"):
            found["inter_op"] = self.torch.get_num_interop_threads()
        return found

    def lenet(self, parameters, batch):
        return LeNet(self, parameters)

    def synchronise(self):
        # On the CPU every call has finished when it returns.
        if self.settings.device == "cuda":
            self.torch.cuda.synchronize()

    def mark(self):
        if self.settings.device != "cuda":
            raise Unsupported("on the CPU the wall clock is the device's own")
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, first, second):
        return first.elapsed_time(second) / 1000

    def reset_allocator_peak(self):
        if self.settings.device == "cuda":
            self.torch.cuda.reset_peak_memory_stats()

    def allocator_peak(self):
        if self.settings.device != "cuda":
            raise Unsupported(
                "PyTorch counts the memory of accelerators only; on the CPU its profiler records "
                "single allocations and slows the step down",
                "https://docs.pytorch.org/docs/stable/generated/torch.accelerator.memory.max_memory_allocated.html",
            )
        cuda = self.torch.cuda
        return {"peak": cuda.max_memory_allocated(), "reserved": cuda.max_memory_reserved()}

    def matrix_product(self, size):
        torch = self.torch
        kind = torch.bfloat16 if self.settings.precision == "bfloat16" else torch.float32
        left = torch.rand(size, size, device=self.device, dtype=kind)
        right = torch.rand(size, size, device=self.device, dtype=kind)
        return lambda: Result(left @ right)

    def compiled(self, function):
        """Return a function as this mode runs it: as it is, or compiled, for each shape anew.

        By default the second shape that it meets makes torch.compile write code for any shape.
        """
        mode = self.settings.mode
        if self.settings.precision == "bfloat16":
            function = self.mixed(function)
        if mode not in COMPILED:
            return function
        options = {}
        if mode != "compile":
            options["reorder_for_peak_memory"] = False
        if mode == "cuda-graphs":
            # mode="reduce-overhead" by its own options: torch.compile takes a mode or options.
            options.update(self.torch._inductor.list_mode_options("reduce-overhead"))
        tried = self.settings.options
        options.update((name, tried[name]) for name in INDUCTOR if name in tried)
        return self.torch.compile(function, options=options, dynamic=False)

    def mixed(self, function):
        """Return a function whose products are computed in bfloat16; weights stay float32.

        https://docs.pytorch.org/docs/2.13/amp.html
        """

        def call(*arguments):
            with self.torch.autocast(self.settings.device, dtype=self.torch.bfloat16):
                return function(*arguments)

        return call


class Result:
    """Something that ``numpy.asarray`` can wait for, on the GPU as well."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.tensor.float().cpu().numpy(), dtype)


class LeNet(Model):
    """An nn.Module, plain SGD and a training step, compiled in parts as the mode says."""

    def __init__(self, framework, parameters):
        self.torch, self.code = framework.torch, framework.code
        self.device, mode = framework.device, framework.settings.mode
        # Compiled code hangs on the functions that it was compiled from: a model of another depth
        # or batch would meet this one's, and be compiled for any shape instead of its own.
        if hasattr(self.torch, "compiler"):  # since 2.1
            self.torch.compiler.reset()
        elif hasattr(self.torch, "compile"):
            from torch import _dynamo

            _dynamo.reset()
        self.names = list(parameters)
        self.graphs = mode == "cuda-graphs"
        tried = framework.settings.options
        last = tried.get("channels_last", mode == "channels-last")
        self.format = {"memory_format": self.torch.channels_last} if last else {}
        deep = sum(name.startswith("deep") for name in reference.layers(parameters))
        self.net = self.code.LeNet(deep).to(self.device, **self.format)
        self.load(parameters)
        ways = {name: tried[name] for name in ("fused", "foreach") if name in tried}
        rate = framework.settings.learning_rate
        self.optimizer = self.torch.optim.SGD(self.net.parameters(), lr=rate, **ways)
        self.mean_loss = framework.compiled(self.code.mean_loss)
        self.update = self.optimizer.step
        if mode == "compile-step":
            self.update = framework.compiled(self.update)
        self.score = framework.compiled(self.net)
        self.train = functools.partial(
            self.code.train, self.net, self.optimizer, self.mean_loss, self.update
        )
        self.captured = None if mode == "cuda-graph-step" else self.train

    def stage(self, images, labels):
        return self.images(images), self.torch.from_numpy(labels).to(self.device)

    def pin(self, images, labels):
        return tuple(self.torch.from_numpy(array).pin_memory() for array in (images, labels))

    def stage_pinned(self, batch):
        images, labels = batch
        images = images.to(self.device, non_blocking=True, **self.format)
        return images, labels.to(self.device, non_blocking=True)

    def step(self, batch):
        if self.graphs:  # from here on the memory of the last step's results may be used again
            self.torch.compiler.cudagraph_mark_step_begin()
        if self.captured is None:
            from .cuda_graph import WholeStep

            self.captured = WholeStep(self.net, self.optimizer, self.train, *batch)
        loss = self.captured(*batch)
        return loss.clone() if self.graphs else loss

    def loss(self, handle):
        return handle.item()

    def logits(self, images):
        with self.torch.no_grad():
            return self.score(self.images(images)).float().cpu().numpy()

    def parameters(self):
        # Copied: on the CPU the arrays would share the memory that the next step writes to.
        values = [value.detach().cpu().numpy().copy() for value in self.net.parameters()]
        return transposed(OrderedDict(zip(self.names, values)))

    def load(self, parameters):
        with self.torch.no_grad():
            native = transposed(parameters)
            # nn.Module keeps its parameters in the order of definition, which is the canonical one.
            for name, value in zip(self.names, self.net.parameters()):
                value.copy_(self.torch.from_numpy(native[name]))

    def place(self):
        return next(self.net.parameters()).device.type

    def images(self, images):
        return self.torch.from_numpy(images).to(self.device, **self.format)


def transposed(parameters):
    """Swap the axes of the dense weights: PyTorch keeps them as output x input."""
    return OrderedDict(
        (name, np.ascontiguousarray(value.T if value.ndim == 2 else value, np.float32))
        for name, value in parameters.items()
    )


def _first(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else "unknown"
