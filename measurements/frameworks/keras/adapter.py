"""Keras behind the contract of measurements.contract."""

import os
from collections import OrderedDict, namedtuple

import numpy as np

from measurements import lenet as reference
from measurements.contract import Framework, Model, Unsupported

from .backends import JAX, Session, TensorFlow, Torch

Way = namedtuple("Way", "backend jit_compile run_eagerly fit")
Way.__doc__ = "How a mode runs Keras; jit_compile and run_eagerly are arguments of compile()."

WAYS = {
    "tensorflow": Way(TensorFlow, "auto", False, False),
    "tensorflow-eager": Way(TensorFlow, False, True, False),
    "tensorflow-fit": Way(TensorFlow, "auto", False, True),
    "jax": Way(JAX, "auto", False, False),
    "jax-fit": Way(JAX, "auto", False, True),
    "torch": Way(Torch, "auto", False, False),
    "torch-compiled": Way(Torch, True, False, False),
    "torch-fit": Way(Torch, "auto", False, True),
    "session": Way(Session, None, None, False),
    "session-serial": Way(Session, None, None, False),
}


class Adapter(Framework):
    """Keras on one of its back ends, as the mode says."""

    def __init__(self, settings):
        super().__init__(settings)
        if settings.precision not in ("float32", "tf32"):
            raise Unsupported("%s would need a mixed-precision policy" % settings.precision)
        self.way = WAYS[settings.mode]
        # Keras reads it once, when it is imported.
        os.environ["KERAS_BACKEND"] = self.way.backend.name
        self.backend = self.way.backend(settings)
        import keras

        if self.way.backend is Session:
            from . import session as code
        else:
            from . import lenet as code
        if "jit_compile" in settings.options:
            self.way = self.way._replace(jit_compile=settings.options["jit_compile"])
        self.keras, self.code = keras, code
        if not hasattr(keras, "ops") and self.way.jit_compile == "auto":
            self.way = self.way._replace(jit_compile=None)  # Keras 2's word for it
        self.model = None

    def about(self):
        facts = {"version": self.keras.__version__, "backend": self.keras.backend.backend()}
        if hasattr(self.keras.backend, "image_data_format"):
            facts["image_data_format"] = self.keras.backend.image_data_format()
        else:
            facts["image_dim_ordering"] = self.keras.backend.image_dim_ordering()  # Keras 1
        if self.way.backend is not Session:
            # What "auto" means, asked of a model without layers: it costs nothing.
            model = self.keras.Sequential()
            model.compile(jit_compile=self.way.jit_compile, run_eagerly=self.way.run_eagerly)
            facts["jit_compile"] = "%s: %s" % (self.way.jit_compile, model.jit_compile)
            facts["run_eagerly"] = str(model.run_eagerly)
        facts.update(self.backend.about())
        return facts

    def threads(self):
        return self.backend.threads()

    def lenet(self, parameters, batch):
        if self.model is not None:
            self.backend.forget()
        kind = SessionLeNet if self.way.backend is Session else Fit if self.way.fit else LeNet
        self.model = kind(self, parameters, batch)
        return self.model

    def synchronise(self):
        self.backend.synchronise([] if self.model is None else self.model.variables())

    def mark(self):
        return self.backend.mark()

    def between(self, first, second):
        return self.backend.between(first, second)

    def reset_allocator_peak(self):
        if self.settings.device == "cuda":
            self.backend.reset_allocator_peak()

    def allocator_peak(self):
        if self.settings.device != "cuda":
            raise Unsupported("no back end of Keras reports the memory of its CPU allocator")
        return self.backend.allocator_peak()

    def matrix_product(self, size):
        keras = self.keras
        left, right = keras.random.uniform((size, size)), keras.random.uniform((size, size))
        return lambda: Result(keras, keras.ops.matmul(left, right))


class Result:
    """Something that ``numpy.asarray`` can wait for, wherever it is."""

    def __init__(self, keras, tensor):
        self.keras, self.tensor = keras, tensor

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.keras.ops.convert_to_numpy(self.tensor), dtype)


