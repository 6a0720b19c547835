"""Second-order conditions at a point on kinks: is there a strict local minimum?"""
