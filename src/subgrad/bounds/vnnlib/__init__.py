"""VNN-LIB: properties of networks as the files of verification competitions state them."""
