"""A headless Chromium, asked by its DevTools protocol."""

import base64
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import websocket


class Browser:
    """One page of a browser that has no network."""

    def __init__(self, program):
        self._home = tempfile.mkdtemp(prefix="report-check-")
        # A sandbox needs rights that containers do not have; the page is the project's own.
        self._process = subprocess.Popen(
            [
                program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={self._home}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        port, path = self._address()
        self._socket = websocket.create_connection(f"ws://127.0.0.1:{port}{path}", suppress_origin=True, timeout=60)
        self._number, self.events, self._session = 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def _address(self):
        file = pathlib.Path(self._home, "DevToolsActivePort")
        for _ in range(300):
            if self._process.poll() is not None:
                raise RuntimeError("the browser ended as soon as it was started")
            lines = file.read_text().split() if file.exists() else []
            if len(lines) == 2:
                return lines
            time.sleep(0.1)
        raise RuntimeError("the browser did not open its port within 30 seconds")

    def call(self, method, **parameters):
        """The result of a command; events that come before it are kept in `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def load(self, page, scheme, width):
        """Loads a file in a colour scheme on a screen of `width` pixels; the events meanwhile are in `events`."""
        self.events = []
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500)
        self.call(
            "Emulation.setEmulatedMedia", media="screen",
            features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self._socket.recv()))

    def evaluate(self, script):
        """The value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def screenshot(self, file):
        """The whole page as a picture."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        pathlib.Path(file).write_bytes(base64.b64decode(picture["data"]))

    def print(self, file):
        """The page on paper."""
        self.call("Emulation.setEmulatedMedia", media="", features=[])
        sheet = self.call("Page.printToPDF", preferCSSPageSize=False, paperWidth=8.27, paperHeight=11.69)
        pathlib.Path(file).write_bytes(base64.b64decode(sheet["data"]))

    def close(self):
        """Ends the browser."""
        try:
            self._session = None
            self.call("Browser.close")
        except (OSError, RuntimeError, websocket.WebSocketException):
            self._process.kill()
        self._process.wait(30)
        shutil.rmtree(self._home, ignore_errors=True)
