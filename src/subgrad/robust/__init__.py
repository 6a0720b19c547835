"""Networks that answer the same wherever their inputs move a little: certified training, attacks, proven accuracy."""

from subgrad.robust.accuracy import evaluate, verified
from subgrad.robust.input_bounds import crown_ibp_bounds, interval_bounds
from subgrad.robust.losses import CrownIBPLoss, IBPLoss
from subgrad.robust.projected_gradient import pgd

__all__ = ["CrownIBPLoss", "IBPLoss", "crown_ibp_bounds", "evaluate", "interval_bounds", "pgd", "verified"]
