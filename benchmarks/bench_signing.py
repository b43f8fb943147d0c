"""What a C2PA signature costs a derivative: bytes, processor time, and memory.

    python benchmarks/bench_signing.py

Each form and size is signed in a process of its own, with a test certificate (es256): the memory is
the growth of the process's peak by signing alone.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import gray_photograph, save
from PIL import Image

from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE
from archive_colorizer.provenance.c2pa_reading import read_c2pa
from archive_colorizer.provenance.signing import open_signer
from archive_colorizer.provenance.trial_certificates import write_test_certificate

FORMS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 90},
    "png": {"compress_level": 1},
    "tiff": {},
}
MEGAPIXELS = (1.0, 24.0)
REPEAT = 5


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(form: str, megapixels: float) -> dict[str, Any]:
    """Sign copies of one file; in this process nothing else is done."""
    row = {
        "row_id": "a" * 64, "source_sha256": "b" * 64, "derivative_mime": f"image/{form}",
        "digital_source_type": DIGITAL_SOURCE_TYPE, "version": "1", "luminance_p99": 1.0,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        signer = open_signer(*map(str, write_test_certificate(Path(folder) / "keys")))
        plain, path = Path(folder) / "plain", Path(folder) / "signed"
        subprocess.run([sys.executable, __file__, form, str(megapixels), str(plain)], check=True)
        before, cpu_ms = peak_mib(), []
        for _ in range(REPEAT):
            shutil.copyfile(plain, path)
            start_s = time.process_time()
            with path.open("r+b") as file:
                signer.sign(file, row)
            cpu_ms.append((time.process_time() - start_s) * 1000)
        more_mib = peak_mib() - before
        with path.open("rb") as file:
            if read_c2pa(file, f"image/{form}").state != "valid":
                raise SystemExit(f"{form}: the signature does not hold")
        size = plain.stat().st_size
        return {
            "form": form, "megapixels": megapixels, "file_bytes": size,
            "more_bytes": path.stat().st_size - size,
            "cpu_ms": round(statistics.median(cpu_ms), 1), "more_mib": round(more_mib),
        }  # fmt: skip


def encode(form: str, megapixels: float, path: str) -> None:
    """Write the file in another process: its memory is not counted."""
    picture = Image.fromarray(gray_photograph(megapixels)).convert("RGB")
    picture.save(path, form, **FORMS[form])


def main() -> None:
    """Measure each case in a process of its own, and save."""
    if len(sys.argv) == 4:
        return encode(sys.argv[1], float(sys.argv[2]), sys.argv[3])
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], float(sys.argv[2]))))
        return None
    cases = []
    for form in FORMS:
        for megapixels in MEGAPIXELS:
            words = [sys.executable, __file__, form, str(megapixels)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            cases.append(json.loads(done.stdout))
            print(cases[-1])
    save("signing", {"what": "a C2PA signature, es256, no timestamp", "cases": cases})
    return None


if __name__ == "__main__":
    main()
