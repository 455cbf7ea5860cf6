"""The graph, and one run of it: values forward, gradients backward."""
