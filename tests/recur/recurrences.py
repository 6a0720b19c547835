"""Loops of all kinds, as functions of tensors, with points at which to look at them."""

import numpy as np

import subgrad as sg

_rng = np.random.default_rng(5)


def normal(*shape):
    return _rng.standard_normal(shape) * 0.5


def objective(outputs):
    """One number that depends on each element of the float outputs in its own way."""
    floats = [o for o in outputs if o.dtype.kind == "f"]
    return sum(((o * np.cos(1 + np.arange(o.size)).reshape(o.shape)).sum() for o in floats), sg.tensor(0.0))


def rnn(w, u, b, xs, h):
    def cell(h, x):
        new = sg.tanh(h @ w.T + x @ u.T + b)
        return new, new

    return sg.scan(cell, h, xs)


def lstm(w, u, b, xs, h, c):
    def cell(state, x):
        h, c = state
        z = x @ u.T + h @ w.T + b
        i, f, g, o = (z[:, 4 * k : 4 * k + 4] for k in range(4))
        c = sg.sigmoid(f) * c + sg.sigmoid(i) * sg.tanh(g)
        h = sg.sigmoid(o) * sg.tanh(c)
        return (h, c), h

    return sg.scan(cell, (h, c), xs)


def without_examples(w, h, xs):
    return sg.scan(lambda h, x: (sg.tanh(w @ h + x), h.sum()), h, xs)


def mixes_examples(w, h, xs):
    def cell(h, x):
        z = h @ w + x
        z = z - z.mean(0)
        return sg.tanh(z), z

    return sg.scan(cell, h, xs)


def exchanges(a, b, xs):
    def cell(s, x):
        return {"a": s["b"], "b": s["a"] * x}, (s["a"], x, s["b"] * 0 + 1, x * x)

    return sg.scan(cell, {"a": a, "b": b}, xs)


def without_rows(r, x):
    return sg.scan(lambda x, _: (r * x * (1 - x), x), x, length=5)


def nested(w, h, xs):
    def outer(h, rows):
        last, ys = sg.scan(lambda h, x: (sg.tanh(h @ w + x), h * x), h, rows)
        return last * 0.5, (ys.sum(0), last)

    return sg.scan(outer, h, xs)


def there_and_back(w, v, h, xs):
    _, ys = sg.scan(lambda h, x: (sg.tanh(h @ w + x),) * 2, h, xs)
    return sg.scan(lambda h, x: (sg.tanh(h @ v + x),) * 2, h, ys, reverse=True)


def counts(xs):
    start = sg.tensor(0), sg.zeros(xs.shape[1:])
    return sg.scan(lambda s, x: ((s[0] + 1, s[1] * 0.9 + x * s[0].astype(x.dtype)), s[1]), start, xs)


def slices(w, h, xs):
    return sg.scan(lambda h, x: (sg.tanh(h @ w + x[:, :4] * x[:, 1:5]), x), h, xs[1:], reverse=True)


def passes_on(a, h, xs):
    return sg.scan(lambda s, x: ((s[0], s[1] * s[0] + x), s[0]), (a, h), xs)


def weight_used_thrice(w, h, xs):
    return sg.scan(lambda h, x: (sg.tanh(h @ (w * 2) + x @ w) * w[0], None), h, xs)


CASES = {
    "rnn": (rnn, [normal(4, 4), normal(4, 3), normal(4), normal(6, 2, 3), normal(2, 4)]),
    "lstm": (lstm, [normal(16, 4), normal(16, 3), normal(16), normal(5, 3, 3), normal(3, 4), normal(3, 4)]),
    "one step": (lstm, [normal(16, 4), normal(16, 3), normal(16), normal(1, 3, 3), normal(3, 4), normal(3, 4)]),
    "without examples": (without_examples, [normal(6, 6), normal(6), normal(7, 6)]),
    "mixes examples": (mixes_examples, [normal(4, 4), normal(3, 4), normal(6, 3, 4)]),
    "exchanges": (exchanges, [normal(3), normal(3), normal(5, 3)]),
    "without rows": (without_rows, [np.array(1.7), normal(3) + 1]),
    "nested": (nested, [normal(4, 4), normal(3, 4), normal(5, 2, 3, 4)]),
    "there and back": (there_and_back, [normal(4, 4), normal(4, 4), normal(3, 4), normal(5, 3, 4)]),
    "counts": (counts, [normal(4, 3)]),
    "slices": (slices, [normal(4, 4), normal(3, 4), normal(6, 3, 6)]),
    "passes on": (passes_on, [normal(3), normal(3), normal(4, 3)]),
    "weight used thrice": (weight_used_thrice, [normal(4, 4), normal(2, 4), normal(5, 2, 4)]),
}