class LeNet(Model):
    """A compiled Keras model, driven by train_on_batch; images are NHWC on every back end."""

    def __init__(self, framework, parameters, batch):
        self.keras, self.code, self.batch = framework.keras, framework.code, batch
        self.backend = framework.backend
        # Until 3.15, train_on_batch of Keras 3 answers with the mean of all losses so far. What
        # ended it shows in no function, so this asks for the number:
        # https://github.com/keras-team/keras/pull/22617
        version = tuple(int(word) for word in self.keras.__version__.split(".")[:2])
        self.accumulates = (3, 0) <= version < (3, 15)
        self.names = list(parameters)
        layers = reference.layers(parameters)
        self.model = self.code.network([layer for layer in layers if layer.startswith("deep")])
        self.compile(framework.settings.learning_rate, framework.way)
        self.load(parameters)

    def compile(self, learning_rate, way):
        """Compile the model as the mode says."""
        self.code.compiled(self.model, learning_rate, way.jit_compile, way.run_eagerly)

    def stage(self, images, labels):
        # Keras 2 leaves tensors to TensorFlow.
        tensor = getattr(self.keras, "ops", self.backend).convert_to_tensor
        return tensor(native_images(images)), tensor(labels.astype(np.int32))

    def step(self, batch):
        # A number already: train_on_batch waits for it.
        before, self.mean = self.mean, self.model.train_on_batch(*batch)
        self.taken += 1
        return self.taken, before, self.mean

    def loss(self, handle):
        taken, before, mean = handle
        return float(taken * mean - (taken - 1) * before if self.accumulates else mean)

    def logits(self, images):
        return np.asarray(self.model.predict_on_batch(native_images(images)))

    def parameters(self):
        # Copies: on the CPU Keras may hand out the memory that the next step writes to.
        arrays = [np.array(array) for array in self.model.get_weights()]
        return to_canonical(arrays, self.names)

    def load(self, parameters):
        # Copies again: a back end may compute in the arrays that it is given.
        self.model.set_weights([np.array(array) for array in to_native(parameters)])
        if self.accumulates:
            self.model.reset_metrics()
        self.taken, self.mean = 0, 0.0

    def place(self):
        variables = self.variables()
        return self.backend.place(variables[0]) if variables else None

    def variables(self):
        """Return the back end's arrays of weights."""
        return [variable.value for variable in self.model.trainable_variables]


class SessionLeNet(LeNet):
    """The model of Keras 1 and 2 on TensorFlow 1: train_on_batch feeds arrays to a graph."""

    def compile(self, learning_rate, way):
        self.code.compiled(self.model, learning_rate)
        self.scores = self.code.scorer(self.model)

    def stage(self, images, labels):
        return native_images(images), labels.astype(np.int32)

    def logits(self, images):
        return self.scores([native_images(images)])[0]

    def variables(self):
        return []  # nothing has to wait for them


class Fit(LeNet):
    """The same model, driven by fit: an epoch of our 4,000 digits in one call."""

    chunk = 62

    def stage(self, images, labels):
        return self.stage_many([(images, labels)])

    def step(self, batch):
        return self.many(batch)

    def loss(self, handle):
        return self.losses(handle)[0]

    def stage_many(self, batches):
        # NumPy, as everybody passes it to fit.
        images, labels = zip(*batches)
        return native_images(np.concatenate(images)), np.concatenate(labels)

    def many(self, staged):
        return self.code.fit(self.model, *staged, batch=self.batch)

    def losses(self, handle):
        # Running means, see code.fit: the sums they stem from differ by one loss each.
        sums = [(place + 1) * mean for place, mean in enumerate(handle)]
        return [sums[0]] + [sums[place] - sums[place - 1] for place in range(1, len(sums))]


def native_images(images):
    """Return images as Keras' layers take them by default: NHWC."""
    return np.ascontiguousarray(np.transpose(images, (0, 2, 3, 1)))


def to_native(parameters):
    """Return Keras' arrays: convolutions HWIO, dense1 fed by a flattened H, W, C."""
    native = []
    for name, array in parameters.items():
        value = array
        if array.ndim == 4:
            value = array.transpose(2, 3, 1, 0)
        elif name == "dense1_weight":
            value = array.reshape(50, 4, 4, 500).transpose(1, 2, 0, 3).reshape(800, 500)
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
