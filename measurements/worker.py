"""One process, one framework, one configuration: run the sections asked for and write their rows.

Started by the generator as ``python -m measurements.worker JOB OUT`` in the framework's own
interpreter. JOB is a JSON file (see ``measure.runner``); OUT receives one JSON object a line,
each flushed to disk at once, so that a process that dies leaves everything it had measured:

    {"row": {"section", "case", "metric", "unit", "sample", "value", "status", "reason"}}
    {"fact": {"name": value, ...}}      what the run's JSON should remember
    {"done": true}                      the last line of a process that reached its end

Standard output and standard error are logs and carry no results.
"""

import ctypes
import importlib
import json
import math
import os
import signal
import sys
import time
import traceback
import types

from measurements import contract, cuda_driver, gate, lenet, memory, scripts


class Session:
    """What a section's ``measure(session)`` works with.

    The framework is imported and the model is built on first use, and each of these phases is
    timed once, so that sections can share a process: ``compile`` publishes the phases that the
    first of them has to go through anyway.
    """

    def __init__(self, job, out):
        self.job = job
        self.settings = contract.Settings(**job["settings"])
        self.phases = {}
        self._out = out
        self._section = None
        self._framework = None
        self._refused = None
        self._model = None
        self._data = None
        self._reference = None
        self.gate_losses = []
        self.gate_parameters = None
        self.rss_imported = None
        self.driven = None

    # -- what is measured ------------------------------------------------------------------

    @property
    def framework(self):
        """The adapter; its import is timed as phase ``import_time``."""
        if self._refused:
            raise self._refused
        if self._framework is None:
            module = _load_folder(self.job["folder"])
            try:
                self._check_precision()
                start = time.perf_counter()
                self._framework = module.Adapter(self.settings)
            except contract.Unsupported as gap:
                self._refused = gap  # most frameworks are not to be asked a second time
                raise
            self.phases["import_time"] = time.perf_counter() - start
            self.rss_imported = memory.resident()
            self.fact(build=self._framework.about(), threads_read_back=self._framework.threads())
        return self._framework

    def _check_precision(self):
        """Refuse a precision that the GPU does not have; frameworks compute in another one then."""
        settings = self.settings
        if settings.device == "cuda" and settings.precision != "float32":
            generation = cuda_driver.generation()
            if generation is not None and generation < 8:
                raise contract.Unsupported(
                    "a GPU of compute capability %d has no products of %s: they came with 8.0"
                    % (generation, settings.precision),
                    "https://docs.nvidia.com/cuda/ampere-tuning-guide/index.html",
                )

    @property
    def model(self):
        """LeNet at the seeded weights; building it is timed as phase ``build_time``."""
        if self._model is None:
            framework = self.framework
            start = time.perf_counter()
            self._model = framework.lenet(self.initial_parameters, self.settings.batch)
            framework.synchronise()
            self.phases["build_time"] = time.perf_counter() - start
            self.check_place(self._model)
        return self._model

    def check_place(self, model):
        """Raise an error if the weights are not on the device that the rows will name."""
        found = model.place()
        if found not in (None, self.settings.device):
            asked = self.settings.device
            raise RuntimeError(
                "the weights are on the device %s; asked for was %s" % (found, asked)
            )

    @property
    def data(self):
        """The digits, see ``measurements.lenet.Data``."""
        if self._data is None:
            self._data = lenet.load_data(self.job.get("data_dir"))
        return self._data

    @property
    def initial_parameters(self):
        """Seeded weights in canonical layout."""
        return lenet.initial_parameters()

    @property
    def reference(self):
        """The float64 reference of the gate, see ``measurements.gate``."""
        if self._reference is None:
            settings = self.settings
            self._reference = gate.reference(self.data, settings.batch, settings.learning_rate)
        return self._reference

    def batches(self, steps):
        """Return the first ``steps`` training batches as (images, labels) in the agreed order."""
        data = self.data
        order = lenet.batch_indices(len(data.train_labels), self.settings.batch, steps, lenet.SEED)
        return [(data.train_images[index], data.train_labels[index]) for index in order]

    def first_step(self):
        """Take step 1 of the gate once, timed as phase ``first_step_time``; return its loss.

        Later calls return the loss that was already taken. The weights after the step are kept in
        ``gate_parameters``: the gate recovers the gradient from them.
        """
        if not self.gate_losses:
            model = self.model
            images, labels = self.batches(1)[0]
            start = time.perf_counter()
            handle = model.step(model.stage(images, labels))
            self.framework.synchronise()
            self.gate_losses.append(model.loss(handle))
            self.phases["first_step_time"] = time.perf_counter() - start
            self.gate_parameters = model.parameters()
        return self.gate_losses[0]

    def first_step_fault(self):
        """Return "", or how step 1 differs from the reference: for processes without a gate."""
        loss, settings = self.first_step(), self.settings
        initial, rate = self.initial_parameters, settings.learning_rate
        gradients = gate.recover_gradients(initial, self.gate_parameters, rate)
        checks = gate.compare(self.reference, (), gradients, [loss], rate, settings.precision)
        return gate.first_difference(
            [
                check
                for check in checks
                if check.quantity.startswith("gradient") or check.quantity.endswith(" step 1")
            ]
        )

    def train(self):
        """Take as many steps as the gate has, the way they are timed; return when they are done."""
        model, batches = self.model, self.batches(lenet.GATE_STEPS)
        if model.chunk > 1:
            model.many(model.stage_many(batches))
        else:
            for images, labels in batches:
                model.step(model.stage(images, labels))
        self.framework.synchronise()

    def gate_steps(self):
        """Take all steps of the gate once, the way they are timed; return their losses."""
        self.first_step()
        model = self.model
        if model.chunk > 1:  # other code than a single step: all of its steps are looked at
            model.load(self.initial_parameters)
            batches = self.batches(lenet.GATE_STEPS)
            self.gate_losses = model.losses(model.many(model.stage_many(batches)))
        for images, labels in self.batches(lenet.GATE_STEPS)[len(self.gate_losses) :]:
            self.gate_losses.append(model.loss(model.step(model.stage(images, labels))))
        return self.gate_losses

    def script(self, name):
        """Return module ``name`` of the framework's folder, completed by its defaults.

        Where there is no such file it holds nothing else; see ``measurements.scripts``.
        """
        module = types.ModuleType(name)
        if os.path.exists(os.path.join(self.job["folder"], name + ".py")):
            if "framework_under_test" not in sys.modules:
                _load_folder(self.job["folder"])
            module = importlib.import_module("framework_under_test." + name)
        return scripts.complete(module, name)

    # -- what comes out --------------------------------------------------------------------

    def emit(self, metric, value, sample=None, case="", status="ok", reason=""):
        """Write one row; ``value`` is a number in the metric's unit or None.

        The case of an A/A replicate begins with the job's mark; sections do not know of it.
        """
        if value is not None:
            value = float(value)
            if not math.isfinite(value):
                value, status, reason = None, "wrong", reason or "the value is not finite"
        self._write(
            row={
                "section": self._section,
                "case": (self.job.get("mark", "") + " " + case).strip(),
                "metric": metric,
                "unit": self._metrics[metric].unit,
                "sample": sample,
                "value": value,
                "status": status,
                "reason": reason,
            }
        )

    def unsupported(self, metric, error, case=""):
        """Write one row that says why the framework cannot do this."""
        reason = error.reason + (" (%s)" % error.source if error.source else "")
        self.emit(metric, None, case=case, status="unsupported", reason=reason)

    def fact(self, **facts):
        """Remember facts about this process in the run's JSON."""
        self._write(fact=facts)

    def _write(self, **entry):
        self._out.write(json.dumps(entry) + "\n")
        self._out.flush()

    def run(self, driven=None):
        """Run every section of the job; return the process's exit code.

        Args:
            driven: what ``measurements/worker.R`` measured by driving the framework from R.

        """
        failed = False
        self.driven = driven
        for name in self.job["sections"]:
            module = importlib.import_module("measurements.sections." + name)
            self._section, self._metrics = name, module.SECTION.metrics
            headline, case = next(iter(self._metrics)), self.job.get("case", "")
            try:
                module.measure(self)
            except contract.Unsupported as gap:
                self.unsupported(headline, gap, case=case)
            except Exception as error:  # the framework may raise anything; its log keeps it all
                failed = True
                traceback.print_exc()
                text = traceback.format_exception_only(type(error), error)[-1]
                reason = " ".join(text.split())[:500]
                self.emit(headline, None, case=case, status="failed", reason=reason)
        if self._framework is not None and self.settings.device == "cuda":
            bus_id = cuda_driver.bus_id()
            if bus_id:
                self.fact(gpu=bus_id)
        self._write(done=True)
        return 1 if failed else 0


def _load_folder(folder):
    """Import ``adapter.py`` of a framework folder as part of a package with a neutral name.

    The folder itself is called like the framework it measures, so it must never be found under
    that name.
    """
    package = types.ModuleType("framework_under_test")
    package.__path__ = [folder]
    sys.modules["framework_under_test"] = package
    return importlib.import_module("framework_under_test.adapter")


def _die_with_parent():
    """Ask Linux to kill this process when the generator is killed, so that none is orphaned."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG, see prctl(2)
    except (AttributeError, OSError, TypeError):
        pass  # another system: the generator kills the process group when it can


def begin(job_path, out):
    """Return the :class:`Session` of a job file, writing rows to the open file ``out``."""
    _die_with_parent()
    with open(job_path) as file:
        job = json.load(file)
    affinity = job.get("affinity")
    if affinity and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, affinity)
    session = Session(job, out)
    if hasattr(os, "sched_getaffinity"):
        session.fact(affinity=sorted(os.sched_getaffinity(0)))
    session.fact(python="%d.%d.%d" % sys.version_info[:3])
    return session


def main(arguments):
    """Run the job file ``arguments[0]`` and write rows to ``arguments[1]``."""
    with open(arguments[1], "a") as out:
        return begin(arguments[0], out).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
