"""Modules, initial values and losses.

Layers work on batches: axis 0 counts the examples. `Linear`, `LayerNorm`, `Embedding`, `Softmax` and attention work
along the last axis; convolutions, pooling, `BatchNorm2d` and `Branches` have their channels in axis 1, as images
(N, C, H, W). For data of shape (N, C) the two are the same.
"""

from subgrad.nn import init, loss
from subgrad.nn.activation import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Step, Tanh
from subgrad.nn.attention import MultiHeadAttention, TransformerBlock
from subgrad.nn.augment import Normalize, RandomCrop, RandomHorizontalFlip
from subgrad.nn.batchnorm import BatchNorm1d, BatchNorm2d
from subgrad.nn.blocks import Inception, ResidualBlock
from subgrad.nn.compose import Branches, Residual, Sequential
from subgrad.nn.config import from_config
from subgrad.nn.convolution import Conv1d, Conv2d, ConvTranspose2d
from subgrad.nn.dropout import Dropout, Dropout2d
from subgrad.nn.embedding import Embedding
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.linear import Bilinear, Linear
from subgrad.nn.loss import (
    absolute_loss,
    binary_cross_entropy,
    binomial_loss,
    cross_entropy,
    hinge_loss,
    huber_loss,
    squared_loss,
)
from subgrad.nn.module import Module
from subgrad.nn.normalise import GroupNorm, LayerNorm, RMSNorm
from subgrad.nn.pooling import AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, GlobalAvgPool, MaxPool1d, MaxPool2d
from subgrad.nn.position import PositionalEmbedding, PositionalEncoding
from subgrad.nn.recurrent import GRU, LSTM, RNN
from subgrad.nn.reshape import Flatten, Unflatten
from subgrad.nn.upsample import Upsample

__all__ = [
    "ELU", "GELU", "GRU", "LSTM", "RNN", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d",
    "Bilinear", "Branches",
    "Conv1d", "Conv2d", "ConvTranspose2d", "Dropout", "Dropout2d", "Embedding", "Ensemble", "Flatten", "GlobalAvgPool",
    "GroupNorm", "Inception", "LayerNorm", "LeakyReLU", "Linear", "MaxPool1d", "MaxPool2d", "Module",
    "MultiHeadAttention", "Normalize", "PositionalEmbedding", "PositionalEncoding", "RMSNorm", "RandomCrop",
    "RandomHorizontalFlip", "ReLU", "Residual", "ResidualBlock", "Sequential", "SiLU", "Sigmoid", "Softmax",
    "Softplus", "Step", "Tanh", "TransformerBlock", "Unflatten", "Upsample", "absolute_loss", "binary_cross_entropy",
    "binomial_loss", "cross_entropy", "from_config", "hinge_loss", "huber_loss", "init", "loss", "squared_loss",
]  # fmt: skip
