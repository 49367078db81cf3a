"""``batchgen model``: models as folders."""

from pathlib import Path

import click


@click.group("model")
def command() -> None:
    """Make models of your own: folders that say what a model takes, and no code."""


@command.command("import")
@click.argument("source", metavar="SPEC.json", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--contract", is_flag=True, help="SPEC.json is a contract with an input_schema, not a list of parameters."
)
@click.option(
    "--out", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="The folder of your models. Without it: the one that BATCHGEN_MODELS names.",
)  # fmt: skip
@click.option("--name", help="The model's name in requests. Without it: the one in SPEC.json.")
@click.option("--priced-by", metavar="SETTING", help="The setting that prices hang on, with a tier for each value.")
@click.option("--force", is_flag=True, help="Replace a model that is there already.")
def import_(
    source: Path, out: Path | None, name: str | None, priced_by: str | None, *, contract: bool, force: bool
) -> int:
    """Draft a model's folder from its provider's specification.

    What a specification does not say (prices, limits on files, error codes) is told, with the file to
    write it into. Exit code 0: the model can be used; 3: none can be made of SPEC.json.
    """
    import os

    from batchgen.app.model_import import import_model
    from batchgen.errors import UsageError
    from batchgen.schemas import MODELS_VARIABLE
    from batchgen.text import on_one_line

    known = os.environ.get(MODELS_VARIABLE)
    models = out or (Path(known) if known else None)
    if models is None:
        raise UsageError(f"say where your models lie, with --out DIR or in {MODELS_VARIABLE}")
    made = import_model(source, out=models, contract=contract, name=name, priced_by=priced_by, force=force)
    lines = [f"wrote {path}" for path in made.files]
    lines.append(f"{made.name} takes: {', '.join(made.settings)}")
    lines.append(f"What {source.name} does not say, or a manifest says otherwise; correct it in these files:")
    lines += [f"  - {note}" for note in made.notes]
    click.echo("\n".join(map(on_one_line, lines)), err=True)
    click.echo(_how_to_go_on(made.name, models, known), err=True)
    return 0


def _how_to_go_on(name: str, models: Path, known: str | None) -> str:
    """What to type next; the variable where it does not lead there yet."""
    import shlex

    from batchgen.schemas import MODELS_VARIABLE
    from batchgen.text import on_one_line

    is_found = known is not None and Path(known).resolve() == models.resolve()
    variable = [] if is_found else [f"  export {MODELS_VARIABLE}={shlex.quote(str(models.resolve()))}"]
    lines = [*variable, f"  batchgen schema --model {name} > manifest.schema.json"]
    return "\n".join([f"\nNow write  model: {name}  into a manifest:", *map(on_one_line, lines)])
