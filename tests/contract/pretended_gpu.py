"""Stand-ins for the frameworks that compute on GPUs: they compute nothing and know where.

What a script places, moves and computes is a :class:`Thing` with a place; where work was done is
remembered by its :class:`Pretended` machine. Each framework's own rule decides where an array goes
that nobody placed: PyTorch's and MXNet's stay on the processor, TensorFlow's, JAX's and Keras' go
to the first GPU that they see. The query for GPUs answers as one GPU that CUDA shows would.
"""

import functools
import operator
import os
import sys
import types

import numpy as np

BRINGS = {"to", "as_in_context", "as_in_ctx"}
"""Methods that return their object in another place."""

READS = {"cpu", "pin_memory", "numpy", "asnumpy", "item", "asscalar"}
"""Methods that bring something to the host, for people to look at."""

WRITES = {"copy_", "set_data", "assign", "set_params", "init_params", "load_state_dict"}
"""Methods that accept values from wherever they are."""

STARTS = {"initialize", "load_parameters"}
"""Methods that place the weights of their object."""


class Torn(Exception):
    """What a framework raises where one operation has things of two devices."""


class Pretended:
    """A machine with one GPU, and an installation of every framework that can use it."""

    def __init__(self):
        self.worked = set()
        """Places where something was computed."""
        self.default = "cpu"
        """Where the framework puts what nobody placed."""
        self.told = {}
        """Settings that are calls, by the name of the function or option."""

    @property
    def gpus(self):
        """How many GPUs CUDA shows."""
        return 0 if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") else 1

    @property
    def best(self):
        """Where frameworks go that take a GPU if there is one."""
        return "cuda" if self.gpus else "cpu"

    def thing(self, place=None):
        """Return something that is there."""
        return Thing(self, place)

    def work(self, *parts):
        """Remember work on some parts and return the result; a framework refuses two places."""
        places, arrays = set(), False
        for part in _flat(parts):
            arrays = arrays or isinstance(part, np.ndarray)
            if isinstance(part, (Thing, Module)) and part.place:
                places.add(part.place)
        if arrays and not places:
            places = {self.default}
        self.worked |= places
        if len(places) > 1:
            raise Torn(f"work on things that are in {sorted(places)}")
        return self.thing(*places)


def _flat(parts):
    for part in parts:
        if isinstance(part, (list, tuple)):
            yield from _flat(part)
        elif isinstance(part, dict):
            yield from _flat(part.values())
        else:
            yield part


def place_of(device):
    """Return "cuda", "cpu" or None, of what a framework calls a device."""
    text = str(device).lower()
    return "cuda" if "cuda" in text or "gpu" in text else "cpu" if "cpu" in text else None


class Thing:
    """A module, function, array or layer of a framework: anything can be asked of it."""

    def __init__(self, machine, place=None, owner=None, name=""):
        self.machine, self.place, self.owner, self.name = machine, place, owner, name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = Thing(self.machine, self.place, self, name)
        if self.place is None:  # a module: its members are the same ones every time
            setattr(self, name, found)
        return found

    def __call__(self, *given, **named):
        if given and isinstance(given[0], types.FunctionType):
            return given[0]  # compiled, or remembered: the same function
        told = next((named[key] for key in ("device", "ctx", "context") if key in named), None)
        if self.name in BRINGS:
            return self.machine.thing(place_of(given[0]))
        if self.name in READS:
            return self.machine.thing("cpu")
        if self.name in WRITES:
            return self
        if self.name in STARTS:
            self.owner.place = place_of(told) or "cpu"
            self.machine.worked.add(self.owner.place)
            return self.owner
        if told is not None:
            return self.machine.thing(place_of(told))
        return self.machine.work(self, given, named)

    def __iter__(self):
        return iter([Thing(self.machine, self.place) for _ in range(8)])

    def __getitem__(self, key):
        return Thing(self.machine, self.place)

    def __setitem__(self, key, value):
        pass

    def __len__(self):
        return 64

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __neg__(self):
        return self.machine.work(self)

    def __bool__(self):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.zeros(1)

    def __mro_entries__(self, bases):
        return ()


def _both(left, right):
    return left.machine.work(left, right)


for _name in ("add", "sub", "mul", "truediv", "matmul", "pow"):
    setattr(Thing, f"__{_name}__", _both)
    setattr(Thing, f"__r{_name}__", _both)
del _name


class Module:
    """Of PyTorch: its weights are on the processor until it is moved."""

    machine = None

    def __init__(self, *layers):
        self.place = "cpu"

    def __call__(self, *given):
        self.machine.work(self, given)
        return self.forward(*given) if hasattr(self, "forward") else self.machine.work(self, given)

    def __getattr__(self, name):
        if name.startswith("__") or name == "forward":
            raise AttributeError(name)
        return Thing(self.machine, self.__dict__.get("place"), self, name)

    def to(self, device, **format):
        self.place = place_of(device)
        return self

    def parameters(self):
        return [self.machine.thing(self.place) for _ in range(8)]


