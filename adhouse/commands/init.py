"""Makes a folder to work in without a clone: the dbt project, its profile, and an example file in the inbox."""

import shlex
import shutil
from pathlib import Path

from adhouse.console import Terminal
from adhouse.errors import CommandError, Exit
from adhouse.settings import PROJECT_FILE

# A wheel has the project inside the package; in a clone it is beside the package.
PACKAGED = Path(__file__).parents[1] / "project"
CLONE = Path(__file__).parents[2]
PROFILE_EXAMPLE, PROFILE = "profiles.yml.example", "profiles.yml"
SOURCES = ("sources.yml.example", "sources.schema.json")
PARTS = ("models", "macros", "seeds", "tests/sql", PROFILE_EXAMPLE, *SOURCES)
EXAMPLE = "data/inbox/campaign_files/example.csv"
EXAMPLE_ROWS = """\
campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions
summer,banner-1,2026-06-01,Acme,US,California,Los Angeles,90001,1000,25,12.50,2
summer,banner-2,2026-06-01,Acme,US,California,San Diego,92101,800,16,,1
winter,banner-1,2026-06-02,Acme,DE,Bayern,München,80331,1200,30,15.00,1
"""
GITIGNORE = "data/\ntarget/\nlogs/\nprofiles.yml\n.user.yml\n"
NEXT = """Next:
  cd {folder}
  adhouse run                                   load the example file, build, test and publish
  adhouse sql "select * from campaign_summary"  look at what was published
Your own files go into {inbox}; delete data/ to start again without the example.
To load exports of platforms as they are, copy sources.yml.example to sources.yml."""


def init(terminal: Terminal, folder: Path) -> None:
    """Makes the folder; a second run for the same folder changes nothing and fails.

    Raises:
        CommandError: The folder has a dbt project, or files of one, already.
    """
    there = next((folder / name for name in (PROJECT_FILE, PROFILE, *PARTS) if (folder / name).exists()), None)
    if there:
        raise CommandError(f"{folder} already has {there.relative_to(folder)}", "choose another folder", Exit.USAGE)
    template = PACKAGED if PACKAGED.is_dir() else CLONE
    try:
        for part in PARTS:
            _copy(template / part, folder / part)
        _copy(template / PROFILE_EXAMPLE, folder / PROFILE)
        _write(folder / ".gitignore", GITIGNORE)
        _write(folder / EXAMPLE, EXAMPLE_ROWS)
        _copy(template / PROJECT_FILE, folder / PROJECT_FILE)
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}", "choose another folder") from error
    terminal.result(f"made a dbt project in {folder}")
    terminal.result(NEXT.format(folder=shlex.quote(str(folder)), inbox=Path(EXAMPLE).parent))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text, encoding="utf-8")
