"""Human raters beside the networks: scores, consensus and comparison."""
