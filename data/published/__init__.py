"""What a publication prints: typed numbers, whether they agree, and cohorts that agree with them."""
