"""PyTorch's whole step as one CUDA graph, on a stand-in that captures and replays NumPy."""

import contextlib
import importlib.util
import sys
import types

import numpy as np
import pytest

from generator.catalog import loader


class Tensor:
    """A place in memory."""

    def __init__(self, value):
        self.value = np.array(value, float)

    def clone(self):
        return Tensor(self.value)

    def detach(self):
        return self

    def copy_(self, other):
        self.value[...] = other.value


class Torch(types.ModuleType):
    """Work is done when it is launched, or captured and done by every replay."""

    def __init__(self):
        super().__init__("torch")
        self.capturing, self.replays, self.log = None, 0, []
        self.cuda, self.no_grad = self, contextlib.nullcontext

    def launch(self, work):
        self.log.append("work" if self.capturing is None else "captured")
        work() if self.capturing is None else self.capturing.append(work)

    def Stream(self):  # noqa: N802
        return types.SimpleNamespace(wait_stream=lambda other: self.log.append("waits"))

    current_stream = Stream

    def stream(self, stream):
        return contextlib.nullcontext()

    def CUDAGraph(self):  # noqa: N802
        captured = []

        def replay():
            self.replays += 1
            for work in captured:
                work()

        return types.SimpleNamespace(captured=captured, replay=replay)

    @contextlib.contextmanager
    def graph(self, graph):
        self.capturing = graph.captured
        yield
        self.capturing = None


@pytest.fixture
def step(monkeypatch):
    """Return the stand-in, a weight, and a step that adds images to it and returns their sum."""
    torch, weight = Torch(), Tensor([1.0, 2.0])
    loss = Tensor(0.0)

    def take(images, labels):
        def work():
            loss.value[...] = (weight.value * images.value).sum() + labels.value.sum()
            weight.value += images.value

        torch.launch(work)
        return loss

    net = types.SimpleNamespace(parameters=lambda: [weight])
    optimizer = types.SimpleNamespace(zero_grad=lambda: torch.log.append("no gradients"))
    monkeypatch.setitem(sys.modules, "torch", torch)
    path = loader.load().framework("pytorch").folder / "cuda_graph.py"
    spec = importlib.util.spec_from_file_location("cuda_graph_under_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return torch, weight, lambda *batch: module.WholeStep(net, optimizer, take, *batch)


BATCHES = [(Tensor([1.0, n]), Tensor([n])) for n in range(3)]


def test_a_captured_step_is_one_replay_and_does_what_the_step_does(step):
    torch, weight, capture = step
    whole = capture(*BATCHES[0])
    assert torch.replays == 0
    expected, losses = np.array([1.0, 2.0]), []
    for images, labels in BATCHES:
        losses.append((expected * images.value).sum() + labels.value.sum())
        expected += images.value
    found = [whole(*batch) for batch in BATCHES]
    assert [float(loss.value) for loss in found] == losses, "no later step writes over a loss"
    assert (weight.value == expected).all()
    assert torch.replays == len(BATCHES)


def test_capturing_trains_nothing_and_begins_without_gradients(step):
    torch, weight, capture = step
    images, labels = BATCHES[1]
    capture(images, labels)
    assert (weight.value == [1.0, 2.0]).all()
    assert torch.log == ["waits", "work", "work", "work", "waits", "no gradients", "captured"]
    assert (images.value == [1.0, 1.0]).all()
