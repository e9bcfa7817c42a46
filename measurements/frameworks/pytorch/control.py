"""Control flow in PyTorch: cond, while_loop and scan, executed at once and compiled.

https://docs.pytorch.org/docs/2.13/higher_order_ops/index.html; a loop in Python would be written
out when the program is captured, and a branch in Python breaks the graph.
"""

import torch
from torch._higher_order_ops import scan  # where the documentation imports it from

CAPTURED = "torch.compile (Inductor)"

# Inductor turns a scan into a while_loop that reads its counter, a number in a tensor.
torch._dynamo.config.capture_scalar_outputs = True


def cond(x):
    """Let the sum choose a branch."""
    # Not -3 * x.sum(): its gradient is one number expanded, and cond refuses other strides.
    return torch.cond(x.sum() > 0, lambda x: (x * x).sum(), lambda x: (-3 * x).sum(), (x,))


def halve(x):
    """Halve until the sum of squares is below one."""

    def large(x, total):  # noqa: ARG001
        return (x * x).sum() > 1

    def body(x, total):
        return x / 2, total + x.sum()

    # What starts without a gradient loses the gradient that it gathers, without a warning.
    x, total = torch.while_loop(large, body, (x, x.new_zeros(())))
    return total + (x * x).sum()


def recurrence(w, xs):
    """Return all states of a recurrence."""

    def step(h, x):
        h = torch.tanh(w @ h + x)
        return h, h.clone()  # outputs must not share memory

    return scan(step, xs.new_zeros(w.shape[0]), xs)[1]


def nested(w, xs):
    """Take three inner steps for each row."""

    def outer(h, x):
        def inner(h, _):
            h = torch.tanh(w @ h + x)
            return h, h.sum()

        h, _ = scan(inner, h, x.new_zeros(3))
        return h, h.sum()

    return scan(outer, xs.new_zeros(w.shape[0]), xs)[0]


def early_exit(w, xs):
    """Add rows until the sum exceeds one."""

    def goes_on(i, total):
        return (i.sum() < xs.shape[0]) & (total.sum() <= 1)

    def body(i, total):
        return i + 1, total + w @ xs.index_select(0, i)[0]

    # The first row counts always. A start of zeros would give wrong gradients, as in halve().
    start = torch.ones(1, dtype=torch.int64, device=xs.device)
    return torch.while_loop(goes_on, body, (start, w @ xs[0]))[1]


def ragged(w, xs, lengths):
    """Run all sequences in step; one that has ended keeps its state."""

    def step(h, item):
        time, x = item
        h = torch.where((time < lengths)[:, None], torch.tanh(h @ w.T + x), h)
        return h, h.sum()

    times = torch.arange(xs.shape[1], device=xs.device)
    return scan(step, xs.new_zeros(xs.shape[0], w.shape[0]), (times, xs.transpose(0, 1)))[0]


PROGRAMS = {
    "cond": cond,
    "while": halve,
    "scan": recurrence,
    "nested": nested,
    "early-exit": early_exit,
    "ragged": ragged,
}


def eager(function, arrays):  # noqa: ARG001
    """Return the program as a function of NumPy arrays, executed at once."""
    return lambda *arrays: function(*tensors(arrays)).numpy()


def capture(function, arrays):
    """Return the program as a function of NumPy arrays, captured with the given ones."""
    compiled = compile(function)
    compiled(*tensors(arrays))
    return lambda *arrays: compiled(*tensors(arrays)).numpy()


def graph_size(function, arrays):
    """Return the number of operations of the graphs that a backend of torch.compile is given."""
    sizes = []

    def backend(graph, inputs):  # noqa: ARG001
        parts = [part for part in graph.modules() if isinstance(part, torch.fx.GraphModule)]
        sizes.extend(node.op.startswith("call") for part in parts for node in part.graph.nodes)
        return graph

    torch.compiler.reset()
    torch.compile(function, backend=backend)(*tensors(arrays))
    return sum(sizes)


def gradient(function, arrays, weights):
    """Return the gradients of the weighted sum of the output, through the compiled program."""
    inputs = tensors(arrays)
    wanted = [value.requires_grad_() for value in inputs if value.is_floating_point()]
    total = (torch.asarray(weights, dtype=torch.float32) * compile(function)(*inputs)).sum()
    return [value.numpy() for value in torch.autograd.grad(total, wanted)]


def compile(function):
    """Compile for the shapes of the first call, whatever was compiled before."""
    torch.compiler.reset()
    return torch.compile(function, options={"reorder_for_peak_memory": False})


def tensors(arrays):
    """Return tensors, float32 or of whole numbers."""
    values = [torch.asarray(value) for value in arrays]
    return [value.float() if value.is_floating_point() else value for value in values]
