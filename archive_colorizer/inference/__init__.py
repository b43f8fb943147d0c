"""Networks run on pixels: device, precision, padding."""
