"""What people say, one file per audience."""
