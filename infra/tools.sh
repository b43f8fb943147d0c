#!/usr/bin/env bash
# What the tests use of other programs: Chromium with a Korean font, and the npm packages of
# tests/tools (TypeScript's checker, exiftool). A test whose program is missing says so and is left
# out; so a machine without Debian's packages or without node still runs the others.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    chromium fonts-nanum >/dev/null
fi
if command -v npm >/dev/null; then
  npm ci --prefix tests/tools --silent --no-audit --no-fund
fi
