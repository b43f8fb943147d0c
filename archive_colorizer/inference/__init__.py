"""Inference: the one place where a network meets pixels.

`runner` has the device, the precision, the halving of batches and the errors; `batching` the
padding; `colorizer`, `translator` and `enlarger` take uint8 pictures and give chroma or pictures.
"""
