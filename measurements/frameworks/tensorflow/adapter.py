"""TensorFlow behind the contract of measurements.contract."""

import os
from collections import OrderedDict

import numpy as np

from measurements import lenet as reference
from measurements.contract import Framework, Model, Unsupported


class Adapter(Framework):
    """TensorFlow 2: ``eager``, ``function`` (tf.function) and ``xla`` (jit_compile=True).

    Before version 2: ``session``, a graph that a Session runs (see session.py).
    """

    def __init__(self, settings):
        super().__init__(settings)
        if settings.precision not in ("float32", "tf32"):
            raise Unsupported(
                "%s would need Keras' mixed-precision policy, another model" % settings.precision
            )
        import tensorflow as tf

        self.tf = tf
        if settings.mode == "session":
            from . import session

            self.code = session
            self.configuration = session.configuration(settings.threads)
            self.wait = None
        else:
            from . import lenet

            self.code = lenet
            self.configure()
            # On the CPU every call has finished when it returns; old releases have no function.
            self.wait = getattr(getattr(tf.test, "experimental", None), "sync_devices", None)

    def configure(self):
        """Set threads, device and precision, before the first operation: later it is too late."""
        config, settings = self.tf.config, self.settings
        config.threading.set_intra_op_parallelism_threads(settings.threads)
        inter_op = settings.options.get("inter_op", settings.threads)
        config.threading.set_inter_op_parallelism_threads(inter_op)
        if "grappler" in settings.options:
            name, _, value = settings.options["grappler"].partition("=")
            config.optimizer.set_experimental_options({name: value == "true"})
        if settings.options.get("autoclustering", False):
            config.optimizer.set_jit("autoclustering")
        # In version 2.0 these functions were experimental still.
        devices = config if hasattr(config, "set_visible_devices") else config.experimental
        gpus = devices.list_physical_devices("GPU")
        if settings.device == "cuda":
            if not self.tf.test.is_built_with_cuda():
                raise Unsupported("this TensorFlow was built without CUDA")
            if not gpus:
                raise Unsupported("TensorFlow sees no GPU on this machine")
            devices.set_visible_devices(gpus[:1], "GPU")
            # By default TensorFlow takes the whole memory at once, and nothing can be said of it.
            config.experimental.set_memory_growth(gpus[0], not settings.preallocate)
            if settings.deterministic:
                self.tf.random.set_seed(0)  # without one, random numbers are refused then
                config.experimental.enable_op_determinism()
        else:
            devices.set_visible_devices([], "GPU")
        # On by default where it exists (2.4): float32 would silently mean TF32 on Ampere and later.
        if hasattr(config.experimental, "enable_tensor_float_32_execution"):
            config.experimental.enable_tensor_float_32_execution(settings.precision == "tf32")

    def about(self):
        tf = self.tf
        sysconfig = getattr(tf, "sysconfig", None)
        build = sysconfig.get_build_info() if hasattr(sysconfig, "get_build_info") else {}
        config = getattr(getattr(tf, "config", None), "experimental", None)
        tf32 = getattr(config, "tensor_float_32_execution_enabled", None)
        return {
            "version": tf.__version__,
            "keras": getattr(getattr(tf, "keras", None), "__version__", "none"),
            "git_version": getattr(tf, "__git_version__", "unknown"),
            "compiler": getattr(tf, "__compiler_version__", "unknown"),
            "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
            "cuda": str(build.get("cuda_version", "none")),
            "cudnn": str(build.get("cudnn_version", "none")),
            "layout": "NHWC",
            "tf32": str(tf32() if tf32 else False),
        }

    def threads(self):
        if self.settings.mode == "session":
            return {
                "intra_op": self.configuration.intra_op_parallelism_threads,
                "inter_op": self.configuration.inter_op_parallelism_threads,
            }
        threading = self.tf.config.threading
        return {
            "intra_op": threading.get_intra_op_parallelism_threads(),
            "inter_op": threading.get_inter_op_parallelism_threads(),
        }

    def lenet(self, parameters, batch):
        if self.settings.mode == "session":
            return SessionLeNet(self, parameters)
        return LeNet(self, parameters)

    def synchronise(self):
        if self.wait:
            self.wait()

    def reset_allocator_peak(self):
        if self.settings.device == "cuda":
            self.tf.config.experimental.reset_memory_stats("GPU:0")

    def allocator_peak(self):
        if self.settings.device != "cuda":
            raise Unsupported(
                "TensorFlow reports memory of GPUs and TPUs only",
                "https://www.tensorflow.org/api_docs/python/tf/config/experimental/get_memory_info",
            )
        # The allocator's reserve is not offered; with memory growth it is at least the peak.
        return {"peak": self.tf.config.experimental.get_memory_info("GPU:0")["peak"]}

    def matrix_product(self, size):
        tf = self.tf
        left, right = tf.random.uniform((size, size)), tf.random.uniform((size, size))
        return lambda: tf.linalg.matmul(left, right)


