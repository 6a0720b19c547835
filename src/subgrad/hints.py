"""What names of other libraries are called here: one table, for messages ("did you mean") and for the page of them."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

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
    "sg.remainder": "np.mod",
    "sg.floor": "np.floor_divide torch.floor_divide",
    "sg.sign": "torch.sgn",
    "sg.square": "torch.square",
    "sg.trunc": "np.fix torch.fix",
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
    "sg.random.draw": "torch.rand np.random.rand torch.rand_like",
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
    "nn.WeightNorm": "torch.nn.utils.weight_norm torch.nn.utils.parametrizations.weight_norm",
    "nn.SpectralNorm": "torch.nn.utils.spectral_norm torch.nn.utils.parametrizations.spectral_norm",
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
    "sg.metrics.accuracy": "sklearn.metrics.accuracy_score",
    "sg.metrics.average_precision": "sklearn.metrics.average_precision_score",
    "sg.metrics.balanced_accuracy": "sklearn.metrics.balanced_accuracy_score",
    "sg.metrics.brier": "sklearn.metrics.brier_score_loss",
    "sg.metrics.f1": "sklearn.metrics.f1_score",
    "sg.metrics.log_loss": "sklearn.metrics.log_loss",
    "sg.metrics.matthews_correlation": "sklearn.metrics.matthews_corrcoef",
    "sg.metrics.precision": "sklearn.metrics.precision_score",
    "sg.metrics.r2": "sklearn.metrics.r2_score",
    "sg.metrics.recall": "sklearn.metrics.recall_score",
    "sg.metrics.roc_auc": "sklearn.metrics.roc_auc_score",
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
    "fmod": "sg.remainder has the sign of the divisor; of the dividend it is x - y * sg.trunc(x / y)",
    "nanmedian": "sg.median of a NaN is NaN: leave NaN out before, as in x[~np.isnan(x)]",
    "fmax": "sg.maximum of a NaN is NaN: sg.where(sg.isnan(x), y, sg.maximum(x, y)) passes over one in x",
    "fmin": "sg.minimum of a NaN is NaN: sg.where(sg.isnan(x), y, sg.minimum(x, y)) passes over one in x",
    "norm": "it is sg.norm",
    "pinv": "sg.linalg.lstsq(a, b) is its product with b",
    "DataLoader": "sg.fit takes arrays and a batch_size, or any iterable of batches (x, y)",
    "Dataset": "sg.fit takes arrays and a batch_size, or any iterable of batches (x, y)",
    "numel": "x.size is the number of elements",
    "contiguous": "leave it out: tensors have no layout that you could see",
    "clone": "leave it out: values of tensors never change",
    "copy": "leave it out: values of tensors never change",
}
"""What is to be said where no single name stands for another."""

KEYWORDS: dict[str, str] = {
    # functions
    "dim": "axis", "dims": "axis", "keepdim": "keepdims", "keep_dims": "keepdims",
    # layers
    "units": "out_features hidden_size", "use_bias": "bias", "kernel_initializer": "init", "filters": "out_channels",
    "strides": "stride", "dilation_rate": "dilation", "pool_size": "kernel_size", "rate": "p", "epsilon": "eps",
    "normalized_shape": "shape", "num_embeddings": "count", "input_dim": "count", "embedding_dim": "features",
    "output_dim": "features", "embed_dim": "features", "d_model": "features", "num_heads": "heads", "nhead": "heads",
    "dim_feedforward": "hidden", "is_causal": "causal", "negative_slope": "slope", "upscale_factor": "factor",
    "stddev": "std", "min_val": "low", "max_val": "high", "lambd": "threshold", "start_dim": "axis",
    "return_sequences": "returns", "return_state": "returns", "attention_mask": "mask", "key_padding_mask": "mask",
    "initial_state": "state", "hx": "state",
    # optimisers and step rules
    "learning_rate": "lr", "beta_1": "betas", "beta_2": "betas", "b1": "betas", "b2": "betas", "rho": "alpha",
    "T_max": "steps", "T_0": "steps", "T_mult": "factor", "total_steps": "steps", "decay_steps": "steps",
    "initial_learning_rate": "a", "init_value": "a", "base_lr": "low", "max_lr": "a high", "eta_min": "end",
    "gamma": "rate", "decay_rate": "rate", "step_size": "every", "pct_start": "rise", "div_factor": "div",
    "final_div_factor": "final_div",
    # training
    "x": "X", "validation_data": "validation", "validation_split": "validation", "num_epochs": "epochs",
    "max_iter": "epochs", "random_state": "seed", "criterion": "loss", "restore_best_weights": "restore_best",
    "filepath": "path", "filename": "path", "log_dir": "folder", "hidden_layer_sizes": "hidden",
    # losses
    "input": "f", "logits": "f", "y_pred": "f", "target": "y", "labels": "y", "y_true": "y",
    "weight": "class_weight sample_weight", "size_average": "reduction",
}  # fmt: skip
"""Arguments that other libraries name otherwise, and what a function here may have in their place."""

KEYWORD_REMARKS: dict[str, str] = {
    "activation": "an activation is a layer of its own, such as nn.ReLU()",
    "inplace": "leave it out: values of tensors never change",
    "affine": "leave affine out: weight and bias are always there",
    "elementwise_affine": "leave it out: weight and bias are always there",
    "padding_mode": "nn.ReflectPad and nn.ReplicatePad are layers that stand before it",
    "input_shape": "leave it out: a layer is told the features of its input",
    "device": "tensors live in the memory of the processor",
    "dtype": "the dtype of new parameters is that of sg.using_dtype or sg.set_default_dtype",
    "amsgrad": "it is not there: sg.Adam has the average alone",
    "lengths": "a mask (N, steps) says which steps count: mask=sg.arange(steps) < lengths[:, None]",
    "learning_rate": "the step size is that of the optimiser, as in optimizer=sg.Adam(1e-3)",
    "lr": "the step size is that of the optimiser, as in optimizer=sg.Adam(1e-3)",
    "params": "leave it out: init and update are given the parameters",
    "from_logits": "leave it out: the losses of scores take them without sigmoid or softmax",
    "min_lr": "min_factor is the least part of the first step size",
    "save_best_only": "leave it out: only the best is saved",
}
"""What is to be said of an argument that no other stands for."""


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


def of_keyword(given: Iterable[str], known: Sequence[str]) -> str:
    """The same for the names of arguments, where ``known`` are those that there are.

    >>> of_keyword(["dim"], ["axis", "keepdims"]), of_keyword(["sigma"], ["axis"])
    ('; dim is named axis here', '')
    """
    found = []
    for name in given:
        ours = next((word for word in KEYWORDS.get(name, "").split() if word in known), "")
        if name not in known and (ours or name in KEYWORD_REMARKS):
            found.append(f"; {name} is named {ours} here" if ours else f"; {KEYWORD_REMARKS[name]}")
    return "".join(found)


def require_known(function: Callable[..., Any], name: str, given: Iterable[str]) -> None:
    """Raise TypeError if the function takes no such arguments, and there is something to say of one."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARKEYWORDS:
        return
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    strange = [n for n in given if n not in known]
    hint = of_keyword(strange, known)
    if hint:
        raise TypeError(f"{name}() got an unexpected keyword argument {strange[0]!r}{hint}")


class Hinted:
    """A class whose errors say what other libraries' names of its constructor's arguments are here."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if kwargs:
            require_known(cls.__init__, cls.__name__, kwargs)
        return super().__new__(cls)


def hinted(function: F) -> F:
    """The function, whose errors say what other libraries' names of its arguments are here."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            known(function, function.__name__, kwargs)
            raise

    known = require_known
    # With the globals of its function it is one of that module for whoever looks, doctest for example.
    same = types.FunctionType(call.__code__, function.__globals__, closure=call.__closure__)
    return cast(F, functools.wraps(function)(same))


__all__ = ["KEYWORDS", "KEYWORD_REMARKS", "NAMES", "REMARKS", "Hinted", "hinted", "of_keyword", "of_name",
           "require_known", "table"]  # fmt: skip
