"""What `subgrad xor` tells."""
