"""``batchgen init``: a manifest with reference media, to start from."""

from pathlib import Path

import click

_MANIFEST = """\
# yaml-language-server: $schema=manifest.schema.json
# Check it:  batchgen validate {shown}
version: 1
name: "{name}"
defaults:
  size: 1280*720     # the size's tier and the duration set the price
  duration: 5
pricing:             # US dollars per second of video: examples, put in those of your provider
  720P: "0.10"
  1080P: "0.15"
  reference_video: same   # if its seconds are billed, too; "0" if not
cast:                # name them in prompts: {{hero}}, {{dog}}
  hero: refs/hero.png
  dog: refs/dog.mp4
scenes:
  - id: s01
    prompt: "{{hero}} throws a stick over the lawn and {{dog}} runs after it"
  - id: s02
    prompt: "{{dog}} brings the stick back to {{hero}}, who laughs"
    shot_type: multi
"""
_CLIP_SECONDS = 4


@click.command("init")
@click.argument("directory", default=".", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path))
def command(directory: Path) -> int:
    """Write a manifest with a cast and two scenes into DIR (by default: here).

    Beside it go a picture, a clip, and the JSON Schema that lets an editor help. Files that are
    there already are not touched: then nothing is written.
    """
    import json
    import shlex

    from batchgen.errors import UsageError
    from batchgen.files import write_atomically
    from batchgen.media.samples import FIGURES, clip, picture
    from batchgen.schemas import shipped
    from batchgen.text import on_one_line, slug

    manifest = directory / "manifest.yaml"
    name = slug(directory.resolve().name) or "batch"
    schema = json.dumps(shipped().document("manifest"), indent=2, ensure_ascii=False)
    files = {
        directory / "refs" / "hero.png": picture(FIGURES["hero"]),
        directory / "refs" / "dog.mp4": clip(FIGURES["dog"], _CLIP_SECONDS),
        directory / "manifest.schema.json": schema.encode() + b"\n",
        manifest: _MANIFEST.format(name=name, shown=on_one_line(str(manifest))).encode(),
    }
    try:
        there = [str(path) for path in files if path.exists()]
        if there:
            raise UsageError(f"nothing written: {', '.join(there)} would be overwritten")
        (directory / "refs").mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            write_atomically(path, content)
    except OSError as error:
        raise UsageError(f"cannot write into {directory}: {error.strerror}") from None
    for path in files:
        click.echo(on_one_line(f"wrote {path}"), err=True)
    typed = on_one_line(shlex.quote(str(manifest)))
    told = "Now check it, and rehearse it, free:"
    click.echo(f"\n{told}\n  batchgen validate {typed}\n  batchgen run {typed} --emulator", err=True)
    return 0
