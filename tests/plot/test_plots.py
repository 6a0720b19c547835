"""Pictures of networks: what is on the axes is what the network is."""

import sys

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, MissingExtraError, ShapeError

CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])


def crossing():
    """relu(x1) - relu(x2): kinks on both axes of the plane, and the boundary x1 = x2 where both are positive."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].weight.assign(np.eye(2))
    net[0].bias.assign([0.0, 0.0])
    net[2].weight.assign([[1.0, -1.0]])
    net[2].bias.assign([0.0])
    return net


def lines(figure):
    """The points of each contour line, black and thin ones being kinks."""
    found = []
    for drawn in figure.axes[0].collections:
        if hasattr(drawn, "levels") and not drawn.filled:
            width = drawn.get_linewidths()[0]
            found += [(width, path.vertices) for path in drawn.get_paths() if len(path.vertices)]
    return found


def test_kink_lines_and_the_boundary_are_where_they_are():
    figure = sg.plot.boundary(crossing(), CORNERS, [0, 1, 1, 0], points=41)
    kinks = [points for width, points in lines(figure) if width < 1]
    assert len(kinks) == 2
    assert sorted(int(np.argmin(np.abs(points).max(axis=0))) for points in kinks) == [0, 1]
    assert min(np.abs(points).max(axis=0).min() for points in kinks) < 1e-6
    meeting = np.concatenate([points for width, points in lines(figure) if width > 1])
    clear = meeting[(meeting > 0.1).all(axis=1)]
    np.testing.assert_allclose(clear[:, 0], clear[:, 1], atol=1e-6)
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["0", "1"]
    plain = sg.plot.boundary(crossing(), CORNERS, kinks=False, points=41)
    assert all(width > 1 for width, _ in lines(plain))
    assert plain.axes[0].get_legend() is None


def test_several_classes_meet_where_scores_are_equal(tmp_path):
    net = nn.Linear(2, 3)
    net.weight.assign([[1.0, 0.0], [-1.0, 0.0], [0.0, 5.0]])
    net.bias.assign([0.0, 0.0, -100.0])  # the third class is nowhere
    path = tmp_path / "classes.svg"
    figure = sg.plot.boundary(net, sg.tensor(CORNERS), ["a", "b", "a", "b"], points=21, path=path)
    assert path.read_text(encoding="utf-8").startswith("<?xml")
    vertices = np.concatenate([points for _, points in lines(figure)])
    np.testing.assert_allclose(vertices[:, 0], 0, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sg.plot.boundary(nn.Linear(3, 1), np.ones((4, 3))), ShapeError, r"points \(n, 2\); got \(4, 3\)"),
        (lambda: sg.plot.boundary(nn.Linear(2, 1), [[0, np.nan]]), DataError, "X holds 1 NaN or inf"),
        (lambda: sg.plot.boundary(nn.Linear(2, 1), CORNERS, [1, 2]), ShapeError, "4 points need as many labels"),
        (lambda: sg.plot.boundary(nn.Lambda(lambda x: x.sum()), CORNERS), ShapeError, "the network returned"),
        (lambda: sg.plot.boundary(nn.Linear(2, 1), CORNERS, points=1), ArgumentError, "got 1"),
        (lambda: sg.plot.boundary(nn.Linear(2, 1), CORNERS, path="a.xyz"), ArgumentError, "a.xyz"),
        (lambda: sg.plot.landscape(nn.ReLU(), CORNERS, CORNERS, loss="squared"), ArgumentError, "no weights"),
        (lambda: sg.plot.landscape(nn.Linear(2, 1), CORNERS, [0] * 4, loss="squared", span=0), ArgumentError, "span"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_landscape_has_the_losses_of_moved_weights():
    """Of one weight w: the loss is (w + a·|w|·s)², with signs s of the two directions."""
    net = nn.Linear(1, 1, bias=False)
    net.weight.assign([[2.0]])
    from subgrad.plot.landscape import _heights

    steps = np.array([-1.0, 0.0, 1.0])
    found = _heights(net, [[1.0]], [[0.0]], "squared", steps, seed=0)
    a = 2 * steps[None, :]
    expected = [(2 + s * a + t * a.T) ** 2 for s in (1, -1) for t in (1, -1)]
    assert any(np.allclose(found, e) for e in expected)
    assert net.weight.numpy() == 2.0
    figure = sg.plot.landscape(net, [[1.0]], [[0.0]], loss="squared", points=3)
    assert [axes.get_ylabel() for axes in figure.axes] == ["second direction", "loss"]


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'subgrad\[plot\]'"):
        sg.plot.boundary(nn.Linear(2, 1), CORNERS)
