"""TensorFlow behind the contract of measurements.contract."""

import os
from collections import OrderedDict

import numpy as np

from measurements import lenet as reference
from measurements.contract import Framework, Model, Unsupported


class Adapter(Framework):
    """TensorFlow 2: ``eager``, ``function`` (tf.function) and ``xla`` (jit_compile=True)."""

    def __init__(self, settings):
        super().__init__(settings)
        import tensorflow as tf

        from . import lenet

        self.tf, self.code = tf, lenet
        # Before the first operation: afterwards the pools exist and cannot be changed.
        tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
        tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
        gpus = tf.config.list_physical_devices("GPU")
        if settings.device == "cuda":
            if not tf.test.is_built_with_cuda():
                raise Unsupported("this TensorFlow was built without CUDA")
            if not gpus:
                raise Unsupported("TensorFlow sees no GPU on this machine")
            tf.config.set_visible_devices(gpus[:1], "GPU")
            # Otherwise TensorFlow takes the whole memory at once, and nothing can be said of it.
            tf.config.experimental.set_memory_growth(gpus[0], True)
        else:
            tf.config.set_visible_devices([], "GPU")
        if settings.precision not in ("float32", "tf32"):
            raise Unsupported(
                "%s would need Keras' mixed-precision policy, another model" % settings.precision
            )
        # On by default: float32 would silently mean TF32 on Ampere and later.
        tf.config.experimental.enable_tensor_float_32_execution(settings.precision == "tf32")

    def about(self):
        tf = self.tf
        build = tf.sysconfig.get_build_info()
        return {
            "version": tf.__version__,
            "keras": tf.keras.__version__,
            "git_version": tf.version.GIT_VERSION,
            "compiler": tf.version.COMPILER_VERSION,
            "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default (on for x86-64 Linux)"),
            "cuda": str(build.get("cuda_version", "none")),
            "cudnn": str(build.get("cudnn_version", "none")),
            "layout": "NHWC",
            "tf32": str(tf.config.experimental.tensor_float_32_execution_enabled()),
        }

    def threads(self):
        threading = self.tf.config.threading
        return {
            "intra_op": threading.get_intra_op_parallelism_threads(),
            "inter_op": threading.get_inter_op_parallelism_threads(),
        }

    def lenet(self, parameters, batch):
        return LeNet(self, parameters)

    def synchronise(self):
        # On the CPU every call has finished when it returns, and this returns at once.
        self.tf.test.experimental.sync_devices()

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

    def loss(self, handle):
        return float(handle)

    def logits(self, images):
        return self.score(self.images(images)).numpy()

    def parameters(self):
        arrays = [variable.numpy() for variable in self.model.trainable_variables]
        return to_canonical(arrays, self.names)

    def load(self, parameters):
        for variable, value in zip(self.model.trainable_variables, to_native(parameters)):
            variable.assign(value)

    def images(self, images):
        return self.tf.constant(np.transpose(images, (0, 2, 3, 1)), self.tf.float32)


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
