# Functions of the other scripts. To be sourced: sets `root`, the top of the source tree, and goes there.
# shellcheck shell=bash
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit

say() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

# fail CODE MESSAGE: exit codes are those of the program (README, "Exit codes").
fail() {
  say "$2"
  exit "$1"
}

# timed LABEL COMMAND...: runs the command and says how long it took. Its status is the command's.
timed() {
  local label="$1" start=$SECONDS status
  shift
  "$@"
  status=$?
  say "$label took $((SECONDS - start)) s"
  return "$status"
}

# launch RANKS PROGRAM...: mpirun as our runs need it. One thread a rank: the ranks are the parallelism.
# Ctrl-C and TERM become SIGUSR1, which mpirun passes to every rank at once and goes on showing what they say; on INT itself it
# stops listening to them, and gives them a second.
launch() {
  local options=(-n "$1" --oversubscribe) status=0
  shift
  if [[ $(id -u) -eq 0 ]]; then options+=(--allow-run-as-root); fi
  # setsid: a terminal sends Ctrl-C to all of its foreground group, and mpirun is not to get it.
  OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 setsid mpirun "${options[@]}" "$@" &
  local mpirun_pid=$!
  trap 'kill -USR1 "$mpirun_pid" 2>/dev/null || true' INT TERM HUP
  wait "$mpirun_pid" || status=$?
  # A trapped signal ends `wait` early: mpirun is waited for again.
  while kill -0 "$mpirun_pid" 2>/dev/null; do
    status=0
    wait "$mpirun_pid" || status=$?
  done
  trap - INT TERM HUP
  return "$status"
}

# run_complete FOLDER: whether a run wrote its summary to the end.
run_complete() {
  [[ -f "$1/summary.json" ]] &&
    python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1])).get("complete") is not True)' \
      "$1/summary.json" 2>/dev/null
}

# show_help SCRIPT: the comment that the script begins with.
show_help() {
  awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$1"
}
