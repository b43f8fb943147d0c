"""Settings, declared once: `schema` and `kinds` declare, `overlay` and `parameter_table` read.

The config classes stand beside what they set: `pipeline/config`, `data/config`,
`training/settings`, `evaluation/config`.
"""
