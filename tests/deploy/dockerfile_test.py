#!/usr/bin/env python3
"""Holds docker/Dockerfile.* to what they say, where no docker is.

Usage: dockerfile_test.py SOURCE BUILD

Always: what is copied is there, packages have the names that apt knows, the last stage has no tools to build with and runs as uid 1000,
and runtime-packages.txt has every library that the program names. With RECKON_TEST_FULL=1 the lines of the last stage of Dockerfile.cpu
are run in a folder made by debootstrap (root, network, some minutes), and there, as the user: the program, training on two ranks, and
ranks that are started by sshd. Exit codes: 0, 1, and 77 where the full test was asked for and cannot be made.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

PORT = "2222"
BUILD_TOOLS = ["gcc", "g++", "cc", "c++", "cpp", "clang", "nvcc", "ld", "as", "make", "cmake", "ninja", "git"]
BUILD_PACKAGES = re.compile(r"(?<![\w.-])(g\+\+|gcc|clang|cmake|ninja-build|build-essential|binutils|[\w.+-]+-dev)(?![\w+-])")
# Starts a command with a network of its own, so that its ports are nobody else's.
ALONE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def stages(dockerfile):
    """The stages as lists of (instruction, rest), each beginning with FROM."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    result = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        instruction, rest = line.strip().split(None, 1)
        if instruction == "FROM":
            result.append([])
        result[-1].append((instruction, rest.strip()))
    return result


def only(stage, instruction):
    """The rest of the line that a stage has one of."""
    found = [rest for name, rest in stage if name == instruction]
    check(len(found) == 1, f"{len(found)} lines of {instruction} in the last stage (need one)")
    return found[0]


def check_copies(source, all_stages, name):
    """Sources of COPY: files of the tree that docker is given, or stages before this one."""
    ignored = (source / ".dockerignore").read_text().split()
    names = []
    for stage in all_stages:
        for instruction, rest in stage:
            if instruction != "COPY":
                continue
            words = rest.split()
            if words[0].startswith("--from="):
                check(words[0][7:] in names, f"{name}: COPY {rest}: no stage {words[0][7:]} before it")
                continue
            for word in words[:-1]:
                check((source / word).exists(), f"{name}: COPY {rest}: {word} is not there")
                check(word.split("/")[0] not in ignored, f"{name}: COPY {rest}: .dockerignore keeps {word} out")
        words = stage[0][1].split()
        names.append(words[2] if len(words) == 3 else "")


def check_builds_nothing(text, name):
    found = BUILD_PACKAGES.search(text)
    check(not found, f"{name}: names {found and found[0]}, which is for building")


def check_last_stage(stage, name):
    check(stage[0][1] == "debian:bookworm-slim", f"{name}: the last stage is FROM {stage[0][1]} (need debian:bookworm-slim)")
    for instruction, rest in stage:
        check_builds_nothing(rest, f"{name}: {instruction} {rest}")
    check(only(stage, "USER") == "1000:1000", f"{name}: USER is {only(stage, 'USER')} (need 1000:1000)")
    check(only(stage, "EXPOSE") == PORT, f"{name}: EXPOSE is {only(stage, 'EXPOSE')} (need {PORT})")
    check(json.loads(only(stage, "ENTRYPOINT"))[0] == "tini", f"{name}: the first process is not tini")
    labels = " ".join(rest for instruction, rest in stage if instruction == "LABEL")
    for label in ("title", "version", "licenses"):
        check(f"org.opencontainers.image.{label}=" in labels, f"{name}: no label {label}")
    copied = [rest for instruction, rest in stage if instruction == "COPY"]
    check("--from=build /opt/reckon /opt/reckon" in copied, f"{name}: the installed tree is not copied")


