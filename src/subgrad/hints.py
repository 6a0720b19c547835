"""What names of other libraries are called here: one table, for messages ("did you mean") and for the page of them."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

NAMES: dict[str, str] = {
    # tensors
    "sg.tensor": "torch.tensor torch.as_tensor torch.from_numpy np.array np.asarray jnp.array jnp.asarray "
    "keras.ops.convert_to_tensor",
    "sg.Parameter": "torch.nn.Parameter keras.Variable",
    "x.astype": "torch.Tensor.to torch.Tensor.float torch.Tensor.double torch.Tensor.long torch.Tensor.type np.astype "
    "keras.ops.cast",
    "x.numpy": "torch.Tensor.cpu jax.device_get",
    "sg.zeros": "torch.empty np.empty jnp.empty",
    "sg.full_like": "np.empty_like torch.empty_like",
    # elementwise
    "sg.abs": "np.absolute np.fabs torch.absolute",
    "sg.sub": "np.subtract torch.subtract",
    "sg.mul": "np.multiply torch.multiply",
    "sg.div": "np.divide np.true_divide torch.divide torch.true_divide",
    "sg.neg": "np.negative torch.negative",
    "sg.pow": "np.power np.float_power",
    "sg.asin": "np.arcsin torch.arcsin",
    "sg.acos": "np.arccos torch.arccos",
    "sg.atan": "np.arctan torch.arctan",
    "sg.atan2": "np.arctan2 torch.arctan2",
    "sg.asinh": "np.arcsinh torch.arcsinh",
    "sg.acosh": "np.arccosh torch.arccosh",
    "sg.atanh": "np.arctanh torch.arctanh",
    "sg.lgamma": "scipy.special.gammaln jax.scipy.special.gammaln",
    "sg.digamma": "scipy.special.psi",
    "sg.sigmoid": "scipy.special.expit torch.special.expit",
    "sg.clip": "torch.clamp",
    "sg.remainder": "np.mod torch.fmod np.fmod",
    "sg.floor": "np.floor_divide torch.floor_divide",
    "sg.sign": "torch.sgn",
    "sg.square": "torch.square",
    "sg.trunc": "np.fix torch.fix",
    "sg.maximum": "np.fmax torch.fmax",
    "sg.minimum": "np.fmin torch.fmin",
    "sg.where": "np.select torch.masked_fill",
    "sg.stop_gradient": "jax.lax.stop_gradient",
    "sg.silu": "keras.activations.swish torch.nn.functional.swish",
    "sg.logsumexp": "scipy.special.logsumexp",
    # comparisons
    "sg.equal": "torch.eq",
    "sg.not_equal": "torch.ne",
    "sg.less": "torch.lt",
    "sg.less_equal": "torch.le",
    "sg.greater": "torch.gt",
    "sg.greater_equal": "torch.ge",
    # reductions
    "sg.argmax": "np.nanargmax",
    "sg.max": "np.amax torch.amax jnp.amax",
    "sg.min": "np.amin torch.amin jnp.amin",
    "sg.mean": "np.average",
    "sg.median": "torch.nanmedian",
    "sg.quantile": "np.percentile",
    "sg.cummax": "np.maximum_accumulate jax.lax.cummax",
    # shapes
    "sg.concatenate": "torch.cat torch.concat torch.hstack torch.vstack np.hstack np.vstack np.append np.r_",
    "sg.expand_dims": "torch.unsqueeze torch.Tensor.unsqueeze np.newaxis",
    "sg.transpose": "torch.permute torch.Tensor.permute torch.t np.permute_dims",
    "sg.swapaxes": "torch.swapdims",
    "sg.moveaxis": "torch.movedim np.rollaxis",
    "sg.reshape": "torch.Tensor.view torch.Tensor.view_as np.ravel torch.flatten",
    "sg.broadcast_to": "torch.Tensor.expand torch.Tensor.expand_as torch.broadcast_tensors np.broadcast_arrays",
    "sg.split": "np.array_split np.hsplit np.vsplit torch.tensor_split torch.unbind",
    "sg.repeat": "torch.repeat_interleave",
    "sg.pad": "torch.nn.functional.pad",
    "sg.flip": "np.fliplr np.flipud",
    "sg.diag": "torch.diag_embed np.diagflat",
    "sg.eye": "np.identity",
    # indexing
    "sg.index": "torch.index_select torch.masked_select torch.nonzero np.nonzero np.argwhere",
    "sg.take_along_axis": "torch.gather torch.take_along_dim",
    "sg.scatter": "np.put_along_axis torch.scatter torch.Tensor.scatter_ jax.numpy.ndarray.at",
    "sg.embedding": "torch.nn.functional.embedding",
    "sg.segment_sum": "jax.ops.segment_sum tf.math.segment_sum",
    # products
    "sg.matmul": "torch.mm torch.bmm torch.mv",
    "sg.inner": "np.vdot torch.vdot",
    "sg.outer": "torch.ger",
    "sg.linalg.solve": "scipy.linalg.solve torch.linalg.solve",
    "sg.linalg.inv": "torch.inverse torch.linalg.inv np.linalg.inv",
    "sg.linalg.det": "torch.det np.linalg.det",
    "sg.linalg.slogdet": "torch.logdet np.linalg.slogdet",
    "sg.linalg.cholesky": "torch.cholesky np.linalg.cholesky",
    "sg.linalg.qr": "torch.qr np.linalg.qr",
    "sg.linalg.eigh": "torch.linalg.eigh np.linalg.eigh",
    "sg.linalg.svd": "torch.svd torch.linalg.svd np.linalg.svd",
    "sg.linalg.lstsq": "np.linalg.lstsq",
    "sg.linalg.matrix_exp": "scipy.linalg.expm torch.matrix_exp",
    "sg.fft.fft": "np.fft.fftn",
    "sg.fft.rfft": "np.fft.rfft torch.fft.rfft",
    # calculus and programs
    "sg.cond": "jax.lax.cond jax.lax.switch",
    "sg.fori_loop": "jax.lax.fori_loop",
    "sg.while_loop": "jax.lax.while_loop",
    "sg.grad": "torch.autograd.grad jax.grad tf.GradientTape torch.func.grad",
    "sg.vmap": "torch.func.vmap jax.pmap np.vectorize",
    "sg.compile": "jax.jit torch.jit tf.function",
    "sg.scan": "jax.lax.scan keras.ops.scan",
    "sg.custom_vjp": "torch.autograd.Function",
    "sg.checkpoint": "jax.remat torch.utils.checkpoint",
    "sg.manual_seed": "np.random.seed keras.utils.set_random_seed jax.random.PRNGKey jax.random.key torch.seed",
    "sg.random.normal": "torch.randn np.random.randn torch.normal torch.randn_like",
    "sg.random.uniform": "torch.rand np.random.rand torch.rand_like",
    "sg.random.randint": "torch.randint np.random.integers",
    "sg.random.permutation": "torch.randperm np.random.shuffle",
    "sg.random.categorical": "torch.multinomial",
    # layers
    "nn.Linear": "keras.layers.Dense flax.linen.Dense nn.LazyLinear",
    "nn.Sequential": "keras.Sequential keras.Model",
    "nn.Dropout": "nn.Dropout1d keras.layers.SpatialDropout1D",
    "nn.Flatten": "keras.layers.Flatten",
    "nn.Conv1d": "keras.layers.Conv1D",
    "nn.Conv2d": "keras.layers.Conv2D flax.linen.Conv",
    "nn.Conv3d": "keras.layers.Conv3D",
    "nn.MaxPool2d": "keras.layers.MaxPooling2D keras.layers.MaxPool2D",
    "nn.AvgPool2d": "keras.layers.AveragePooling2D keras.layers.AvgPool2D",
    "nn.GlobalAvgPool": "keras.layers.GlobalAveragePooling2D keras.layers.GlobalAveragePooling1D",
    "nn.GlobalMaxPool": "keras.layers.GlobalMaxPooling2D keras.layers.GlobalMaxPooling1D",
    "nn.BatchNorm2d": "keras.layers.BatchNormalization flax.linen.BatchNorm",
    "nn.LayerNorm": "keras.layers.LayerNormalization",
    "nn.GroupNorm": "keras.layers.GroupNormalization",
    "nn.RNN": "keras.layers.SimpleRNN",
    "nn.Module": "keras.layers.Layer flax.linen.compact",
    "nn.Upsample": "keras.layers.UpSampling2D",
    "nn.PixelShuffle": "tf.nn.depth_to_space",
    "nn.MultiHeadAttention": "torch.nn.MultiheadAttention",
    "nn.TransformerBlock": "torch.nn.TransformerEncoderLayer",
    "nn.TransformerDecoderBlock": "torch.nn.TransformerDecoderLayer",
    "nn.ZeroPad": "torch.nn.ZeroPad2d keras.layers.ZeroPadding2D torch.nn.ConstantPad2d",
    "nn.ReflectPad": "torch.nn.ReflectionPad2d torch.nn.ReflectionPad1d",
    "nn.ReplicatePad": "torch.nn.ReplicationPad2d torch.nn.ReplicationPad1d",
    "nn.SeparableConv2d": "keras.layers.SeparableConv2D",
    "nn.InstanceNorm": "torch.nn.InstanceNorm1d torch.nn.InstanceNorm2d torch.nn.InstanceNorm3d",
    # losses
    "nn.squared_loss": "torch.nn.MSELoss torch.nn.functional.mse_loss keras.losses.MeanSquaredError optax.l2_loss",
    "nn.absolute_loss": "torch.nn.L1Loss torch.nn.functional.l1_loss keras.losses.MeanAbsoluteError",
    "nn.huber_loss": "torch.nn.HuberLoss torch.nn.SmoothL1Loss torch.nn.functional.smooth_l1_loss keras.losses.Huber",
    "nn.cross_entropy": "torch.nn.CrossEntropyLoss keras.losses.SparseCategoricalCrossentropy "
    "keras.losses.CategoricalCrossentropy optax.softmax_cross_entropy "
    "optax.softmax_cross_entropy_with_integer_labels",
    "nn.binary_cross_entropy": "torch.nn.BCELoss torch.nn.BCEWithLogitsLoss keras.losses.BinaryCrossentropy "
    "torch.nn.functional.binary_cross_entropy_with_logits optax.sigmoid_binary_cross_entropy",
    "nn.nll_loss": "torch.nn.NLLLoss",
    "nn.kl_divergence": "torch.nn.KLDivLoss torch.nn.functional.kl_div keras.losses.KLDivergence",
    "nn.gaussian_nll": "torch.nn.GaussianNLLLoss torch.nn.functional.gaussian_nll_loss",
    "nn.poisson_nll": "torch.nn.PoissonNLLLoss torch.nn.functional.poisson_nll_loss keras.losses.Poisson",
    "nn.log_cosh_loss": "keras.losses.LogCosh",
    "nn.hinge_loss": "torch.nn.HingeEmbeddingLoss keras.losses.Hinge",
    "nn.quantile_loss": "sklearn.metrics.mean_pinball_loss",
    "nn.triplet_loss": "torch.nn.TripletMarginLoss torch.nn.functional.triplet_margin_loss",
    "nn.margin_ranking_loss": "torch.nn.MarginRankingLoss",
    "nn.cosine_embedding_loss": "torch.nn.CosineEmbeddingLoss",
    "nn.multi_margin_loss": "torch.nn.MultiMarginLoss",
    "nn.multi_label_loss": "torch.nn.MultiLabelSoftMarginLoss torch.nn.functional.multilabel_soft_margin_loss",
    "nn.ctc_loss": "torch.nn.CTCLoss optax.ctc_loss",
    "nn.focal_loss": "keras.losses.BinaryFocalCrossentropy keras.losses.CategoricalFocalCrossentropy",
    "nn.dice_loss": "keras.losses.Dice",
    # optimisers and schedules
    "sg.update": "optax.apply_updates",
    "sg.clip_by_norm": "torch.nn.utils.clip_grad_norm_ optax.clip_by_global_norm",
    "sg.step.Cosine": "torch.optim.lr_scheduler.CosineAnnealingLR optax.cosine_decay_schedule",
    "sg.step.Piecewise": "torch.optim.lr_scheduler.MultiStepLR torch.optim.lr_scheduler.StepLR",
    "sg.step.Exponential": "torch.optim.lr_scheduler.ExponentialLR optax.exponential_decay",
    "sg.step.OneCycle": "torch.optim.lr_scheduler.OneCycleLR",
    "sg.step.Cyclic": "torch.optim.lr_scheduler.CyclicLR",
    "sg.step.CosineRestarts": "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts",
    "sg.step.Linear": "torch.optim.lr_scheduler.LinearLR optax.linear_schedule",
    # training
    "sg.fit": "keras.Model.fit sklearn.base.ClassifierMixin.fit",
    "sg.LevenbergMarquardt": "scipy.optimize.least_squares",
    "sg.ReduceOnPlateau": "keras.callbacks.ReduceLROnPlateau torch.optim.lr_scheduler.ReduceLROnPlateau",
    "sg.BestCheckpoint": "keras.callbacks.ModelCheckpoint",
    "sg.TensorBoard": "torch.utils.tensorboard.SummaryWriter",
    "nn.mixup": "keras.layers.MixUp",
    "sg.sklearn.NeuralNetworkClassifier": "sklearn.neural_network.MLPClassifier",
    "sg.sklearn.NeuralNetworkRegressor": "sklearn.neural_network.MLPRegressor",
    "sg.sklearn.SVM": "sklearn.svm.LinearSVC",
    "sg.sklearn.LeastAbsolute": "sklearn.linear_model.QuantileRegressor",
    "sg.sklearn.Huber": "sklearn.linear_model.HuberRegressor",
    "sg.data.train_test_split": "sklearn.model_selection.train_test_split",
    "sg.save": "torch.save keras.Model.save",
    "sg.load": "torch.load keras.models.load_model",
}
"""By each name of this package those of others; ``sg`` is `subgrad`, ``nn`` is `subgrad.nn`, and ``x`` a tensor."""

REMARKS: dict[str, str] = {
    "no_grad": "nothing is recorded for backpropagation before you ask for a gradient: leave it out",
    "inference_mode": "nothing is recorded for backpropagation before you ask for a gradient: leave it out",
    "functional": "its functions are names of sg itself, such as sg.relu, and of nn, such as nn.cross_entropy",
    "lr_scheduler": "a schedule is the lr of an optimiser: see sg.step",
    "device": "tensors live in the memory of the processor",
    "cuda": "tensors live in the memory of the processor",
    "zero_grad": "x.grad = None does it; sg.grad needs nothing of the sort",
    "requires_grad_": "sg.grad takes the gradient by any tensor; sg.tensor(..., requires_grad=True) is for backward",
    "contiguous": "leave it out: tensors have no layout that you could see",
    "clone": "leave it out: values of tensors never change",
    "copy": "leave it out: values of tensors never change",
}
"""What is to be said where no single name stands for another."""

KEYWORDS: dict[str, str] = {"dim": "axis", "keepdim": "keepdims", "dims": "axis", "keep_dims": "keepdims"}
"""Arguments that other libraries, PyTorch above all, name otherwise."""


def table() -> dict[str, str]:
    """By the last part of each foreign name, this package's own."""
    found: dict[str, str] = {}
    for ours, names in NAMES.items():
        for name in names.split():
            if name.rsplit(".", 1)[-1] != ours.rsplit(".", 1)[-1] or ours.count(".") > 1:
                found.setdefault(name.rsplit(".", 1)[-1], ours)
    return found


