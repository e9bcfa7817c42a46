"""What a framework folder offers to the measuring code, and what a section offers to the plan.

This module runs inside every framework's own interpreter: standard library only,
Python 3.6 syntax, so that the releases of 2016 can run it.

A framework folder holds ``adapter.py`` with one subclass of :class:`Framework`
called ``Adapter``. The base classes here answer "unsupported" to everything, so an
adapter states only what its framework can do; the other scripts of a folder have their defaults in
``measurements.scripts``. The folder is loaded by path as a package
(never put on ``sys.path``: a folder called ``theano`` would shadow the real one), so
``from . import lenet`` works inside it.
"""

from collections import namedtuple


class Unsupported(Exception):
    """The framework has no way to do this: a result, not an error.

    Attributes:
        reason: why, in one sentence that a reader understands.
        source: address of the page that says so, or an empty string when it was found by trying.

    """

    def __init__(self, reason, source=""):
        super().__init__(reason)
        self.reason = reason
        self.source = source

    def __call__(self, *arguments, **options):
        """Raise it: standing in the place of a function, it answers when it is called."""
        raise self


NOT_WRITTEN = Unsupported("not written yet")
"""The answer of a folder that does not have something; nobody has looked whether it could."""


def offered(thing):
    """Return what a folder offers, or raise the :class:`Unsupported` that stands in its place."""
    if isinstance(thing, Unsupported):
        raise thing
    return thing


Settings = namedtuple(
    "Settings",
    "mode device threads precision batch learning_rate cache preallocate deterministic options",
)
Settings.__new__.__defaults__ = (True, False, {})
Settings.__doc__ = """How one worker process runs its framework.

mode           id of a mode declared in framework.toml
device         "cpu" or "cuda"
threads        number of CPU threads the framework may use
precision      "float32" (IEEE, no TF32), "tf32" or "bfloat16"
batch          images per training step
learning_rate  of plain SGD
cache          folder that outlives the process, for compile caches
preallocate    whether a framework may take the memory of a GPU in advance, as it does by default;
               not where that memory is measured
deterministic  whether a GPU's libraries may use deterministic algorithms only: for a second look at
               what was wrong with those that they choose, and never for what is published
options        what a variant of the mode changes, by name; empty for the mode as it is
"""


class Framework:
    """One framework, in one mode, in one process.

    The constructor imports the framework and applies device, threads and precision: the time it
    takes is published as *import time*. It must raise :class:`Unsupported` for a device that this
    installation cannot use.
    """

    def __init__(self, settings):
        self.settings = settings

    def about(self):
        """Return a flat dict of strings and numbers: version, build flags, BLAS, CUDA, cuDNN."""
        return {}

    def threads(self):
        """Return a flat dict with the thread counts read back from the framework's own pools."""
        return {}

    def lenet(self, parameters, batch):
        """Build LeNet with the given weights and return a :class:`Model`.

        Args:
            parameters: ordered dict name -> float32 array in the canonical layout of
                ``measurements.lenet`` (convolutions OIHW, dense layers input x output). Its names
                say how deep the network is: for every ``deep<n>_weight`` and ``deep<n>_bias``
                there is one more 3x3 convolution with tanh between second pooling and flattening.
            batch: images per training step, for frameworks that compile for one shape.

        A process may build several models, one after another. The time the first one takes is
        published as *build time*.

        """
        raise NOT_WRITTEN

    def synchronise(self):
        """Return only when the device has finished everything that was enqueued."""

    def mark(self):
        """Enqueue a mark on the device and return it, for :meth:`between`."""
        raise Unsupported("the framework offers no events of the device")

    def between(self, first, second):
        """Return the seconds between two marks on the device's own clock; both have passed."""
        raise NotImplementedError

    def reset_allocator_peak(self):
        """Start a new peak of the framework's own allocator; see :meth:`allocator_peak`.

        One that cannot raises :class:`Unsupported`: its peak is that of the whole process.
        """

    def allocator_peak(self):
        """Return ``{"peak": bytes, "reserved": bytes}`` of the framework's own allocator."""
        raise Unsupported("the framework offers no allocator figure on this device")

    def matrix_product(self, size):
        """Return a function of no arguments that enqueues one size x size product.

        It is computed in the precision of the settings. Its result, turned into a NumPy array by
        ``numpy.asarray``, must wait for the product. Used
        to measure the plausibility ceiling on devices that NumPy cannot reach.
        """
        raise Unsupported("no matrix product offered")


