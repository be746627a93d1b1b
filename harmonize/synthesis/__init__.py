"""Synthetic source records, from what a profile says of its format. No real person stands behind any of them."""
