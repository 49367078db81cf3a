"""What a run with a cluster has to leave."""

import hashlib

from helpers.runs import KEY, Batch


def whole(film: Batch, scenes: int) -> None:
    """Every scene has its result, of the hash that the journal tells, and its pictures; nothing else is left."""
    rows = film.report().values()
    assert [row["status"] for row in rows] == ["completed"] * scenes
    for row in rows:
        content = (film.run_dir / "results" / f"{row['scene_id']}@1.mp4").read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["video_sha256"]
        assert list((film.run_dir / "posters").glob(f"{row['video_sha256']}-frames.*"))
    names = {path.suffix for path in (film.run_dir / "results").iterdir()}
    assert names == {".mp4", ".json"}
    assert KEY not in "".join(path.read_bytes().decode(errors="replace") for path in film.run_dir.glob("*.*"))