class Model:
    """LeNet under training, as the framework's experts would write it.

    Attributes:
        chunk: steps that one call of :meth:`many` is timed with. 1 means that the framework is
            driven step by step; a mode that takes many steps in one call (Keras' ``fit``, a scan
            over steps) says how many, and overrides :meth:`stage_many`, :meth:`many` and
            :meth:`losses`.

    """

    chunk = 1

    def stage(self, images, labels):
        """Place one batch where the framework wants it and return a handle for :meth:`step`.

        Args:
            images: float32 array, batch x 1 x 28 x 28, values 0 to 1.
            labels: int64 array, batch.

        """
        return images, labels

    def pin(self, images, labels):
        """Return a batch in page-locked memory of the host, for :meth:`stage_pinned`.

        A GPU copies from there by itself; from other memory the driver first copies to such.
        """
        raise Unsupported("the framework offers no page-locked memory of the host")

    def stage_pinned(self, batch):
        """Place a batch of :meth:`pin` as :meth:`stage` does; may return before it is copied."""
        raise NotImplementedError

    def step(self, batch):
        """Run one SGD step on a staged batch; may return before the device has finished.

        Returns:
            A handle of the mean cross-entropy *before* the update, for :meth:`loss`.

        """
        raise NotImplementedError

    def loss(self, handle):
        """Return the loss behind a handle of :meth:`step` as a float; waits if it must."""
        return float(handle)

    def stage_many(self, batches):
        """Place many batches, a list of (images, labels), where :meth:`many` wants them."""
        return [self.stage(images, labels) for images, labels in batches]

    def many(self, staged):
        """Run one SGD step on each of the staged batches; may return early like :meth:`step`."""
        return [self.step(batch) for batch in staged]

    def losses(self, handle):
        """Return the losses behind a handle of :meth:`many`, a list of floats; waits if it must."""
        return [self.loss(item) for item in handle]

    def logits(self, images):
        """Return the 10 class scores before softmax, as a float32 array, images x 10.

        Called with any number of images; an adapter may split or pad, and returns NumPy, so it
        waits for the device.
        """
        raise NotImplementedError

    def parameters(self):
        """Return the current weights as an ordered dict in the canonical layout; waits."""
        raise NotImplementedError

    def place(self):
        """Return "cpu" or "cuda": where the framework says that the weights are, or None."""

    def load(self, parameters):
        """Replace the weights (canonical layout) in place, without building anything anew."""
        raise NotImplementedError


Metric = namedtuple("Metric", "unit title better")
Metric.__doc__ = 'unit ("s", "B", "1", ...), short title, better ("lower", "higher" or "")'

Section = namedtuple(
    "Section",
    "title order question group metrics starts scope blocks script cases uses findings addition "
    "devices alone once",
)
Section.__new__.__defaults__ = ("", {}, (), "modes", {}, "", (), (), False, "", ("cpu",), (), ())
Section.__doc__ = """Facts of one section; its module's name is its id everywhere.

title     page title, the article's own where it has one
group     heading of the navigation that holds the page, "" for the top level
order     position in the article (pages are sorted by it)
question  the question the page answers, one sentence
metrics   ordered dict id -> Metric: every metric its rows may carry
starts    how its processes start: () is not measured, "warm" finds warm compile caches,
          "cold" begins with empty ones
scope     what is measured once: "modes", every mode of a framework; "pairs", the default mode and
          those that are the same program executed at once and as a graph (``captures`` in
          framework.toml); "framework", the default mode only
blocks    empty: as many as the profile says, in the processes that such sections share. Otherwise
          profile -> blocks: the section has processes (and compile caches) of its own, in the
          profile's first lane only; a profile that is not named does not measure it
script    file of a framework's folder that the section is about: its lines are counted, and where
          the section has processes of its own, no other section depends on the file. One that ends
          in ".R" is run by measurements/worker.R instead of the worker, case "python" excepted
cases     of a section with processes of its own: names of what each of them measures, one process
          a case; the job says which
uses      files of ``measurements/`` that it shares with nobody but its scripts: part of its code
findings  its rows answer questions: "wrong", "failed" and "unsupported" are answers and no failure
          of the process that gives them
addition  name of packages that its processes need beside the framework, see
          ``[versions.requirements]``: "reuse" stands for "cpu+reuse" there
devices   where its scripts compute, as the job's settings say; on another device it is a gap
alone     devices on which its processes run no other section
once      devices on which it is measured in the profile's first lane only

A module with ``starts`` also defines ``measure(session)``; see ``measurements.worker.Session``.
"""
