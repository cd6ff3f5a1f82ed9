"""Takes the README's pictures of a bulletin, given its file, with the chromium of the machine.

Run: .venv/bin/python docs/pictures/take.py var/long_bien/bulletin/latest/index.html
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PICTURES = (
    ("bulletin_vi.png", "vi", 1120, 1860),
    ("bulletin_en.png", "en", 1120, 1860),
    ("bulletin_phone.png", "vi", 390, 1500),
)
"""File, language, width and height in pixels."""


def take(bulletin: Path, folder: Path) -> None:
    """Write the pictures of ``bulletin`` into ``folder``."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for file, language, width, height in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{bulletin.resolve().as_uri()}#{language}")
            page.screenshot(path=folder / file)
            page.close()
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), HERE)
