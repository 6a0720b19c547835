"""A variational autoencoder of the bundled digits (Kingma, Welling 2013, arXiv 1312.6114).

    python examples/networks/variational.py

The encoder gives mean and spread of a code, the decoder sees a code drawn from them, inside of the native program. The
loss is the cross-entropy of the pixels and the divergence of the codes from the normal distribution.
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn

CODE, EPOCHS, BATCH = 4, 30, 64


class Autoencoder(nn.Module):
    """From pixels (n, 64) to their scores, and the mean and the logarithm of the variance of each code."""

    def __init__(self) -> None:
        self.encoder = sg.models.mlp(64, 64, 2 * CODE, seed=0)
        self.decoder = sg.models.mlp(CODE, 64, 64, seed=1)

    def forward(self, x: sg.Tensor) -> tuple[sg.Tensor, sg.Tensor, sg.Tensor]:
        found = self.encoder(x)
        mean, log_variance = found[:, :CODE], found[:, CODE:]
        code = mean + sg.exp(log_variance / 2) * sg.random.normal(mean.shape)
        return self.decoder(code), mean, log_variance


def parts(net: Autoencoder, x: sg.Tensor) -> tuple[sg.Tensor, sg.Tensor]:
    """What an image costs: its pixels, and its code."""
    scores, mean, log_variance = net(x)
    pixels = (sg.softplus(scores) - x * scores).sum(1).mean()
    divergence = 0.5 * (mean**2 + sg.exp(log_variance) - log_variance - 1).sum(1).mean()
    return pixels, divergence


def main() -> tuple[list[float], np.ndarray]:
    """Train, and give the loss of each epoch and some images that were drawn."""
    sg.manual_seed(0)
    X = (sg.data.load_digits()[0] / 16).astype(np.float32)
    net, adam = Autoencoder(), sg.Adam(2e-3)
    state, losses = adam.init(net), []

    @sg.compile
    def step(state, x):
        pixels, divergence = parts(net, x)
        loss = pixels + divergence
        return sg.update(net, sg.grad(loss, net), adam, state, loss), (pixels, divergence)

    rng = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        batches = X[rng.permutation(len(X))[: len(X) // BATCH * BATCH]].reshape(-1, BATCH, 64)
        state, (pixels, divergence) = step.scan(state, batches)
        losses.append(float(pixels.mean() + divergence.mean()))
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1}: pixels {pixels.mean():.2f}, divergence {divergence.mean():.2f}")
    drawn = sg.sigmoid(net.decoder(sg.random.normal((6, CODE)))).numpy().reshape(6, 8, 8)
    for rows in zip(*drawn, strict=True):
        print("   ".join("".join(" .:#@"[int(4.99 * value)] for value in row) for row in rows))
    return losses, drawn


if __name__ == "__main__":
    main()
