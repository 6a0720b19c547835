"""The page and the chart that are made of the results."""
