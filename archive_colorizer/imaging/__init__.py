"""Pure work on pictures: headers, decoding, tone, chroma, encoding, metadata.

Functions take arrays or seekable binary handles; nothing here opens a path, knows of a model, or
imports the rest of the package. What is wrong with a picture is a `faults.PictureFault`.
"""
