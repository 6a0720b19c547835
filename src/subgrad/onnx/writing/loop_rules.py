"""How loops are written: as ``Scan``, whose body reads what does not change from the graph around it."""

from __future__ import annotations

import numpy as np
from onnx import ValueInfoProto

from subgrad.onnx.writing.at import At, Nodes
from subgrad.onnx.writing.constants import places
from subgrad.onnx.writing.onnx_graph import Graph
from subgrad.onnx.writing.onnx_transform import ONNX
from subgrad.onnx.writing.side_by_side import Walk
from subgrad.ops.tuples import part
from subgrad.recur.loop import Loop, loop


@ONNX.register(loop)
def _loop(at: At) -> str:
    bodies: list[Loop] = [n.attrs["body"] for n in at.nodes]
    first = bodies[0]
    consts, carry, xs = first.parted(at.all_inputs())
    graph = Graph(at.graph)
    walk = at.walk.inside(graph)
    for name, nodes in zip(consts, zip(*(b.consts for b in bodies), strict=True), strict=True):
        walk.know(nodes, name)
    places_ = [*zip(*(b.carry for b in bodies), strict=True), *zip(*(b.xs for b in bodies), strict=True)]
    inputs = [_input(graph, walk, nodes) for nodes in places_]
    if not xs:  # a row for each step, or nobody would know how many there are
        xs = [places(at.graph, tuple(b.length for b in bodies))]
        inputs.append(_counter(graph))
    outputs = [*zip(*(b.outputs for b in bodies), strict=True)]
    walk.through(outputs)
    named = [(graph.add("Identity", [walk.name_of(nodes)], nodes[0].scope), nodes) for nodes in outputs]
    body = graph.finished("body", inputs, [graph.described(name, nodes) for name, nodes in named], constants=False)
    backwards = {"scan_input_directions": [1] * len(xs), "scan_output_directions": [1] * len(first.ys)}
    at.graph.loops[at.node] = at.graph.several(
        "Scan", [*carry, *xs], len(outputs), at.node.scope, body=body, num_scan_inputs=len(xs),
        **({name: ways for name, ways in backwards.items() if ways} if first.reverse else {}),
    )  # fmt: skip
    return at.graph.loops[at.node][0]


def _input(graph: Graph, walk: Walk, nodes: Nodes) -> ValueInfoProto:
    name = graph.name("row")
    walk.know(nodes, name)
    return graph.described(name, nodes)


def _counter(graph: Graph) -> ValueInfoProto:
    from onnx import helper

    return helper.make_tensor_value_info(graph.name("step"), helper.np_dtype_to_tensor_dtype(np.dtype("i8")), [])


@ONNX.register(part)
def _part(at: At) -> str:
    at.input(0)
    return at.graph.loops[at.inputs(0)[0]][at.same("index")]


__all__: list[str] = []
