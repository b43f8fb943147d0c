"""Model references, and MLflow: fetched models, versions, runs, usage.

`resolve` gives any reference's files and network. Only this package imports mlflow, and inside
functions: it is slow to load.
"""
