"""Side-by-side benchmarks: each prints ratios from one run. Not tests; ``make bench`` runs them all."""
