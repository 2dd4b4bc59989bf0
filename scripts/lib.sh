# Shared by the scripts of this folder: where things are, and how to say what happens.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

# build PRESET [TARGET...]: configures if needed and builds.
build() {
  local preset="$1"
  shift
  if [ ! -f "build/$preset/build.ninja" ]; then
    cmake --preset "$preset" >"/tmp/memopt-configure-$$.log" 2>&1 || {
      cat "/tmp/memopt-configure-$$.log"
      exit 1
    }
  fi
  cmake --build "build/$preset" -- "$@"
}
