"""What is kept: the ground every room stands on. Knows no rule."""