def torch(machine):
    """Return PyTorch."""
    found = machine.thing()
    found.device = str
    found.from_numpy = lambda array: machine.thing("cpu")
    found.cuda.is_available = lambda: machine.gpus > 0
    found.accelerator.is_available = lambda: machine.gpus > 0
    found.accelerator.current_accelerator = lambda: "cuda"
    kind = type("Module", (Module,), {"machine": machine})
    found.nn.Module = found.nn.Sequential = kind
    found.nn.ModuleList = list
    batch = machine.thing("cpu"), machine.thing("cpu")
    found.utils.data.TensorDataset = lambda *tensors: machine.thing()
    found.utils.data.DataLoader = lambda *given, **named: [batch, batch]
    return found, ("nn", "nn.functional", "utils.data")


def tensorflow(machine):
    """Return TensorFlow, which takes the first GPU that is visible."""
    found = machine.thing()
    found.config.list_physical_devices = lambda kind: ["GPU:0"] * machine.gpus
    machine.default = machine.best

    def show(devices, kind):
        assert kind == "GPU"
        machine.default = "cuda" if devices else "cpu"

    found.config.set_visible_devices = show
    for name in ("set_memory_growth", "enable_tensor_float_32_execution", "enable_op_determinism"):

        def tell(*given, name=name):
            machine.told[name] = given[-1] if given else True

        setattr(found.config.experimental, name, tell)
    return found, ("keras",)


def jax(machine):
    """Return JAX with Flax and Optax: it takes the first device of its first platform."""
    found = machine.thing()
    machine.default = machine.best

    def update(option, value):
        machine.told[option] = value
        if option == "jax_platforms":
            machine.default = place_of(value)

    def devices():
        if machine.default == "cuda" and not machine.gpus:
            raise RuntimeError("no CUDA device")
        return [machine.thing()]

    found.config.update, found.devices = update, devices
    found.device_put = lambda value, device=None: (
        tuple(map(machine.work, value)) if isinstance(value, tuple) else machine.work(value)
    )
    found.tree.map = lambda function, *trees: {
        name: function(*(tree[name] for tree in trees)) for name in trees[0]
    }
    found.value_and_grad = lambda function: lambda *given: (function(*given), given[0])
    found.lax.scan = lambda function, weights, batches: (weights, machine.work(weights, batches))
    return found, ("numpy",)


def flax(machine):
    """Return Flax: its modules are called with arrays of JAX."""
    found = machine.thing()
    found.nnx.value_and_grad = lambda function: lambda *given: (function(*given), given[0])
    found.nnx.split = lambda node: (isinstance(node, tuple), machine.thing())
    found.nnx.merge = lambda pair, state: (machine.thing(), state) if pair else machine.thing()
    found.nnx.cached_partial = functools.partial
    found.nnx.List = list
    found.nnx.Module = object
    return found, ("nnx",)


def mxnet(machine):
    """Return MXNet: contexts are given, and the default one is the processor."""
    found = machine.thing()
    found.cpu, found.gpu = (lambda *number: "cpu"), (lambda *number: "gpu(0)")
    found.cpu_pinned = found.cpu
    found.context.num_gpus = lambda: machine.gpus
    # Whoever takes batches copies them to where it is.
    found.io.NDArrayIter = found.gluon.data.ArrayDataset = lambda *given, **named: machine.thing()
    return found, ("gluon", "gluon.nn", "gluon.contrib.estimator")


def keras(machine):
    """Return Keras on a back end that was made before; where that is PyTorch it takes the GPU."""
    found = machine.thing()
    found.__version__ = "3.15.1"
    if "torch" in os.environ["KERAS_BACKEND"]:
        machine.default = machine.best
    return found, ("layers",)


def plain(machine):
    """Return a package that computes with what another one has placed."""
    return machine.thing(), ("checkpoint",)


MAKERS = {
    "torch": torch, "tensorflow": tensorflow, "jax": jax, "flax": flax, "mxnet": mxnet,
    "keras": keras, "optax": plain, "orbax": plain,
}  # fmt: skip


def install(machine, monkeypatch, *names):
    """Put stand-ins in the place of some packages, for the time of a test."""
    for name in names:
        found, submodules = MAKERS[name](machine)
        monkeypatch.setitem(sys.modules, name, found)
        for submodule in submodules:
            place = operator.attrgetter(submodule)(found)
            monkeypatch.setitem(sys.modules, f"{name}.{submodule}", place)
