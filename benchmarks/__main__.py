"""``python -m benchmarks [name …] [--quick]``: runs the named benchmarks, or all of them."""

import argparse
import importlib
import pkgutil
from pathlib import Path

KNOWN = sorted(one.name for one in pkgutil.iter_modules([str(Path(__file__).parent)]) if not one.name.startswith("_"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what is claimed.")
    parser.add_argument("names", nargs="*", choices=[[], *KNOWN], metavar="name", help=", ".join(KNOWN))
    parser.add_argument("--quick", action="store_true", help="smaller, for a first look")
    asked = parser.parse_args()
    for name in asked.names or KNOWN:
        importlib.import_module(f"benchmarks.{name}").main(quick=asked.quick)


if __name__ == "__main__":
    main()
