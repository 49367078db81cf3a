"""``batchgen schema``: prints a shipped JSON Schema, for editors and other programs."""

import click


@click.command("schema")
@click.argument("name", default="manifest")
@click.option("--model", default=None, help="The model whose limits go into the schema.")
@click.option("--list", "only_names", is_flag=True, help="Print the names of all schemas.")
def command(name: str, model: str | None, *, only_names: bool) -> int:
    """Print the JSON Schema NAME (by default: manifest) as one self-contained document.

    What other programs read has one, too: findings, plan, status, journal, report.table-schema and
    ledger.table-schema; the last two are Frictionless Table Schemas of the CSV files.
    """
    import json

    from batchgen.errors import UsageError
    from batchgen.schemas import DEFAULT_MODEL, shipped

    catalogue = shipped()
    if only_names:
        click.echo("\n".join(catalogue.names()))
        return 0
    if model is not None and model not in catalogue.models():
        raise UsageError(f"there is no model {model!r}; there is {', '.join(catalogue.models())}")
    # ASCII: what is redirected into a file is JSON then, whatever the encoding of this terminal.
    click.echo(json.dumps(catalogue.document(name, model or DEFAULT_MODEL), indent=2))
    return 0
