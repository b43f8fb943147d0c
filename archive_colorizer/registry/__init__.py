"""The MLflow registry: fetched models, versions, runs, usage. Only this package imports mlflow."""