def of_name(name: str, known: Iterable[str] = ()) -> str:
    """What to say of a name that does not exist, to be put behind the message; empty if there is nothing to say.

    >>> of_name("cat"), of_name("no_grad")[:20], of_name("rleu", ["relu", "abs"])
    ('; did you mean sg.concatenate?', '; nothing is recorde', '; did you mean relu?')
    """
    import difflib

    if name in REMARKS:
        return f"; {REMARKS[name]}"
    ours = table().get(name) or next(iter(difflib.get_close_matches(name, list(known), 1, 0.75)), "")
    return f"; did you mean {ours}?" if ours else ""


def of_keyword(given: Mapping[str, Any]) -> str:
    """The same for the names of arguments.

    >>> of_keyword({"dim": 0})
    '; dim is named axis here'
    """
    return "".join(f"; {name} is named {KEYWORDS[name]} here" for name in given if name in KEYWORDS)


def axes_named(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose errors say what other libraries' names of its arguments are here."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if "unexpected keyword" in str(error):
                raise named(error, kwargs) from None
            raise

    named = misnamed
    # With the globals of its function it is one of that module for whoever looks, doctest for example.
    same = types.FunctionType(call.__code__, function.__globals__, closure=call.__closure__)
    return functools.wraps(function)(same)


def misnamed(error: TypeError, given: Mapping[str, Any]) -> TypeError:
    """The error with a hint, if an argument has the name that it has elsewhere."""
    hint = of_keyword(given)
    return TypeError(f"{error}{hint}") if hint else error


__all__ = ["KEYWORDS", "NAMES", "REMARKS", "axes_named", "misnamed", "of_keyword", "of_name", "table"]
