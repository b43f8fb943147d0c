"""Tell the world that a job has ended: a POST of JSON to a URL, or a command that gets it.

What cannot be told is a note of the report; it fails no job.
"""

import json
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

from archive_colorizer.pipeline.report import JobReport

TIMEOUT_S: Final = 30.0
MANY_FOR_REVIEW: Final = 0.2
"""Share of a run's pictures from which on `many_for_review` is among the needs."""
SCHEMES: Final = ("http://", "https://")


def message_of(report: JobReport, event: str) -> dict[str, Any]:
    """Make the message of a run.

    Args:
        report: of the run.
        event: `ended`, or `round` for one of a standing job.

    Returns:
        `event`, `output`, counts, `needs` (a list of `failures`, `many_for_review`) and `summary`,
        the lines that the command prints.
    """
    counts = report.attention
    needs = []
    if counts.failed:
        needs.append("failures")
    if report.worked and counts.review > MANY_FOR_REVIEW * report.worked:
        needs.append("many_for_review")
    return {
        "event": event, "output": report.output, "listed": report.listed, "ok": report.ok,
        "skipped": report.skipped, "failed": report.failed, "failed_left": report.failed_left,
        "review": counts.review, "left": report.left, "clean": report.is_clean, "needs": needs,
        "summary": report.text(),
    }  # fmt: skip


def tell(to: str, message: Mapping[str, Any]) -> str:
    """Send a message.

    Args:
        to: an http or https URL, or a command line (no shell); empty for nobody. A command gets the
            JSON on its standard input, and the event in ARCHIVE_COLORIZER_EVENT.
        message: what to tell.

    Returns:
        What went wrong, in one line; empty where nothing did. It names the host, not the URL, which
        may hold a key.
    """
    if not to:
        return ""
    body = json.dumps(message, ensure_ascii=False).encode()
    if to.startswith(SCHEMES):
        return _post(to, body)
    return _call(to, body, str(message["event"]))


def _post(url: str, body: bytes) -> str:
    request = urllib.request.Request(  # noqa: S310 (http or https, as the user has it)
        url, body, {"Content-Type": "application/json; charset=utf-8"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return f"--on-end: {request.host or 'the URL'} was not told: {reason}"


def _call(command: str, body: bytes, event: str) -> str:
    try:
        words = shlex.split(command)
        done = subprocess.run(  # noqa: S603 (the user's own command)
            words, input=body, capture_output=True, timeout=10 * TIMEOUT_S, check=False,
            env=os.environ | {"ARCHIVE_COLORIZER_EVENT": event},
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"--on-end: the command did not run: {error}"
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return f"--on-end: {words[0]} ended with {done.returncode}: {''.join(last)[:200]}"
    return ""
