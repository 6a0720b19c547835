"""Ready networks: short functions that return a `Sequential` of named layers, to use, to read and to take apart."""

from subgrad.models.character import char_lstm, char_rnn
from subgrad.models.inception import inception_small
from subgrad.models.lenet import lenet
from subgrad.models.mlp import mlp
from subgrad.models.resnet import resnet, resnet20
from subgrad.models.transformer import transformer_small

__all__ = ["char_lstm", "char_rnn", "inception_small", "lenet", "mlp", "resnet", "resnet20", "transformer_small"]
