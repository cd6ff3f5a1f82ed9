"""The bulletin's site for 14 and for 126 wards beside its charts alone: seconds, megabytes, first paint.

The marts are one simulated night's, its wards repeated under other keys for the larger district. Charts alone
are the same pictures of the same years, drawn and thrown away. Times are of the processor, as they do not
grow with what else the machine does. First paint is what a headless Chromium reports of the overview, opened
from disk.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from authorities.model import ALL, UNALLOCATED
from benchmarks.night import measured
from bulletins.charts import drawn_svg, fan_svgs
from bulletins.fan import fan_of
from bulletins.night import Night
from bulletins.numbers import Figures
from bulletins.page import words_of
from bulletins.positions import units_table
from bulletins.site import site_files
from warehouse.engines import open_warehouse, warehouse_url
from warehouse.marts import dimensions
from warehouse.tables.marts import MARTS, PUBLICATION

TIMES = 9
"""How often each ward stands in the larger district."""
RUNS = 2


def published_night(home: Path) -> Night:
    """The sample's night as the warehouse gives it back, after a run into ``home``."""
    import sys

    measured([sys.executable, "-m", "pipelines.command", "nightly", "--home", str(home)])
    authority = load_authority(DEFAULT_AUTHORITY)
    warehouse = open_warehouse(warehouse_url(home / "wardcast.duckdb"))
    as_of = warehouse.publications()[-1].as_of
    marts = {t.name: warehouse.read_mart(t.name, as_of if "as_of" in t.columns else None) for t in MARTS}
    publication = warehouse.read_mart(PUBLICATION.name, as_of).row(-1, named=True)
    found = sorted((home / "lake").glob(f"validation_*/{as_of}.parquet"))
    validations = pl.concat(pl.read_parquet(file) for file in found)
    return Night(authority, marts, dimensions(authority, as_of), publication, validations=validations)


def repeated(night: Night, times: int) -> Night:
    """The night of a district that has each ward ``times`` over."""

    def more(frame: pl.DataFrame) -> pl.DataFrame:
        if "unit_key" not in frame.columns:
            return frame
        wards = frame.filter(~pl.col("unit_key").is_in([ALL, UNALLOCATED]))
        copies = [wards.with_columns(pl.col("unit_key") + f".{copy}") for copy in range(1, times)]
        return pl.concat([frame, *copies])

    return replace(
        night,
        marts={name: more(frame) for name, frame in night.marts.items()},
        dimensions={name: more(frame) for name, frame in night.dimensions.items()},
    )


def charts_alone(night: Night) -> int:
    """Draws what the site draws; how many pictures."""
    rows = units_table(night)
    places = [*rows.rows, *([rows.total] if rows.total else [])]
    drawn = 0
    for language in night.authority.settings.languages:
        figures, words = Figures(language, night.authority.settings.currency), words_of(language)
        names = {key: words[key] for key in ("actual", "low", "median", "high")}
        for place in places:
            if (fan := fan_of(night, place.estimate, place.key)) is not None:
                drawn += len(fan_svgs(fan, figures, names | {"estimate": words["estimate_short"]}, "chart"))
    return drawn


def seconds(work: Callable[[], object]) -> float:
    """Least processor seconds of a few runs, all threads together."""
    took = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def made(night: Night, *, papers: bool) -> dict[str, bytes]:
    """The pages of the site, or its papers."""
    return {name: make() for name, make in site_files(night).items() if name.endswith(".html") != papers}


def first_paint(site: Mapping[str, bytes]) -> float | None:
    """Milliseconds to the first contentful paint of the overview; None without a browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for name, content in site.items():
            (Path(folder) / name).write_bytes(content)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto((Path(folder) / "index.html").as_uri())
        painted = page.evaluate(
            """() => new Promise(told => new PerformanceObserver(list => told(
            list.getEntriesByName('first-contentful-paint')[0].startTime
            )).observe({type: 'paint', buffered: true}))"""
        )
        browser.close()
        return float(painted)


def report(night: Night, wards: int) -> None:
    """Measure one district and print."""
    pages, papers = made(night, papers=False), made(night, papers=True)
    whole = seconds(lambda: made(night, papers=False))
    alone, other = seconds(lambda: charts_alone(night)), seconds(lambda: made(night, papers=True))
    heaviest = max(pages, key=lambda name: len(pages[name]))
    paint = first_paint(pages)
    print(f"{wards} wards: {len(pages)} pages, {megabytes(pages)}; {len(papers)} papers, {megabytes(papers)}")
    print(f"  pages {whole:6.2f} s, their charts alone {alone:6.2f} s, ratio {whole / alone:.2f} (goal: 1.5)")
    print(f"  papers {other:5.2f} s")
    print(f"  heaviest page {heaviest}: {len(pages[heaviest]) / 1000:.0f} kB (goal: under 1000)")
    said = "no browser" if paint is None else f"{paint:.0f} ms (goal: under 1000)"
    print(f"  first paint of the overview: {said}")


def megabytes(files: Mapping[str, bytes]) -> str:
    """Size of files together."""
    return f"{sum(map(len, files.values())) / 1e6:.1f} MB"


def main() -> None:
    """Measure and print."""
    drawn_svg({"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {}}, "vi")
    with tempfile.TemporaryDirectory() as folder:
        night = published_night(Path(folder))
        wards = len(units_table(night).rows)
        report(night, wards)
        report(repeated(night, TIMES), wards * TIMES)


if __name__ == "__main__":
    main()
