"""Which files usage numbers are in, and which expression each of their fields is; no row is read here."""
