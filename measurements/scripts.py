"""What the answering scripts of a framework folder may offer, with a default for everything.

One class a script, named after it: ``operators.py`` is described by :class:`Operators`. A script
that leaves something out has the default; a script that is not there is "not written yet".
Standing in the place of a function or class, an ``Unsupported(reason, source)`` says why the
framework has none. Runs inside every framework's interpreter: standard library only, Python 3.6.

``adapter.py`` is described in ``measurements.contract``, ``lenet.R`` in ``measurements/worker.R``,
and what ``lenet.py`` holds is up to the adapter that imports it.
"""

# ruff: noqa: ARG004 (a default takes what the function that takes its place is given)

from measurements.contract import NOT_WRITTEN


class HighLevel:
    """``highlevel.py``: from digits to a reloaded model, at the highest-level API."""

    INTERFACE = ""
    """Name of the API and of what is used of it, one line."""

    @staticmethod
    def train(images, labels):
        """Return a model trained for five epochs.

        Args:
            images: float32, (count, 1, 28, 28), values 0 to 1.
            labels: int64, (count,).

        """
        raise NOT_WRITTEN

    @staticmethod
    def save(model, path):
        """Write the model to a file or folder; return its path, ``path`` with a suffix or so."""
        raise NOT_WRITTEN

    @staticmethod
    def load(path):
        """Return a new model with what :func:`save` wrote."""
        raise NOT_WRITTEN

    @staticmethod
    def predict(model, images):
        """Return class scores before or after softmax, (count, 10)."""
        raise NOT_WRITTEN


class Operators:
    """``operators.py``: how each operator of ``measurements.operators`` is spelled."""

    OPERATORS = {}
    """Name of an operator -> Python expression of a function, evaluated in the script."""

    ABSENT = {}
    """Name of an operator -> why there is none, where :data:`WHY_ABSENT` would not do."""

    WHY_ABSENT = NOT_WRITTEN.reason
    """Why there is none of all others."""

    SOURCE = ""
    """Address of the framework's own list of its operators."""

    CAPTURED = ""
    """What captured mode is; for readers of the script."""

    @staticmethod
    def run(function, arguments, captured):
        """Return the outputs, one array or a list.

        Args:
            function: what an expression of :data:`OPERATORS` evaluated to.
            arguments: list of NumPy arrays.
            captured: run it as a graph instead of eagerly.

        """
        raise NOT_WRITTEN

    @staticmethod
    def gradient(function, arguments, weights):
        """Return the gradients of ``sum(weights * function(*arguments))``.

        Args:
            function: what an expression of :data:`OPERATORS` evaluated to.
            arguments: list of NumPy arrays.
            weights: one array for each output.

        Returns:
            One array for each argument that holds floats.

        """
        raise NOT_WRITTEN


class Control:
    """``control.py``: the programs of ``measurements.control``."""

    PROGRAMS = {}
    """Name of a program -> function in the framework's own constructs, or an ``Unsupported``."""

    CAPTURED = ""
    """What captured mode is; for readers of the script."""

    @staticmethod
    def eager(function, arrays):
        """Return a function of arrays that runs a program operation by operation."""
        raise NOT_WRITTEN

    @staticmethod
    def capture(function, arrays):
        """Return a function of arrays that runs a program, captured once for these shapes."""
        raise NOT_WRITTEN

    @staticmethod
    def graph_size(function, arrays):
        """Return the number of operations of the captured program, bodies of loops included."""
        raise NOT_WRITTEN

    @staticmethod
    def gradient(function, arrays, weights):
        """Return the gradients of ``sum(weights * program)``, captured.

        Args:
            function: a value of :data:`PROGRAMS`.
            arrays: inputs; gradients are taken of those that hold floats.
            weights: array of the output's shape.

        """
        raise NOT_WRITTEN


class Custom:
    """``custom.py``: the new operator of ``measurements.custom``; its native source in a file."""

    WAYS = {}
    """One of ``measurements.custom.WAYS`` -> function of a scratch folder that builds the operator
    and returns it, or an ``Unsupported``."""

    BUILTIN = NOT_WRITTEN
    """The framework's own tanh, as an operator that :func:`timed` takes."""

    LANGUAGES = {"composed": "Python", "python": "Python", "native": "C++"}
    """Way -> language that the operator is written in."""

    SOURCES = {}
    """Way -> what else was written for it: functions, classes or names of files."""

    CAPTURED = ""
    """What captured mode is; for readers of the script."""

    @staticmethod
    def evaluate(operator, x, captured):
        """Return s(x) as an array, computed as a graph if ``captured``."""
        raise NOT_WRITTEN

    @staticmethod
    def gradient(operator, x, captured):
        """Return the gradient of the sum of s(x) as an array, as a graph if ``captured``."""
        raise NOT_WRITTEN

    @staticmethod
    def timed(operator, x):
        """Return a function of no arguments that computes s(x) and its gradient, and waits.

        It returns the gradient, which ``numpy.asarray`` turns into an array.
        """
        raise NOT_WRITTEN


class Reuse:
    """``reuse.py``: transfer learning and exchange; saving and loading are in ``highlevel.py``."""

    Network = NOT_WRITTEN
    """LeNet for transfer learning: ``Network(classes, seed)``, with
    ``fit(images, labels, epochs)``, ``scores(images)``, ``convolutions()`` (their weights, a list
    of arrays), ``take_convolutions(other)`` and ``freeze()``."""

    export_onnx = NOT_WRITTEN
    """``export_onnx(model, images, path)``: writes a model of ``highlevel.py`` as ONNX and returns
    the array to feed for ``images``."""

    import_caffe = NOT_WRITTEN
    """``import_caffe(prototxt, caffemodel, images)``: imports a network from Caffe's two files and
    returns its scores of ``images``."""


class Parallel:
    """``parallel.py``: one of several processes that train LeNet together."""

    Trainer = NOT_WRITTEN
    """``Trainer(rank, size, port, settings, parameters, share)``, with ``step(images, labels)``,
    which returns the mean loss of its ``share`` of the batch, and ``close()``."""

    HOW = ""
    """What exchanges the gradients, a few words."""


SCRIPTS = {
    "highlevel": HighLevel,
    "operators": Operators,
    "control": Control,
    "custom": Custom,
    "reuse": Reuse,
    "parallel": Parallel,
}


def defaults(name):
    """Return what a script offers that leaves everything out, a dict; {} for other modules."""
    described = SCRIPTS.get(name)
    names = [] if described is None else [n for n in vars(described) if not n.startswith("__")]
    return {each: getattr(described, each) for each in names}


def complete(module, name):
    """Give a module of a framework's folder the defaults of what it leaves out; return it."""
    for each, value in defaults(name).items():
        if not hasattr(module, each):
            setattr(module, each, value)
    return module
