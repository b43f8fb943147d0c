"""Films: black-and-white video to colour, shot by shot, with steady colours."""
