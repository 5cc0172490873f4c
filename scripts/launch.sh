#!/usr/bin/env bash
# Runs `reckon train` under mpirun or srun, and again from its last checkpoint where a rank, a node or the network failed.
#
# Usage: launch.sh [OPTIONS] -- LAUNCHER ARGUMENTS -- reckon train RECIPE --out DIR ...
#   launch.sh --restarts 5 -- -n 16 --hostfile hosts -- reckon train recipes/r1-mini.toml --out /shared/runs/mini
#   launch.sh --launcher srun -- --mpi=pmix -- reckon train recipes/r1-mini.toml --out /shared/runs/mini --resume
#
#   --restarts N       attempts after the first one (3)
#   --launcher NAME    mpirun or srun (mpirun)
#   --pause S          seconds before the first restart; each later pause is twice as long, 300 at most (10)
#   --kill-after S     seconds that the launcher may go on after a rank has told an error, before it is killed: mpirun can wait for ever for
#                      a node that was cut off; 0: for ever (120)
#
# A restart adds --resume; the first attempt has it only where it is given: give it where a scheduler may run this script again.
# SIGTERM, SIGINT, SIGHUP and SIGUSR1 stop the run behind a checkpoint (code 75): all ranks get SIGUSR1. A second one ends the launcher.
# What the launcher shows goes to stdout and to DIR/launch/attempt-001.log and so on; what is said of attempts, to stderr and
# DIR/launch/attempts.log.
#
# Exit codes: that of the last attempt. 0 done; 75 stopped, to be resumed. No other attempt is made behind these, and 2 (usage, recipe),
# 65 (bad data), 66 (missing input), 78 (environment), 126 and 127 (no launcher): it would end as this one. All others are tried again.
set -euo pipefail

restarts=3
launcher=mpirun
pause=10
kill_after=120
longest_pause=300
rank_error='\[rank [0-9]+/[0-9]+ [^]]*\] error: '  # as a rank writes it that takes the others down

say() {
  printf 'launch.sh: %s\n' "$*" >&2
  if [[ -d "${logs:-}" ]]; then printf '%s %s\n' "$(date -u +%FT%TZ)" "$*" >>"$logs/attempts.log"; fi
}

refuse() {
  say "$*"
  exit 2
}

show_help() {
  awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
}

# number NAME VALUE: prints a whole number, or refuses.
number() {
  [[ "$2" =~ ^[0-9]{1,6}$ ]] || refuse "$1 is $2 (need a whole number, 0 or more)"
  printf '%d' "$((10#$2))"
}

read_options() {
  while [[ $# -gt 0 && "$1" != -- ]]; do
    case "$1" in
      --help | -h) show_help && exit 0 ;;
      --restarts | --launcher | --pause | --kill-after) [[ $# -ge 2 && "$2" != -- ]] || refuse "$1 has no value (need one)" ;;
      *) refuse "unknown option $1 (need --restarts, --launcher, --pause or --kill-after, then -- LAUNCHER ARGUMENTS -- reckon train ...)" ;;
    esac
    case "$1" in
      --restarts) restarts="$(number "$1" "$2")" ;;
      --launcher) launcher="$2" ;;
      --pause) pause="$(number "$1" "$2")" ;;
      --kill-after) kill_after="$(number "$1" "$2")" ;;
    esac
    shift 2
  done
  [[ "$launcher" == mpirun || "$launcher" == srun ]] || refuse "--launcher is $launcher (need mpirun or srun)"
  [[ $# -gt 0 ]] || refuse "got no -- (need -- LAUNCHER ARGUMENTS -- reckon train RECIPE --out DIR)"
  shift
  while [[ $# -gt 0 && "$1" != -- ]]; do
    launcher_arguments+=("$1")
    shift
  done
  [[ $# -gt 0 ]] || refuse "got one -- (need two: -- LAUNCHER ARGUMENTS -- reckon train RECIPE --out DIR)"
  program=("${@:2}")
}

# run_folder: prints the folder of the run: --out, or what is trained where that is a folder.
run_folder() {
  [[ ${#program[@]} -ge 3 && "${program[1]}" == train ]] ||
    refuse "the program is \"${program[*]}\" (need reckon train RECIPE --out DIR)"
  local i
  for ((i = 2; i < ${#program[@]}; ++i)); do
    case "${program[i]}" in
      --out) printf '%s' "${program[i + 1]:-}" && return ;;
      --out=*) printf '%s' "${program[i]#--out=}" && return ;;
    esac
  done
  for ((i = 2; i < ${#program[@]}; ++i)); do
    if [[ -f "${program[i]}/recipe.toml" ]]; then printf '%s' "${program[i]}" && return; fi
  done
}

# The newest checkpoint, as the run's folder names it; "none" where it has none.
last_checkpoint() {
  cat "$run/checkpoints/latest" 2>/dev/null || printf 'none'
}

next_log() {
  local number=1
  while [[ -e "$(printf '%s/attempt-%03d.log' "$logs" "$number")" ]]; do number=$((number + 1)); done
  printf '%s/attempt-%03d.log' "$logs" "$number"
}

meaning() {
  case "$1" in
    0) printf 'done' ;;
    2) printf 'usage or recipe' ;;
    65) printf 'bad data' ;;
    66) printf 'missing input' ;;
    70) printf 'internal error, or a rank that did not answer' ;;
    74) printf 'input or output failed, or the disk is full' ;;
    75) printf 'stopped, can be resumed' ;;
    78) printf 'environment' ;;
    126 | 127) printf 'the launcher cannot be run' ;;
    137) printf 'killed: out of memory, or a node was lost' ;;
    129 | 1[3-5][0-9]) printf 'ended by SIG%s' "$(kill -l "$1" 2>/dev/null || printf '?')" ;;
    *) printf 'the launcher or a rank failed' ;;
  esac
}

