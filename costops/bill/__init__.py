"""Which files a bill is, in which format, and which expression each FOCUS column is; no row is read here."""
