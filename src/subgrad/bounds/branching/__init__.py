"""Branch and bound with backward linear bounds: parts of a box, and the search for counter-examples in them."""