# ends_here CODE: whether another attempt would make no sense.
ends_here() {
  case "$1" in
    0 | 2 | 65 | 66 | 75 | 78 | 126 | 127) return 0 ;;
    *) return 1 ;;
  esac
}

pid=0      # of the launcher; 0 where none runs
signals=0  # that asked to stop
on_signal() {
  signals=$((signals + 1))
  [[ $pid -ne 0 ]] || return 0
  if [[ $signals -eq 1 ]]; then
    say "got $1: the ranks are told to stop behind a checkpoint (SIGUSR1)"
    kill -USR1 "$pid" 2>/dev/null || true
  else
    say "got $1 again: $launcher is ended"
    kill -TERM "$pid" 2>/dev/null || true
  fi
}

# kill_hanging LOG: kills the launcher where it outlives the error of a rank by too long.
kill_hanging() {
  local waited=0
  until grep -qE "$rank_error" "$1"; do sleep 1 &>/dev/null; done
  while [[ $waited -lt $kill_after ]]; do
    sleep 1 &>/dev/null
    waited=$((waited + 1))
  done
  say "$launcher goes on $kill_after s after a rank told an error: it is killed"
  kill -TERM "$pid" 2>/dev/null
  sleep 10 &>/dev/null
  kill -KILL -- "-$pid" 2>/dev/null
}

# wait_for PID: its exit code. A trapped signal ends `wait` early: it is waited for again.
wait_for() {
  local status=0 again seen=$signals
  wait "$1" || status=$?
  while [[ $signals -ne $seen ]]; do
    seen=$signals
    again=0
    wait "$1" 2>/dev/null || again=$?
    if [[ $again -ne 127 ]]; then status=$again; fi  # 127: it had ended together with the signal
  done
  return "$status"
}

# attempt LOG COMMAND...: runs it, and shows its log. Its status is the command's.
attempt() {
  local log="$1" status=0 watcher=0 viewer
  shift
  : >"$log"
  # setsid: a terminal sends Ctrl-C to all of its foreground group, and mpirun is not to get it. Straight into the file: whoever reads what
  # this script shows may go away.
  setsid "$@" </dev/null >>"$log" 2>&1 &
  pid=$!
  if [[ $signals -gt 0 ]]; then kill -USR1 "$pid" 2>/dev/null || true; fi
  tail -n +1 -s 0.2 -f --pid="$pid" "$log" 2>/dev/null &
  viewer=$!
  if [[ $kill_after -gt 0 ]]; then
    kill_hanging "$log" &
    watcher=$!
  fi
  wait_for "$pid" || status=$?
  pid=0
  if [[ $watcher -ne 0 ]]; then
    kill "$watcher" 2>/dev/null || true
    wait_for "$watcher" || true
  fi
  wait_for "$viewer" || true
  # Before its ranks listen to it, the signal that was passed on ends the launcher.
  if [[ $signals -gt 0 && "$status" =~ ^(129|130|138|143)$ ]]; then status=75; fi
  return "$status"
}

# pause_for SECONDS: or until a signal comes. Second by second, for one that came just before a long wait would not end it.
pause_for() {
  local i
  for ((i = 0; i < $1 && signals == 0; ++i)); do sleep 1 || true; done
}

launch() {
  local number status log before after resume=() in_vain=0 wait_s="$pause"
  for ((number = 1; ; ++number)); do
    before="$(last_checkpoint)"
    log="$(next_log)"
    status=0
    attempt "$log" "$launcher" ${launcher_arguments[@]+"${launcher_arguments[@]}"} "${program[@]}" \
      ${resume[@]+"${resume[@]}"} || status=$?
    after="$(last_checkpoint)"
    say "attempt $number of $((restarts + 1)) ended with code $status ($(meaning "$status")); last checkpoint: $after; log: $log"
    if ends_here "$status" || [[ $number -gt $restarts || $signals -gt 0 ]]; then return "$status"; fi
    in_vain=$([[ "$after" == "$before" ]] && echo $((in_vain + 1)) || echo 0)
    if [[ $in_vain -gt 0 ]]; then say "no checkpoint was gained, $in_vain $([[ $in_vain -eq 1 ]] && echo time || echo times) in a row"; fi
    say "goes on with --resume in $wait_s s"
    pause_for "$wait_s"
    if [[ $signals -gt 0 ]]; then return 75; fi
    wait_s=$((wait_s * 2 < longest_pause ? wait_s * 2 : longest_pause))
    if [[ " ${program[*]} " != *" --resume "* ]]; then resume=(--resume); fi
  done
}

launcher_arguments=()
program=()
read_options "$@"
run="$(run_folder)"
[[ -n "$run" ]] || refuse "the program names no folder (need --out DIR, which all ranks see)"
mkdir -p "$run/launch" || exit 74
logs="$run/launch"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" MKL_NUM_THREADS="${MKL_NUM_THREADS:-1}"  # ranks are the parallelism, not threads
trap 'on_signal SIGTERM' TERM
trap 'on_signal SIGINT' INT
trap 'on_signal SIGHUP' HUP
trap 'on_signal SIGUSR1' USR1
launch
