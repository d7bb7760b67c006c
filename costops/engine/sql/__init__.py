"""The only place where analytic SQL is made: syntax trees in, text of one dialect out."""
