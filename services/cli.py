"""`tekil`: one command for everything a person does with Tekil."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands import asking, console, faults, letters, parked, playing, reporting, serving
from services.commands.demo import demo as run_demo

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Event-driven order management: one brand, one order, one truth, for stock, budgets and performance.",
)
orders = typer.Typer(no_args_is_help=True, help="Look at orders.")
app.add_typer(orders, name="order")
topics = typer.Typer(no_args_is_help=True, help="Kafka's topics.")
app.add_typer(topics, name="topics")
dead_letters = typer.Typer(no_args_is_help=True, help="What the services could not process, and what to do with it.")
app.add_typer(dead_letters, name="dead-letters")
early = typer.Typer(no_args_is_help=True, help="Messages that came before what they stand on.")
app.add_typer(early, name="parked")
app.command("up")(serving.up)
app.command("run")(serving.run)
app.command("migrate")(serving.migrate)
topics.command("apply")(serving.apply_topics)
orders.command("show")(asking.show)
dead_letters.command("list")(letters.list_letters)
dead_letters.command("show")(letters.show_letter)
dead_letters.command("retry")(letters.retry_letters)
dead_letters.command("discard")(letters.discard_letters)
early.command("list")(parked.list_parked)
app.command("explain")(asking.explain)
app.command("reconcile")(asking.reconcile_all)
app.command("settings")(asking.settings)
app.command("play")(playing.play_files)
app.command("replay")(reporting.replay_data_set)
app.command("report")(reporting.report)
app.command("simulate-faults")(faults.simulate_faults)


@app.command()
def demo(
    baskets: Annotated[int, typer.Option(min=1, help="Baskets to replay.")] = 2_000,
    html: Annotated[Path, typer.Option(dir_okay=False, help="Where the report's page goes.")] = Path(
        "tekil-report.html"
    ),
) -> None:
    """Run everything here, with nothing to install: one order told from click to counter, then a grocer's baskets.

    Example: tekil demo
    """
    run_demo(console.settings(usual_level="WARNING"), baskets, html)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