def packages(source):
    lines = (source / "docker/runtime-packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def check_packages(source, program):
    named = packages(source)
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", *named], capture_output=True, text=True).stdout
    known = re.findall(r"^Package: (\S+)", shown, re.MULTILINE)
    for package in named:
        check_builds_nothing(package, "runtime-packages.txt")
        check(package in known, f"runtime-packages.txt: apt does not know {package}")
    # What the program itself names; what those need, their packages name.
    needed = re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", program))
    paths = dict(re.findall(r"(\S+) => (\S+)", output("ldd", program)))
    # The others are of the installed tree. By the end of the path: /lib is /usr/lib, and packages name either.
    files = [os.path.basename(os.path.realpath(paths[name])) for name in needed if paths.get(name, "").startswith(("/lib", "/usr"))]
    owners = output("dpkg", "-S", *(f"*x86_64-linux-gnu/{file}" for file in files))
    for file in files:
        packages_of = re.findall(rf"^([^:\s]+):?\S*: \S*/{re.escape(file)}$", owners, re.MULTILINE)
        check(set(packages_of) & {*named, "libc6", "libgcc-s1"}, f"runtime-packages.txt: no package that has {file}: {packages_of}")


class Chroot:
    """The last stage, in a folder. Mounts are those of this process alone: they go with it."""

    def __init__(self, root):
        self.root = root
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        self.folder = "/"
        self.user = None

    def make(self):
        log = output("debootstrap", "--variant=minbase", "bookworm", self.root, "http://deb.debian.org/debian")
        check((self.root / "bin/sh").exists(), f"debootstrap made no system:\n{log}")
        for kind, place in (("proc", "proc"), ("tmpfs", "dev/shm")):
            (self.root / place).mkdir(exist_ok=True)
            output("mount", "-t", kind, "none", self.root / place)
        for device in ("null", "zero", "urandom", "random", "tty"):
            target = self.root / "dev" / device
            target.touch()
            output("mount", "--bind", f"/dev/{device}", target)

    def run(self, command, before=()):
        """A command of sh, as the user of the stage. `before`: what starts the whole on this side."""
        user = ["--userspec=" + self.user] if self.user else []
        environment = self.environment | ({"HOME": "/home/reckon", "USER": "reckon"} if self.user else {})
        script = f"cd {shlex.quote(self.folder)} && {command}"
        return subprocess.run([*before, "/usr/sbin/chroot", *user, str(self.root), "/bin/sh", "-c", script], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1200)

    def expect(self, command, text="", before=()):
        result = self.run(command, before)
        check(result.returncode == 0, f"{command}: code {result.returncode}\n{result.stdout}")
        check(text in result.stdout, f"{command}: no \"{text}\" in\n{result.stdout}")
        return result.stdout

    def copy(self, source, installed, rest):
        words = rest.split()
        if words[0].startswith("--from="):
            check(words[1] == "/opt/reckon", f"COPY {rest}: cannot be had without docker")
            shutil.copytree(installed, self.root / words[2].lstrip("/"), symlinks=True)
            return
        target = self.root / words[-1].lstrip("/")
        if words[-1].endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
        for word in words[:-1]:
            shutil.copy(source / word, target)

    def step(self, source, installed, instruction, rest):
        if instruction == "RUN":
            self.expect(rest)
        elif instruction == "COPY":
            self.copy(source, installed, rest)
        elif instruction == "ENV":
            name, value = rest.split("=", 1)
            self.environment[name] = value
        elif instruction == "USER":
            self.user = rest
        elif instruction == "WORKDIR":
            (self.root / rest.lstrip("/")).mkdir(exist_ok=True)
            self.folder = rest


def check_container(chroot):
    """As the image's user: what a container must be able to do. Prints the MB of the image."""
    check(chroot.expect("id -u").strip() == "1000", "the user is not 1000")
    found = chroot.run("for tool in " + " ".join(BUILD_TOOLS) + "; do command -v $tool; done; true").stdout
    check(not found, f"tools to build with are in the image:\n{found}")
    chroot.expect("tini -- reckon --version", "reckon ")
    chroot.expect("echo '{\"gold\": \"1/2\", \"pred\": \"0.5\"}' | reckon grade", '"correct":true')
    train = "--oversubscribe -n 2 SEPARATOR reckon train /opt/reckon/share/reckon/recipes/r1-mini-arithmetic.toml " + " ".join(
        f"--set stage.{setting}" for setting in ("cold-start.steps=2", "rl-1.steps=2", "rl-1.prompts_per_step=4",
                                                 "eval-cold-start.eval_prompts=4", "eval-rl-1.eval_prompts=4"))
    chroot.expect("mpirun " + train.replace("SEPARATOR ", "") + " --out first", "Written to first")
    chroot.expect("launch.sh -- " + train.replace("SEPARATOR", "--") + " --out second", "attempt 1 of 4 ended with code 0")
    weights = "checkpoints/rl-1/step-000002/model.safetensors"
    chroot.expect(f"cmp first/{weights} second/{weights}")
    chroot.expect("ssh-keygen -q -t rsa -N '' -f ~/.ssh/id_rsa && cp ~/.ssh/id_rsa.pub ~/.ssh/authorized_keys")
    chroot.expect("/usr/sbin/sshd -f /etc/ssh/reckon_sshd_config && sleep 1; ssh 127.0.0.1 reckon --version", "reckon ",
                  ALONE)
    size = chroot.expect("du -sxm / 2>/dev/null | cut -f1 || true").strip()
    print(f"the last stage runs: {size} MB with two runs of {chroot.expect('du -sm first | cut -f1').strip()} MB")


def full_test(source, build, root):
    chroot = Chroot(root / "system")
    installed = root / "installed"
    output("cmake", "--install", str(build), "--prefix", str(installed))
    chroot.make()
    for instruction, rest in stages(source / "docker/Dockerfile.cpu")[-1]:
        chroot.step(source, installed, instruction, rest)
    check_container(chroot)


def can_run_full():
    """Whether a folder can be made by debootstrap and mounts be private here."""
    return os.geteuid() == 0 and shutil.which("debootstrap") and subprocess.run(["unshare", "-m", "true"]).returncode == 0


def main():
    source, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if len(sys.argv) == 4:  # in namespaces of its own
        full_test(source, build, pathlib.Path(sys.argv[3]))
        return 0
    for name in ("Dockerfile.cpu", "Dockerfile.cuda"):
        all_stages = stages(source / "docker" / name)
        check_copies(source, all_stages, name)
        check_last_stage(all_stages[-1], name)
    check_builds_nothing((source / "docker/install-runtime.sh").read_text(), "install-runtime.sh")
    check_packages(source, build / "bin/reckon")
    if not os.environ.get("RECKON_TEST_FULL"):
        return 0
    if not can_run_full():
        print("the full test takes root, debootstrap and namespaces")
        return 77
    with tempfile.TemporaryDirectory(dir=build, prefix="container-") as folder:
        # Mounts and processes end with the child: what is removed afterwards is the folder alone.
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return subprocess.run([*alone, sys.executable, __file__, str(source), str(build), folder]).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"failed: {failure}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {error}\n{error.stdout}{error.stderr}")
