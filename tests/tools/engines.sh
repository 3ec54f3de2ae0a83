#!/usr/bin/env bash
# Runs the adapters' tests on Spark and Ray: tests/tools/engines.sh [PYTHON], default python3.
#
# An engine that this Python lacks is told, and skipped: `pip install '.[engines]'` installs both (half a GB), and Spark
# needs Java 17. One process at a time: each engine starts two of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}

run() {  # name, module, test
  version=$("$python" -c "import $2; print($2.__version__)" 2> /dev/null) || { echo "$1 is skipped: not installed"; return; }
  echo "== $1 $version"
  "$python" -m pytest -n 0 -m "not exhaustive" "tests/scale_out/test_$3.py"
}

if command -v java > /dev/null; then run Spark pyspark spark; else echo "Spark is skipped: needs Java"; fi
run Ray ray ray
