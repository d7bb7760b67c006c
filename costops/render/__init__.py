"""From objects to text: pure functions that both front ends use."""
