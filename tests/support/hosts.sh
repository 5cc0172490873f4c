#!/usr/bin/env bash
# Several machines on one: network namespaces with host names of their own (node1, node2, ...), joined by a bridge.
#
# Usage: hosts.sh [-n HOSTS] [-l NODE:OPTIONS]... SCRIPT [ARGUMENT...]
#   -n HOSTS         how many; 3
#   -l NODE:OPTIONS  the link of this host goes through tests/support/link_forwarder.cpp with these options, as in
#                    -l "3:--delay-ms 200 --loss 0.01"; FORWARDER in the environment is the program
#
# SCRIPT is bash, sourced beside the bridge; its exit code is that of hosts.sh. It may call:
#   on NODE COMMAND...        runs a command on a host; a background job of it is that command itself
#   across RANKS ARGUMENT...  mpirun from node1, so many ranks on each host; ARGUMENTs are mpirun's
#   cut NODE, mend NODE       the link carries nothing from here on, and without a word to either end; carries again
#   pids_on NODE TEXT         the processes of a host whose command line holds the text
#   stopped_on NODE TEXT      the same, of those that SIGSTOP has stopped
#   address NODE              its address
# All hosts see the files of this machine; a mount on one of them (on 2 mount ...) is seen there alone.
#
# Everything lives in namespaces of one process: they, the devices and whatever still runs on the hosts end with hosts.sh,
# however it ends. Nothing has a name outside of them, so any number of these may run at once.
# Exit codes: SCRIPT's; 77 this user or machine cannot make namespaces or devices; 70 making them failed later; 2 usage.
set -uo pipefail

say() { printf 'hosts.sh: %s\n' "$*" >&2; }

if [[ "${1:-}" != --inside ]]; then
  namespaces=(--net --mount --pid --uts --ipc --fork --kill-child=KILL --mount-proc)
  [[ $(id -u) -eq 0 ]] || namespaces+=(--user --map-root-user)
  reason=$(unshare "${namespaces[@]}" ip link add bridge type bridge 2>&1) || { say "no namespaces: $reason"; exit 77; }
  state=$(mktemp -d) || exit 74
  STATE="$state" setsid setpriv --pdeathsig KILL unshare "${namespaces[@]}" "${BASH_SOURCE[0]}" --inside "$@" &
  inside=$!
  trap 'kill -KILL $inside 2>/dev/null; wait $inside; rm -rf "$state"; exit 143' TERM INT HUP
  wait "$inside"
  code=$?
  rm -rf "$state"
  exit "$code"
fi

shift
hosts=3
links=()
while getopts "n:l:" option; do
  case "$option" in
    n) hosts=$OPTARG ;;
    l) links+=("$OPTARG") ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[[ $# -gt 0 ]] || { say "no script"; exit 2; }

holder=()     # process that keeps the namespaces of a host
forwarder=()  # process that is the link of a host; none where that is a plain pair of devices

address() { echo "10.77.0.$1"; }

on() {
  local node=$1
  shift
  # A login over ssh has no environment of the caller's either: what ranks need goes by mpirun -x.
  exec_on=(nsenter -t "${holder[$node]}" -n -u -m env -i "PATH=$PATH" "HOME=${HOME:-/}" "TMPDIR=$STATE/tmp$node" "$@")
  if [[ $BASH_SUBSHELL -gt 0 ]]; then exec "${exec_on[@]}"; else "${exec_on[@]}"; fi
}

across() {
  local ranks=$1 list="" node
  shift
  for ((node = 1; node <= hosts; ++node)); do list+="${list:+,}node$node:$ranks"; done
  on 1 mpirun --allow-run-as-root --mca plm_rsh_agent "$STATE/agent" --mca btl tcp,self --mca btl_tcp_if_include eth0 \
    --mca oob_tcp_if_include eth0 --mca mpi_yield_when_idle 1 -H "$list" "$@"
}

cut() {
  if [[ -n "${forwarder[$1]:-}" ]]; then kill -USR1 "${forwarder[$1]}"; else ip link set "port$1" nomaster; fi
}
mend() {
  if [[ -n "${forwarder[$1]:-}" ]]; then kill -USR2 "${forwarder[$1]}"; else ip link set "port$1" master bridge; fi
}

pids_on() {
  local process
  for process in /proc/[0-9]*; do
    [[ "$process/ns/uts" -ef "/proc/${holder[$1]}/ns/uts" ]] || continue
    if tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -qF -- "$2"; then echo "${process#/proc/}"; fi
  done
}
stopped_on() {
  local pid
  for pid in $(pids_on "$1" "$2"); do
    if grep -qs '^State:[[:space:]]*T' "/proc/$pid/status"; then echo "$pid"; fi
  done
}

# link NODE: the devices between the bridge (port) and the host (eth0).
link() {
  local node=$1 options="" item
  for item in "${links[@]}"; do [[ "$item" == "$node:"* ]] && options=${item#*:}; done
  if [[ -z "$options" ]]; then
    ip link add "port$node" type veth peer name eth0 netns "${holder[$node]}" || return 1
  else
    # shellcheck disable=SC2086  # several words
    "$FORWARDER" "port$node" "wire$node" $options &
    forwarder[node]=$!
    until ip link show "wire$node" >/dev/null 2>&1 || [[ ! -e "/proc/${forwarder[$node]}" ]]; do sleep 0.01; done
    ip link set "wire$node" netns "${holder[$node]}" name eth0 || return 1
  fi
  ip link set "port$node" master bridge up
}

# host NODE: its namespaces, its link and its address.
host() {
  local node=$1
  mkdir "$STATE/tmp$node"
  unshare --net --uts --mount sh -c "hostname node$node && echo >$STATE/ready$node && exec sleep infinity" &
  holder[node]=$!
  until [[ -e "$STATE/ready$node" || ! -e "/proc/${holder[$node]}" ]]; do sleep 0.01; done
  # Without IPv6 nothing is sent that nobody asked for.
  on "$node" sh -c "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6" \
    2>/dev/null
  link "$node" && on "$node" ip address add "$(address "$node")/24" dev eth0 && on "$node" ip link set eth0 up &&
    on "$node" ip link set lo up
}

# What mpirun starts its daemons with, in the place of ssh: agent HOST COMMAND...
write_agent() {
  cat >"$STATE/agent" <<'AGENT'
#!/usr/bin/env bash
node=${1#node}
shift
source "${BASH_SOURCE[0]%/*}/holders"
exec nsenter -t "${holder[$node]}" -n -u -m env -i "PATH=$PATH" "HOME=$HOME" "TMPDIR=${BASH_SOURCE[0]%/*}/tmp$node" sh -c "$*"
AGENT
  chmod +x "$STATE/agent"
  declare -p holder >"$STATE/holders"
}

names="$STATE/names"
echo "127.0.0.1 localhost" >"$names"
for ((node = 1; node <= hosts; ++node)); do echo "$(address "$node") node$node" >>"$names"; done
mount --bind "$names" /etc/hosts || { say "no mounts"; exit 77; }
[[ ${#links[@]} -eq 0 || -c /dev/net/tun ]] || { say "no /dev/net/tun"; exit 77; }
{ ip link add bridge type bridge && ip link set bridge up && ip link set lo up; } || exit 70
for ((node = 1; node <= hosts; ++node)); do host "$node" || { say "node$node: no link"; exit 70; }; done
write_agent

script=$1
shift
source "$script" "$@"
