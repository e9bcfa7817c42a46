"""JAX behind the contract of measurements.contract."""

import os
from collections import OrderedDict

import numpy as np

from measurements import lenet as reference
from measurements.contract import Framework, Model, Unsupported

PRECISIONS = {"float32": "highest", "tf32": "tensorfloat32"}
"""Of ``jax_default_matmul_precision``: by default float32 means TF32 on Ampere and later."""

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
"""For XLA, which chooses by trying otherwise: https://github.com/openxla/xla/pull/12520"""


def pool_by_window(images):
    """Max-pool 2x2 as XLA's windows; on its CPU back end their gradient is slow."""
    from jax import lax

    window = (1, 1, 2, 2)
    return lax.reduce_window(images, -float("inf"), lax.max, window, window, "VALID")


def pool_by_reshape(images):
    """Max-pool 2x2 as the maxima of the axes that a reshaped array has."""
    batch, channels, height, width = images.shape
    return images.reshape(batch, channels, height // 2, 2, width // 2, 2).max((3, 5))


POOLS = {"window": pool_by_window, "reshape": pool_by_reshape}
"""Other ways to max-pool than that of lenet.py."""


class Adapter(Framework):
    """JAX: ``eager``, ``jit`` (the whole step), ``scan`` (many steps), ``flax`` (NNX and Optax)."""

    def __init__(self, settings):
        super().__init__(settings)
        if settings.precision not in PRECISIONS:
            raise Unsupported("%s would need weights of another type" % settings.precision)
        # Read when the GPU is first used. By default JAX takes three quarters of its memory.
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = str(settings.preallocate).lower()
        if settings.deterministic:
            os.environ["XLA_FLAGS"] = DETERMINISTIC
        import jax

        if settings.mode == "flax":
            from . import nnx_lenet as code
        else:
            from . import lenet as code
        self.jax, self.code = jax, code
        if "pool" in settings.options:
            code.max_pool = POOLS[settings.options["pool"]]
        jax.config.update("jax_platforms", settings.device)
        jax.config.update("jax_default_matmul_precision", PRECISIONS[settings.precision])
        # Compiled programs outlive the process, also those that are compiled in no time.
        configure(jax, "jax_compilation_cache_dir", os.path.join(settings.cache, "jax"))
        configure(jax, "jax_persistent_cache_min_entry_size_bytes", -1)
        configure(jax, "jax_persistent_cache_min_compile_time_secs", 0)
        try:
            self.device = jax.devices()[0]
        except (RuntimeError, AssertionError) as error:  # it asserts where it has no plugin
            said = str(error) or "it was built without"
            raise Unsupported("JAX finds no device for %s: %s" % (settings.device, said)) from error
        self.built = 0
        self.model = None

    def about(self):
        return {
            "version": self.jax.__version__,
            "jaxlib": installed("jaxlib"),
            "flax": installed("flax"),
            "optax": installed("optax"),
            "platform": self.device.client.platform_version.splitlines()[0],
            "device_kind": self.device.device_kind,
            "matmul_precision": str(self.jax.config.jax_default_matmul_precision),
            "layout": "NHWC" if self.settings.mode == "flax" else "NCHW",
            "xla_flags": os.environ.get("XLA_FLAGS", "none"),
            "preallocate": os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"],
        }

    def threads(self):
        # JAX tells nobody how many it has, so the threads of XLA's pool are counted.
        found = {"NPROC": os.environ.get("NPROC", "unset")}
        try:
            names = [
                _read("/proc/self/task/%s/comm" % task) for task in os.listdir("/proc/self/task")
            ]
            found["eigen_pool"] = names.count("tf_XLAEigen")
        except OSError:
            found["eigen_pool"] = "unknown"
        return found

    def lenet(self, parameters, batch):
        if self.built:
            # Nothing that an earlier model of this process left behind may spare this one its
            # compilation, neither in memory nor on disk (where it would find what is its own twin).
            self.jax.clear_caches()
            if configure(self.jax, "jax_enable_compilation_cache", False):
                from jax.experimental.compilation_cache import compilation_cache

                compilation_cache.reset_cache()  # else the new setting is not looked at
        self.built += 1
        kind = KINDS.get(self.settings.options.get("loop", self.settings.mode), LeNet)
        self.model = kind(self, parameters)
        return self.model

    def synchronise(self):
        # Not jax.effects_barrier(), which waits for side effects such as printing only.
        if self.model is not None:
            self.jax.block_until_ready(self.model.pending())

    def reset_allocator_peak(self):
        raise Unsupported(
            "JAX cannot start a new peak: its only one holds compiling as well",
            "https://github.com/jax-ml/jax/issues/8096",
        )

    def allocator_peak(self):
        statistics = self.device.memory_stats()
        if statistics is None:
            raise Unsupported(
                "JAX reports no memory statistics on the CPU",
                "https://github.com/jax-ml/jax/issues/8096",
            )
        found = {"peak": statistics["peak_bytes_in_use"]}
        if "peak_pool_bytes" in statistics:
            found["reserved"] = statistics["peak_pool_bytes"]
        return found

    def matrix_product(self, size):
        keys = self.jax.random.split(self.jax.random.key(0))
        left, right = (self.jax.random.uniform(key, (size, size)) for key in keys)
        return lambda: self.jax.numpy.matmul(left, right)


class LeNet(Model):
    """A dict of weights and the function that makes the next one: ``eager`` and ``jit``."""

    def __init__(self, framework, parameters):
        self.framework, self.jax, self.code = framework, framework.jax, framework.code
        self.names, self.loss_before = list(parameters), ()
        self.deep = [name for name in reference.layers(parameters) if name.startswith("deep")]
        self.build(parameters, framework.settings)

    def build(self, parameters, settings):
        self.load(parameters)
        self.train = self.code.training_step(settings.learning_rate, self.deep)
        self.score = lambda weights, images: self.code.scores(weights, images, self.deep)
        if settings.mode != "eager":
            donating = settings.options.get("donate", True)
            compiled = self.code.compiled if donating else self.jax.jit
            self.train, self.score = compiled(self.train), self.jax.jit(self.score)

    def host_batch(self, images, labels):
        """Return a batch of NumPy arrays in the layout and types of the step."""
        return images, labels.astype(np.int32)

    def stage(self, images, labels):
        return self.jax.device_put(self.host_batch(images, labels))

    def pin(self, images, labels):
        batch = self.host_batch(images, labels)
        return self.jax.device_put(batch, self.placed("pinned_host"))

    def stage_pinned(self, batch):
        return self.jax.device_put(batch, self.placed("device"))

    def placed(self, kind):
        """Return a place in the memory of the device, or in what is page-locked of the host."""
        place = self.jax.sharding.SingleDeviceSharding
        return place(self.framework.device, memory_kind=kind)

    def step(self, batch):
        self.weights, self.loss_before = self.train(self.weights, *batch)
        return self.loss_before

    def pending(self):
        """Return the arrays that the last step makes: weights and loss."""
        return self.weights, self.loss_before

    def logits(self, images):
        return np.array(self.score(self.weights, self.jax.device_put(images)))

    def parameters(self):
        # Copies: on the CPU an array of NumPy would look into memory that the next step reuses.
        return OrderedDict((name, np.array(self.weights[name])) for name in self.names)

    def load(self, parameters):
        # Copies as well, for the same reason.
        self.weights = {name: self.jax.numpy.array(value) for name, value in parameters.items()}

    def place(self):
        array = self.jax.tree_util.tree_leaves(self.pending())[0]
        (device,) = array.devices()
        return "cpu" if device.platform == "cpu" else "cuda"


class ScanLeNet(LeNet):
    """Many steps in one program; a single step is a scan of length one."""

    chunk = 10

    def build(self, parameters, settings):
        super().build(parameters, settings)
        step = self.code.training_step(settings.learning_rate, self.deep)
        self.train = self.code.scanned(step)

    def stage_many(self, batches):
        images, labels = zip(*batches)
        return self.jax.device_put((np.stack(images), np.stack(labels).astype(np.int32)))

    def many(self, staged):
        self.weights, self.loss_before = self.train(self.weights, staged)
        return self.loss_before

    def losses(self, handle):
        return [float(loss) for loss in np.asarray(handle)]

    def stage(self, images, labels):
        return self.stage_many([(images, labels)])

    def step(self, batch):
        return self.many(batch)

    def loss(self, handle):
        return self.losses(handle)[0]


class FlaxLeNet(LeNet):
    """A Flax module and an optimiser, both updated in place; arrays are NHWC, Flax's layout."""

    def build(self, parameters, settings):
        from flax import nnx

        self.nnx = nnx
        self.model = self.code.CNN(len(self.deep), rngs=nnx.Rngs(0))
        self.load(parameters)
        self.optimiser = self.code.optimiser(self.model, settings.learning_rate)
        self.score = self.code.scorer()
        self.train = nnx.jit(self.code.training_step)
        self.objects = self.model, self.optimiser
        if settings.options.get("loop") == "cached":
            self.train, self.objects = nnx.cached_partial(self.train, *self.objects), ()

    def host_batch(self, images, labels):
        return super().host_batch(to_native("", images), labels)

    def step(self, batch):
        self.loss_before = self.train(*self.objects, *batch)
        return self.loss_before

    def pending(self):
        return self.nnx.state(self.model, self.nnx.Param), self.loss_before

    def logits(self, images):
        return np.array(self.score(self.model, self.jax.device_put(to_native("", images))))

    def parameters(self):
        return OrderedDict(
            (name, to_canonical(name, np.array(variable[...])))
            for name, variable in self.variables().items()
        )

    def load(self, parameters):
        for name, variable in self.variables().items():
            variable[...] = self.jax.numpy.array(to_native(name, parameters[name]))

    def variables(self):
        """Return Flax's variables under their canonical names, in that order."""
        model = self.model
        layers = [model.conv1, model.conv2, *model.deep, model.dense1, model.dense2]
        variables = [variable for layer in layers for variable in (layer.kernel, layer.bias)]
        return OrderedDict(zip(self.names, variables))


class FunctionalFlaxLeNet(FlaxLeNet):
    """The same module and optimiser, taken apart once: their state goes from step to step."""

    def build(self, parameters, settings):
        super().build(parameters, settings)
        self.train = self.code.functional(self.model, self.optimiser)
        self.state = self.nnx.state(self.objects)

    def step(self, batch):
        self.state, self.loss_before = self.train(self.state, *batch)
        return self.loss_before

    def pending(self):
        return self.state, self.loss_before

    def logits(self, images):
        self.nnx.update(self.objects, self.state)
        return super().logits(images)

    def parameters(self):
        self.nnx.update(self.objects, self.state)
        return super().parameters()

    def load(self, parameters):
        super().load(parameters)
        if hasattr(self, "state"):
            self.state = self.nnx.state(self.objects)


KINDS = {
    "scan": ScanLeNet,
    "flax": FlaxLeNet,
    "cached": FlaxLeNet,
    "functional": FunctionalFlaxLeNet,
}
"""Of modes, and of the two ways that Flax's guide on performance has to spare Python the traversal
of objects at every step."""


def configure(jax, option, value):
    """Set an option; return whether there is one: those of the cache on disk came one by one."""
    try:
        jax.config.update(option, value)
    except AttributeError:
        return False
    return True


def installed(package):
    """Return the version of a package, or "none": older releases are measured without Flax."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def to_native(name, value):
    """Return an array as Flax wants it: images NHWC, kernels HWIO, dense1 fed by H, W, C."""
    if name == "dense1_weight":
        value = value.reshape(50, 4, 4, 500).transpose(1, 2, 0, 3).reshape(800, 500)
    elif value.ndim == 4:
        value = value.transpose((2, 3, 1, 0) if name else (0, 2, 3, 1))
    return np.ascontiguousarray(value)


def to_canonical(name, value):
    """Undo :func:`to_native` for a weight."""
    if name == "dense1_weight":
        value = value.reshape(4, 4, 50, 500).transpose(2, 0, 1, 3).reshape(800, 500)
    elif value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    return np.ascontiguousarray(value)


def _read(path):
    with open(path) as file:
        return file.read().strip()
