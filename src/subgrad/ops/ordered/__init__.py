"""Order, counts, running products, and elements at integers: functions that are made of ops."""

from subgrad.ops.ordered import counting, cumulative, picking, sorting
from subgrad.ops.ordered.counting import *
from subgrad.ops.ordered.cumulative import *
from subgrad.ops.ordered.picking import *
from subgrad.ops.ordered.sorting import *

__all__: list[str] = []
__all__ += counting.__all__
__all__ += cumulative.__all__
__all__ += picking.__all__
__all__ += sorting.__all__
