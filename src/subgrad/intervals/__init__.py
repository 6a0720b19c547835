"""Arrays of intervals, rounded outwards, and the interval of each op's result from those of its inputs."""
