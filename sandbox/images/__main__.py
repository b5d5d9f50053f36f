"""`python -m sandbox.images`: builds all images and prints the name and the archive of each."""

import sys

from rich.console import Console

from sandbox import images
from sandbox.errors import SandboxError
from sandbox.report import Shown

try:
    for image in images.all(Shown(Console(stderr=True, highlight=False))):
        sys.stdout.write(f"{image.name} {image.path}\n")
except SandboxError as error:
    sys.exit(f"error: {error}")
