"""The MLflow registry. Nothing is here yet; mlflow is imported only here."""
