"""Takes the README's pictures of a night's site, given its folder, with the chromium of the machine.

Run: .venv/bin/python docs/pictures/take.py var/long_bien/bulletin/latest
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PICTURES = (
    ("bulletin_vi.png", "index.html", 1120, 2250),
    ("bulletin_en.png", "index.en.html", 1120, 2250),
    ("bulletin_unit.png", "unit-00148-2004.en.html", 1120, 2900),
    ("bulletin_phone.png", "index.html", 390, 1500),
)
"""File, page, width and height in pixels."""


def take(site: Path, folder: Path) -> None:
    """Write the pictures of ``site`` into ``folder``."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for file, name, width, height in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto((site.resolve() / name).as_uri())
            page.screenshot(path=folder / file)
            page.close()
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), HERE)
