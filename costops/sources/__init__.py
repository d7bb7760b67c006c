"""What billing and metric sources have in common: which files a path means, what they contain, their columns."""
