"""Packs a wheel: wheel.py FOLDER OUTPUT VERSION PLATFORM, with the package in FOLDER/gradloom and licences in FOLDER/licenses.

The format is that of PyPA's specification "Binary distribution format"; the metadata are those of "Core metadata".
"""

import base64
import hashlib
import os
import pathlib
import sys
import time
import zipfile

METADATA = """\
Metadata-Version: 2.4
Name: gradloom
Version: {version}
Summary: Dense neural networks trained on CPU cores, batch-parallel, as scikit-learn estimators
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.9
Requires-Dist: numpy>=1.24
Provides-Extra: sklearn
Requires-Dist: scikit-learn>=1.6; extra == "sklearn"
Description-Content-Type: text/markdown

Gradloom trains dense neural networks on CPU cores. `GradloomClassifier` and `GradloomRegressor` are estimators for
scikit-learn; `gradloom.load` opens models and runs of the command `gradloom` for predictions.
"""

WHEEL = """\
Wheel-Version: 1.0
Generator: gradloom
Root-Is-Purelib: false
Tag: py3-none-{platform}
"""


def main(folder, output, version, platform):
    folder = pathlib.Path(folder)
    date = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]
    information = f"gradloom-{version}.dist-info"
    files = {f"gradloom/{path.relative_to(folder / 'gradloom')}": path.read_bytes()
             for path in (folder / "gradloom").rglob("*") if path.is_file()}
    files |= {f"{information}/licenses/{path.relative_to(folder / 'licenses')}": path.read_bytes()
              for path in (folder / "licenses").rglob("*") if path.is_file()}
    files[f"{information}/METADATA"] = METADATA.format(version=version).encode()
    files[f"{information}/WHEEL"] = WHEEL.format(platform=platform).encode()
    record = f"{information}/RECORD"
    lines = [f"{name},sha256={digest(content)},{len(content)}" for name, content in sorted(files.items())]
    files[record] = "".join(line + "\n" for line in [*lines, f"{record},,"]).encode()
    path = pathlib.Path(output) / f"gradloom-{version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    print(f"Built {path} ({path.stat().st_size / 1e6:.0f} MB)")


def digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


main(*sys.argv[1:])
