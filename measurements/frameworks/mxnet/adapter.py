"""MXNet behind the contract of measurements.contract."""

import os
from collections import OrderedDict

import numpy as np

from measurements import lenet as reference
from measurements.contract import Framework, Model, Unsupported


class Adapter(Framework):
    """MXNet: ``module`` (Symbol and Module), ``gluon`` (imperative), ``hybrid`` (hybridised).

    On the CPU they use the engine that computes in the calling thread. The default one keeps a core
    free for itself, half of a machine that has two: https://github.com/apache/mxnet/pull/8553
    """

    def __init__(self, settings):
        super().__init__(settings)
        if settings.precision != "float32":
            raise Unsupported("MXNet has no switch for %s in training" % settings.precision)
        # cuDNN and cuBLAS would use TF32 on their own on Ampere and later: ask for IEEE float32.
        # Read by the CUDA libraries when they are loaded; no effect on the CPU.
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
        if settings.deterministic:
            # https://mxnet.apache.org/versions/1.9.1/api/faq/env_var
            os.environ["MXNET_ENFORCE_DETERMINISM"] = "1"
            os.environ["MXNET_CUDNN_AUTOTUNE_DEFAULT"] = "0"
        if settings.device == "cpu":
            os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")
        import mxnet

        from . import lenet

        self.mxnet, self.code = mxnet, lenet
        if settings.device == "cuda":
            if not mxnet.runtime.Features().is_enabled("CUDA"):
                raise Unsupported("this MXNet was built without CUDA")
            if mxnet.context.num_gpus() == 0:
                raise Unsupported("MXNet sees no GPU on this machine")
            self.context = mxnet.gpu(0)
        else:
            self.context = mxnet.cpu()

    def about(self):
        facts = {
            "version": self.mxnet.__version__,
            "engine": os.environ.get("MXNET_ENGINE_TYPE", "ThreadedEnginePerDevice"),
        }
        try:
            from mxnet.runtime import Features
        except ImportError:  # before 1.5 it cannot say what it was built with
            return facts
        enabled = sorted(name for name, feature in Features().items() if feature.enabled)
        facts["features"] = " ".join(enabled)
        facts["blas"] = next((n for n in enabled if n.startswith("BLAS_")), "unknown")
        facts["onednn"] = str("MKLDNN" in enabled or "ONEDNN" in enabled)
        facts["cuda"] = str("CUDA" in enabled)
        return facts

    def threads(self):
        found = {"engine_workers": int(os.environ.get("MXNET_CPU_WORKER_NTHREADS", "1"))}
        for name, function in (
            ("openmp", "omp_get_max_threads"),
            ("openblas", "openblas_get_num_threads"),
        ):
            try:  # found in the libraries that libmxnet.so brought along
                found[name] = int(getattr(self.mxnet.base._LIB, function)())
            except AttributeError:
                found[name] = "unknown"
        return found

    def lenet(self, parameters, batch):
        if self.settings.mode == "module":
            return ModuleLeNet(self, parameters, batch)
        return GluonLeNet(self, parameters, hybrid=self.settings.mode == "hybrid")

    def synchronise(self):
        self.mxnet.nd.waitall()

    def allocator_peak(self):
        raise Unsupported(
            "MXNet's memory pool reports no peak: its profiler records single allocations and "
            "slows the step down, and gpu_memory_info is that of the whole device",
            "https://mxnet.apache.org/api/python/docs/tutorials/performance/backend/profiler.html",
        )

    def matrix_product(self, size):
        nd = self.mxnet.nd
        left = nd.random.uniform(shape=(size, size), ctx=self.context)
        right = nd.random.uniform(shape=(size, size), ctx=self.context)
        nd.waitall()
        return lambda: Result(nd.dot(left, right))


