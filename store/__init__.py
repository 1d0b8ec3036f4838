"""What is kept: the ground every room stands on. Knows no rule."""

from sqlmodel import SQLModel

# Rows are never validated: what a table's validator costs to build, some 10 ms each, would only make every start late.
SQLModel.model_config["defer_build"] = True
