"""How the tables came to be, step by step (Alembic).

``python -m migrations`` writes steps; ``store.db.prepare`` runs them.
"""
