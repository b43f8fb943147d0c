"""The pilot: a seeded, stratified sample of what is to be done, and what it says of the whole.

`strata` names the strata, `draw` allocates and draws, `record` keeps what was drawn in
OUTPUT/pilot.json, `extrapolate` reads the sample's rows by the estimators of `intervals`.
"""
