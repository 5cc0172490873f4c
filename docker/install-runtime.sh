#!/bin/sh
# The last stage of the images, as root: what an installed reckon needs, and what a container adds to it. Reads runtime-packages.txt beside
# it. tests/deploy/dockerfile_test.py runs it in a folder of debootstrap.
set -eu
here="$(dirname "$0")"

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# tini: a container's first process has to collect what its children leave. sshd: mpirun starts ranks on other containers by it.
# shellcheck disable=SC2046 # a list of names
apt-get install -y -qq --no-install-recommends $(grep -v '^#' "$here/runtime-packages.txt") openssh-server tini
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
rm -f /etc/ssh/ssh_host_* # an image has no secrets

groupadd --gid 1000 reckon
useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash reckon
mkdir -m 700 /home/reckon/.ssh
mkdir /runs
chown reckon:reckon /home/reckon/.ssh /runs

# sshd of the user himself, for no one else: his key (~/.ssh/id_rsa, which is mounted) is the host's, too.
cat >/etc/ssh/reckon_sshd_config <<'END'
Port 2222
HostKey /home/reckon/.ssh/id_rsa
PidFile none
# Folders that are mounted belong to root, or to a group.
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers reckon
END
# Hosts of a job come and go, and their names with them: that there is no one else between them is the network's affair.
cat >/etc/ssh/ssh_config.d/reckon.conf <<'END'
Host *
  Port 2222
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
END
