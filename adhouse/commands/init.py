"""Lays a dbt project of one's own into a folder: models, macros, seeds, tests, the profile, and an example file."""

import shutil
from pathlib import Path

from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.settings import PROJECT_FILE

# A wheel has the project inside the package; in a clone it is beside the package.
PACKAGED = Path(__file__).parents[1] / "project"
CLONE = Path(__file__).parents[2]
PARTS = ("dbt_project.yml", "profiles.yml.example", "models", "macros", "seeds", "tests/sql")
EXAMPLE = "example.csv"
EXAMPLE_ROWS = """\
campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions
summer,banner-1,2026-06-01,Acme,US,California,Los Angeles,90001,1000,25,12.50,2
summer,banner-2,2026-06-01,Acme,US,California,San Diego,92101,800,16,,1
winter,banner-1,2026-06-02,Acme,DE,Bayern,München,80331,1200,30,15.00,1.5
"""
GITIGNORE = "data/\ntarget/\nlogs/\nprofiles.yml\n.user.yml\n"
NEXT = """Next:
  cd {0}
  ADHOUSE_API_URL=none adhouse run   load the example file, build, test, publish
  adhouse run                        or ask the mock API; ADHOUSE_API_URL is your own"""


def init(terminal: Terminal, folder: Path) -> None:
    """Makes the folder with a project in it; an existing project is never changed.

    Raises:
        CommandError: The folder has a dbt project already.
    """
    if (folder / PROJECT_FILE).exists():
        raise CommandError(f"{folder} already has a dbt project", "choose another folder", Exit.USAGE)
    template = PACKAGED if PACKAGED.is_dir() else CLONE
    for part in PARTS:
        source, target = template / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
    shutil.copyfile(folder / "profiles.yml.example", folder / "profiles.yml")
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(GITIGNORE)
    inbox = folder / "data" / "inbox" / "campaign_files"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / EXAMPLE).write_text(EXAMPLE_ROWS, encoding="utf-8")
    terminal.result(f"made a dbt project in {folder}")
    terminal.result(NEXT.format(folder))
