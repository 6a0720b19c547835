"""Networks for functions of several variables: greedy, sampled, trained."""
