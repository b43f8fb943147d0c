"""The review desk: people look at an OUTPUT's pictures and decide.

`app` has the routes, `desk` holds what they use: the `catalog` (rows), `pictures` (pixels),
`decisions` (what people said) and `queue` (what one is to look at).
"""
