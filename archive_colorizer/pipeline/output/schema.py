"""The columns of the manifest. Never renamed, only added; docs/formats.md explains each."""

from typing import Final

import pyarrow as pa

STEP: Final = pa.struct(
    [
        ("op", pa.string()),
        ("model_ref", pa.string()),
        ("model_version", pa.string()),
        ("weights_sha256", pa.string()),
        ("weights_rights", pa.string()),
        ("params_json", pa.string()),
        ("seed", pa.int64()),
        ("device", pa.string()),
        ("precision", pa.string()),
    ]
)
_KEY: Final = [
    ("row_id", pa.string()),
    ("job_id", pa.string()),
    ("recipe_sha256", pa.string()),
    ("object_id", pa.string()),
    ("collection", pa.string()),
    ("sensitivity", pa.string()),
    ("class_id", pa.string()),
    ("hints", pa.string()),
    ("collection_json", pa.string()),
    ("recipe_json", pa.string()),
]
_SOURCE: Final = [
    ("source_uri", pa.string()),
    ("source_path_raw", pa.binary()),
    ("source_path", pa.string()),
    ("page", pa.int32()),
    ("source_sha256", pa.string()),
    ("source_bytes", pa.int64()),
    ("source_mtime", pa.timestamp("ns", "UTC")),
    ("etag", pa.string()),
    ("mime", pa.string()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("bits_per_sample", pa.int32()),
    ("samples", pa.int32()),
    ("photometric", pa.string()),
    ("n_pages", pa.int32()),
    ("orientation", pa.int32()),
    ("dpi_x", pa.float64()),
    ("dpi_y", pa.float64()),
    ("icc_name", pa.string()),
    ("icc_status", pa.string()),
    ("tone_class", pa.string()),
    ("source_chroma", pa.float64()),
    ("fixity", pa.string()),
    ("dhash64", pa.string()),
    ("decoder_words", pa.list_(pa.string())),
    ("content_box", pa.list_(pa.int32())),
    ("content_box_tilt", pa.float64()),
    ("content_box_score", pa.float64()),
    ("projection", pa.string()),
    ("negative_score", pa.float64()),
    ("negative_curve", pa.string()),
    ("class_auto", pa.int32()),
    ("class_auto_score", pa.float64()),
]
_SOFTWARE: Final = [
    ("steps", pa.list_(STEP)),
    ("version", pa.string()),
    ("git_commit", pa.string()),
    ("torch_version", pa.string()),
    ("ray_version", pa.string()),
    ("node", pa.string()),
    ("mlflow_run_id", pa.string()),  # null: columns are only added
]
_TIMES: Final = [
    ("started_at", pa.timestamp("us", "UTC")),
    ("ms_read", pa.float64()),
    ("ms_prepare", pa.float64()),
    ("ms_model", pa.float64()),
    ("ms_compose", pa.float64()),
    ("ms_encode", pa.float64()),
    ("ms_write", pa.float64()),
    ("attempt", pa.int32()),
]
_OUTPUT: Final = [
    ("derivative_uri", pa.string()),
    ("derivative_key", pa.string()),
    ("derivative_sha256", pa.string()),
    ("derivative_bytes", pa.int64()),
    ("derivative_version", pa.string()),
    ("derivative_mime", pa.string()),
    ("derivative_width", pa.int32()),
    ("derivative_height", pa.int32()),
    ("marked_key", pa.string()),
    ("marked_sha256", pa.string()),
    ("marked_bytes", pa.int64()),
    ("access_key", pa.string()),
    ("access_sha256", pa.string()),
    ("access_bytes", pa.int64()),
    ("thumbnail_key", pa.string()),
    ("thumbnail_index", pa.int32()),
    ("digital_source_type", pa.string()),
    ("c2pa_state", pa.string()),
    ("c2pa_sha256", pa.string()),
    ("c2pa_certificate_sha256", pa.string()),
    ("reversible", pa.bool_()),
    ("watermark", pa.string()),
]
_QUALITY: Final = [
    ("colourfulness", pa.float64()),
    ("luminance_mae", pa.float64()),
    ("luminance_p99", pa.float64()),
    ("luminance_relation", pa.string()),
    ("doubt_mean", pa.float64()),
    ("doubt_p95", pa.float64()),
    ("doubt_map", pa.binary()),
    ("glare_share", pa.float64()),
    ("glare_map", pa.binary()),
    ("flags", pa.list_(pa.string())),
    ("review_needed", pa.bool_()),
]
_OUTCOME: Final = [
    ("status", pa.string()),
    ("error_class", pa.string()),
    ("error_message", pa.string()),
    ("withdrawn_at", pa.timestamp("us", "UTC")),
    ("withdrawn_by", pa.string()),
    ("withdrawn_reason", pa.string()),
]
SCHEMA: Final = pa.schema(_KEY + _SOURCE + _SOFTWARE + _TIMES + _OUTPUT + _QUALITY + _OUTCOME)
OF_DERIVATIVE: Final = ("steps", *(name for name, _ in (*_OUTPUT, *_QUALITY)))
"""Columns that tell of a derivative, and not of its master."""
