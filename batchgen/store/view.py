"""The folder of the videos that count: a view of the results, made anew whenever the reports are."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from batchgen.layout import RESULTS, VIDEOS, video_path
from batchgen.store.links import digest, is_same, link_or_copy, put_aside


def show(folder: Path, counting: Mapping[str, str], known: Collection[str], hashes: Collection[str]) -> None:
    """Have ``videos/SCENE.mp4`` be the result that counts for each scene, and nothing for the others.

    ``counting`` is the path of the result by scene id, ``known`` are all ids that scenes ever had, ``hashes``
    those of all results that are kept. What lies there under another name, or is none of them, is the user's
    own: it is put aside where it is in the way, and left alone else. Raises OSError.
    """
    wanted = {folder / video_path(scene_id): folder / path for scene_id, path in counting.items()}
    wanted = {shown: result for shown, result in wanted.items() if result.is_file()}
    kept = [file.stat() for file in (folder / RESULTS).glob("*.mp4")]
    files, sizes = {(one.st_dev, one.st_ino) for one in kept}, {one.st_size for one in kept}

    def is_result(path: Path) -> bool:
        found = path.stat()
        return (found.st_dev, found.st_ino) in files or (found.st_size in sizes and digest(path) in hashes)

    for path in _videos(folder):
        if path not in wanted and path.stem in known and is_result(path):
            path.unlink(missing_ok=True)
    if wanted:
        (folder / VIDEOS).mkdir(exist_ok=True)
    for shown, result in wanted.items():
        if is_same(shown, result):
            continue
        if shown.is_file() and not is_result(shown):
            put_aside(shown)
        link_or_copy(result, shown)


def _videos(folder: Path) -> Iterator[Path]:
    videos = folder / VIDEOS
    if videos.is_dir():
        yield from (path for path in sorted(videos.iterdir()) if path.suffix == ".mp4" and path.is_file())
