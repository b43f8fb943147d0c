"""What people would use in the product's place, one small program each.

    python benchmarks/peers.py NAME SOURCE OUTPUT

All of them ask the same network (`builtin:default`) and write JPEGs of quality 90; they differ in
how the pictures get there. Each is written as its own documentation shows it: no records, no
resume, no profiles, no metadata. `bench_peers.py` runs them beside the product.
"""

import multiprocessing
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
NETWORK_PX = 512  # DDColor's, and its network's proxies are square
SHORT_PX = 256  # about what the product's default works at
BATCH = 16
QUALITY = 90


def load() -> Any:  # noqa: ANN401 (a Colorizer; the product is imported where it is asked)
    from archive_colorizer.inference.colorizer import open_colorizer
    from archive_colorizer.registry.resolve import resolve

    return open_colorizer(resolve("builtin:default"), "float32", None)


def predict(colorizer: Any, grays: Sequence[Gray]) -> list[NDArray[np.float32]]:  # noqa: ANN401
    """CIE Lab a and b at the size of the pictures given."""
    from archive_colorizer.inference.batching import GreyPicture

    found = colorizer([GreyPicture(gray) for gray in grays], len(grays))
    return [np.moveaxis(one.ab_2hw, 0, -1) for one in found]


def decode(data: bytes) -> Gray:
    gray = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(gray, np.uint8)


def reduce(gray: Gray) -> Gray:
    scale = SHORT_PX / min(gray.shape)
    return np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def compose(gray: Gray, ab: NDArray[np.float32]) -> Gray:
    """Join at full size in float Lab, as DDColor's pipeline and most notebooks do; BGR."""
    grey = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR).astype(np.float32) / 255
    light = cv2.cvtColor(grey, cv2.COLOR_BGR2Lab)[:, :, :1]
    full = cv2.resize(np.ascontiguousarray(ab, np.float32), gray.shape[::-1])
    bgr = cv2.cvtColor(np.concatenate([light, full], -1), cv2.COLOR_Lab2BGR)
    return np.asarray((bgr * 255).clip(0, 255).round(), np.uint8)


def write(bgr: Gray, path: Path) -> None:
    cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def ddcolor(paths: Sequence[Path], output: Path) -> None:
    """One process, picture after picture, a square of 512 pixels for the network."""
    colorizer = load()
    for path in paths:
        gray = decode(path.read_bytes())
        square = cv2.resize(gray, (NETWORK_PX, NETWORK_PX), interpolation=cv2.INTER_AREA)
        write(compose(gray, predict(colorizer, [square])[0]), output / path.name)


class Photographs(torch.utils.data.Dataset[tuple[str, Gray, Gray]]):
    """What a DataLoader's workers do: decode and reduce."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[str, Gray, Gray]:
        gray = decode(self.paths[index].read_bytes())
        return self.paths[index].name, gray, reduce(gray)


def data_loader(paths: Sequence[Path], output: Path) -> None:
    """Workers decode; the main process asks the network, joins and writes."""
    loader: Iterable[list[tuple[str, Gray, Gray]]] = torch.utils.data.DataLoader(
        Photographs(paths), batch_size=BATCH, num_workers=os.cpu_count() or 1, collate_fn=list
    )
    colorizer = load()
    for batch in loader:
        found = predict(colorizer, [small for _, _, small in batch])
        for (name, gray, _), ab in zip(batch, found, strict=True):
            write(compose(gray, ab), output / name)


_colorizer: Any = None


def _start() -> Any:  # noqa: ANN401 (a Colorizer)
    """Load the network in a process that has one thread; keep it, where a pool asks by function."""
    global _colorizer
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    _colorizer = load()
    return _colorizer


def _whole(task: tuple[Path, Path]) -> None:
    path, output = task
    gray = decode(path.read_bytes())
    write(compose(gray, predict(_colorizer, [reduce(gray)])[0]), output / path.name)


def process_pool(paths: Sequence[Path], output: Path) -> None:
    """A process a core, each with its own network, picture after picture."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(os.cpu_count(), _start) as pool:
        for _ in pool.imap_unordered(_whole, [(path, output) for path in paths], chunksize=BATCH):
            pass


class RayColour:
    """A Ray Data actor: a batch of decoded pictures in, coloured ones out."""

    def __init__(self) -> None:
        self.colorizer = _start()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        grays = [image[:, :, 0] if image.ndim == 3 else image for image in batch["image"]]
        found = predict(self.colorizer, [reduce(np.ascontiguousarray(gray)) for gray in grays])
        made = [
            compose(np.ascontiguousarray(gray), ab)[:, :, ::-1]
            for gray, ab in zip(grays, found, strict=True)
        ]
        names = [Path(path).stem for path in batch["path"]]
        return {"image": made, "name": names}


def ray_data(paths: Sequence[Path], output: Path) -> None:
    """`read_images`, `map_batches`, `write_images`; the last writes PNG unless told."""
    import ray

    ray.init("local", include_dashboard=False, log_to_driver=False)
    pictures = ray.data.read_images([str(path) for path in paths], include_paths=True)
    coloured = pictures.map_batches(
        RayColour, batch_size=BATCH, num_cpus=1, concurrency=(1, os.cpu_count())
    )
    coloured.write_images(str(output), column="image", file_format="jpeg")


def daft_frame(paths: Sequence[Path], output: Path) -> None:
    """A Daft data frame: files in, a batch function on each process, files out."""
    import daft

    @daft.cls(max_concurrency=os.cpu_count(), use_process=True)
    class Colour:
        def __init__(self) -> None:
            self.colorizer = _start()

        @daft.method.batch(  # type: ignore[untyped-decorator]
            return_dtype=daft.DataType.string(), batch_size=BATCH
        )
        def colour(self, names: Any, data: Any) -> list[str]:  # noqa: ANN401 (Daft's series)
            made = names.to_pylist()
            grays = [decode(one) for one in data.to_pylist()]
            found = predict(self.colorizer, [reduce(gray) for gray in grays])
            for name, gray, ab in zip(made, grays, found, strict=True):
                write(compose(gray, ab), output / Path(name).name)
            return [str(name) for name in made]

    frame = daft.from_pydict({"path": [str(path) for path in paths]})
    frame = frame.with_column("data", frame["path"].download())
    column: Any = Colour().colour(frame["path"], frame["data"])
    frame.select(column).collect()


PEERS = {
    "ddcolor": ddcolor,
    "data_loader": data_loader,
    "process_pool": process_pool,
    "ray_data": ray_data,
    "daft": daft_frame,
}


def main() -> None:
    name, source, output = sys.argv[1:]
    folder = Path(output)
    folder.mkdir()
    PEERS[name](sorted(Path(source).iterdir()), folder)


if __name__ == "__main__":
    main()
