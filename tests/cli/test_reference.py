"""The page of all settings."""

from pathlib import Path

from archive_colorizer.cli.reference import list_flags, render_reference, render_table
from archive_colorizer.pipeline.config import OutputConfig

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_page_is_what_the_declarations_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_reference(), (
        "write it anew: python -m archive_colorizer.cli.reference > docs/reference/settings.md"
    )


def test_a_row_has_type_default_range_option_parameter_and_meaning() -> None:
    said = render_table("output", OutputConfig, list_flags("colorize"))
    assert (
        "| `quality` | a whole number | `90` | 1 to 100 | `--quality` | QUALITY | JPEG and WebP "
        "quality. |"
    ) in said


def test_every_section_of_every_command_is_there() -> None:
    page = render_reference()
    for heading in ("`[select]`", "`[loop]`", "`[model]`", "`chroma_lite`", "`evaluate`"):
        assert f"# {heading}\n" in page