class Result:
    """Something that ``numpy.asarray`` waits for (an NDArray alone would become 0-d objects)."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None):
        return self.array.asnumpy() if dtype is None else self.array.asnumpy().astype(dtype)


class LeNet(Model):
    """What both interfaces share: arrays on the device, names and layouts."""

    def __init__(self, framework, parameters):
        self.mx, self.code = framework.mxnet, framework.code
        self.context, self.settings = framework.context, framework.settings
        self.layers = reference.layers(parameters)
        self.deep = [layer for layer in self.layers if layer.startswith("deep")]

    def array(self, values):
        return self.mx.nd.array(values, ctx=self.context, dtype="float32")

    def stage(self, images, labels):
        return self.array(images), self.array(labels)

    def pin(self, images, labels):
        memory = self.mx.cpu_pinned()
        return [
            self.mx.nd.array(values, ctx=memory, dtype="float32") for values in (images, labels)
        ]

    def stage_pinned(self, batch):
        return tuple(values.as_in_context(self.context) for values in batch)

    def loss(self, handle):
        return float(handle.asscalar())


class ModuleLeNet(LeNet):
    """The symbolic interface: a Symbol, bound by a Module."""

    def __init__(self, framework, parameters, batch):
        super().__init__(framework, parameters)
        self.batch = batch
        self.module = self.code.module(
            self.context, batch, self.native(parameters), self.deep, self.settings.learning_rate
        )

    def stage(self, images, labels):
        images, labels = super().stage(images, labels)
        return self.mx.io.DataBatch([images], [labels])

    def stage_pinned(self, batch):
        images, labels = super().stage_pinned(batch)
        return self.mx.io.DataBatch([images], [labels])

    def step(self, batch):
        self.module.forward_backward(batch)
        self.module.update()
        # A new array: the Module writes the next step's output over this one's.
        probabilities = self.module.get_outputs()[0]
        nd = self.mx.nd
        return -nd.mean(nd.log(nd.pick(probabilities, batch.label[0])))

    def logits(self, images):
        # In pieces of the bound batch, the last one padded: a Module is bound to one shape. For
        # fewer images it binds itself anew, and then wants the shape of the labels as well.
        size = min(self.batch, len(images))
        pieces = self.mx.io.NDArrayIter(images, np.zeros(len(images)), batch_size=size)
        return self.module.predict(pieces)[1].asnumpy()

    def parameters(self):
        return canonical(self.module.get_params()[0], self.layers)

    def load(self, parameters):
        self.module.set_params(self.native(parameters), {})

    def native(self, parameters):
        return {name: self.array(value) for name, value in transposed(parameters).items()}


class GluonLeNet(LeNet):
    """The imperative interface, and the same network turned into a graph by ``hybridize``."""

    def __init__(self, framework, parameters, hybrid):
        super().__init__(framework, parameters)
        gluon = self.mx.gluon
        self.net = self.code.network(self.deep)
        self.net.initialize(ctx=self.context)
        self.load(parameters)
        self.loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
        if hybrid:
            self.code.hybridize(self.net, self.loss_function)
            if not self.settings.options.get("static", True):
                for block in (self.net, self.loss_function):
                    block.hybridize(static_alloc=False, static_shape=False)
        self.trainer = gluon.Trainer(
            self.net.collect_params(),
            "sgd",
            {"learning_rate": self.settings.learning_rate, "wd": 0.0},
        )

    def step(self, batch):
        return self.code.train(self.net, self.loss_function, self.trainer, *batch)

    def logits(self, images):
        return self.net(self.array(images)).asnumpy()

    def parameters(self):
        return canonical({name: p.data() for name, p in self.named().items()}, self.layers)

    def load(self, parameters):
        named = self.named()
        for name, value in transposed(parameters).items():
            named[name].set_data(self.array(value))

    def place(self):
        (context,) = next(iter(self.named().values())).list_ctx()
        return "cuda" if context.device_type == "gpu" else "cpu"

    def named(self):
        """Return the Gluon parameters under their canonical names, in that order."""
        found = OrderedDict()
        weighted = [layer for layer in self.net if hasattr(layer, "weight")]
        for name, layer in zip(self.layers, weighted):
            found[name + "_weight"], found[name + "_bias"] = layer.weight, layer.bias
        return found


def transposed(parameters):
    """Swap the axes of the dense weights: MXNet keeps them as output x input."""
    return OrderedDict(
        (name, np.ascontiguousarray(value.T) if value.ndim == 2 else value)
        for name, value in parameters.items()
    )


def canonical(arrays, layers):
    """Return MXNet's arrays as NumPy in the canonical order and layout."""
    names = [layer + kind for layer in layers for kind in ("_weight", "_bias")]
    return transposed(OrderedDict((name, arrays[name].asnumpy()) for name in names))
