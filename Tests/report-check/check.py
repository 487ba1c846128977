"""Looks at report pages as readers do: check.py BROWSER DIRECTORY PAGE…

Light and dark, on a desk and on a telephone: no errors, nothing loaded, nothing wider than the window, numbers as in the
page's JSON object, texts of charts that are apart from each other, readable colours. Screenshots, and the page as PDF, go to
DIRECTORY.
"""

import pathlib
import sys

from browser import Browser

SCRIPT = pathlib.Path(__file__).with_name("page.js").read_text()
VIEWS = [("light", 1200), ("dark", 1200), ("light", 390), ("dark", 390), ("light", 700)]


def look(browser, page, scheme, width):
    """What is wrong with a page in one view."""
    browser.load(page, scheme, width)
    wrong = list(browser.evaluate(f"{SCRIPT}({width})"))
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    is_dark = all(int(part) < 100 for part in background.removeprefix("rgb(").removesuffix(")").split(","))
    if is_dark != (scheme == "dark"):
        wrong.append(f"the background is {background} in the {scheme} scheme")
    for event in browser.events:
        detail = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            wrong.append(f"exception: {detail['exceptionDetails'].get('text')}")
        elif event["method"] == "Runtime.consoleAPICalled" and detail["type"] in ("error", "warning"):
            wrong.append(f"console: {detail['args']}")
        elif event["method"] == "Log.entryAdded" and detail["entry"]["level"] in ("error", "warning"):
            wrong.append(f"log: {detail['entry']['text']}")
        elif event["method"] == "Network.requestWillBeSent":
            url = detail["request"]["url"]
            if url != page.resolve().as_uri() and not url.startswith("data:"):
                wrong.append(f"the page asks for {url}")
    return wrong


def main(program, directory, pages):
    failed = 0
    browser = Browser(program)
    try:
        for page in map(pathlib.Path, pages):
            for scheme, width in VIEWS:
                wrong = look(browser, page, scheme, width)
                browser.screenshot(pathlib.Path(directory, f"{page.stem}-{scheme}-{width}.png"))
                print(f"{page.name}, {scheme}, {width} pixels: {'as it should be' if not wrong else ''}")
                for sentence in wrong:
                    print("   ", sentence)
                failed += len(wrong)
            browser.print(pathlib.Path(directory, f"{page.stem}.pdf"))
    finally:
        browser.close()
    print(f"{len(pages)} pages, {failed} faults; screenshots are in {directory}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
