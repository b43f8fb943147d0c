"""The model families: pure modules, one family a file.

`MODELS` (in `table`) is the one place that names them. Nothing here imports the rest of the
package, does file or network work, or knows of training.
"""