class LeNet(Model):
    """A Keras model and a training step; images are NHWC, the layout TensorFlow trains in."""

    def __init__(self, framework, parameters):
        self.tf = framework.tf
        code, settings = framework.code, framework.settings
        self.names = list(parameters)
        layers = reference.layers(parameters)
        self.model = code.network([layer for layer in layers if layer.startswith("deep")])
        self.load(parameters)
        self.step_function = code.compiled(
            code.training_step(self.model, settings.learning_rate), settings.mode
        )
        self.score = code.compiled(self.model, settings.mode)

    def stage(self, images, labels):
        return self.images(images), self.tf.constant(labels, self.tf.int64)

    def step(self, batch):
        return self.step_function(*batch)

    def logits(self, images):
        return self.score(self.images(images)).numpy()

    def parameters(self):
        arrays = [variable.numpy() for variable in self.model.trainable_variables]
        return to_canonical(arrays, self.names)

    def load(self, parameters):
        for variable, value in zip(self.model.trainable_variables, to_native(parameters)):
            variable.assign(value)

    def place(self):
        variable = self.model.trainable_variables[0]
        held = getattr(variable, "value", variable)  # Keras 3 holds a variable of TensorFlow's
        device = getattr(variable if callable(held) else held, "device", None) or ""
        return "cuda" if "GPU" in device else "cpu" if "CPU" in device else None

    def images(self, images):
        return self.tf.constant(np.transpose(images, (0, 2, 3, 1)), self.tf.float32)


class SessionLeNet(Model):
    """A graph, built once and run by a Session, which returns when everything is computed."""

    def __init__(self, framework, parameters):
        tf, code = framework.tf, framework.code
        self.images, self.labels = code.placeholders()
        self.names = list(parameters)
        self.variables = code.variables(OrderedDict(zip(self.names, to_native(parameters))))
        self.score = code.scores(self.images, self.variables)
        rate = framework.settings.learning_rate
        self.train = code.training_step(self.score, self.labels, rate)
        self.session = tf.Session(config=framework.configuration)
        self.session.run(tf.global_variables_initializer())

    def stage(self, images, labels):
        return {self.images: channels_last(images), self.labels: labels}

    def step(self, batch):
        _, loss = self.session.run(self.train, feed_dict=batch)
        return loss

    def logits(self, images):
        return self.session.run(self.score, feed_dict={self.images: channels_last(images)})

    def parameters(self):
        return to_canonical(self.session.run(list(self.variables.values())), self.names)

    def load(self, parameters):
        # A variable is initialised from a tensor, and any tensor can be fed with another value.
        variables = list(self.variables.values())
        values = zip((v.initial_value for v in variables), to_native(parameters))
        self.session.run([v.initializer for v in variables], feed_dict=dict(values))


def channels_last(images):
    """Return NHWC images, contiguous: otherwise every feed would copy them in order again."""
    return np.ascontiguousarray(np.transpose(images, (0, 2, 3, 1)), np.float32)


def to_native(parameters):
    """Return TensorFlow's arrays: convolutions HWIO, dense1 fed by a flattened H, W, C."""
    native = []
    for name, array in parameters.items():
        value = array
        if array.ndim == 4:
            value = value.transpose(2, 3, 1, 0)
        elif name == "dense1_weight":
            value = value.reshape(50, 4, 4, 500).transpose(1, 2, 0, 3).reshape(800, 500)
        native.append(np.ascontiguousarray(value))
    return native


def to_canonical(native, names):
    """Undo :func:`to_native`; ``names`` are those of the arrays, in their order."""
    parameters = OrderedDict()
    for name, array in zip(names, native):
        value = array
        if array.ndim == 4:
            value = array.transpose(3, 2, 0, 1)
        elif name == "dense1_weight":
            value = array.reshape(4, 4, 50, 500).transpose(2, 0, 1, 3).reshape(800, 500)
        parameters[name] = np.ascontiguousarray(value)
    return parameters
