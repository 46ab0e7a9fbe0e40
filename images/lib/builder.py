"""Builds images on the engine, several at once, and shows the progress."""
import glob
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import facts
from engine import EngineError, docker, inspect_image
from folders import IMAGES, Problem
from plan import BASE, fingerprint, hosts_of
from proving import languages_on, write_folders
from service import program

DEBIAN = "debian:trixie-slim"      # the base image starts from it
ROOTFS = "codecell/rootfs:trixie"  # takes its place if no registry answers: made here from Debian's packages
LABEL = "io.codecell.source"       # the label that says what an image was made of
BARE = ":bare"                     # the tag of an image without its labels, for the images that start from it
NEW = ":new"                       # the tag of an image until its proofs passed
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
LOG_LINES = 40                     # lines of a failed build's log that are shown
LEFT_OUT = "left out"              # the result of an image that may be absent and whose downloads cannot be reached
DONE = ("up to date", LEFT_OUT)    # the results of images that were not built
REACH_SECONDS = 10                 # a host must answer within this time
STEP = re.compile(r"^Step (\d+)/(\d+) :|^#\d+ \[(?:\S+ )?(\d+)/(\d+)\]")


class Progress:
    """Shows what is being built: lines of text, and on a terminal a last line that is overwritten."""

    def __init__(self, total):
        self.out, self.live, self.total = sys.stdout, sys.stdout.isatty(), total
        self.done, self.states, self.lock = 0, {}, threading.Lock()

    def say(self, text):
        with self.lock:
            self.out.write(("\r\x1b[K" if self.live else "") + text + "\n")
            self.draw()

    def state(self, name, state):
        """Sets the step that an image is at; None: the image is done."""
        with self.lock:
            if state is None:
                self.states.pop(name, None)
                self.done += 1
            else:
                self.states[name] = state
            self.draw()

    def draw(self):
        if self.live:
            now = ", ".join(f"{name} ({state})" for name, state in self.states.items())
            text = f"{self.done} of {self.total} done" + (f"; {now}" if now else "")
            width = shutil.get_terminal_size().columns - 1
            self.out.write("\r\x1b[K" + (text[:width] if self.done < self.total else ""))
        self.out.flush()


class Builder:
    """Builds a list of images in its order, at most `jobs` at once."""

    def __init__(self, images, fresh=False, jobs=2):
        self.images, self.fresh, self.jobs = images, fresh, jobs
        self.progress = Progress(len(images))
        self.scratch = Path(tempfile.mkdtemp(prefix="codecell-build-"))
        self.results = {}     # name: seconds, "up to date", "left out" or "FAILED"
        self.taken = []       # images that are done or being built
        self.running = set()  # processes
        self.reached = {}     # host: whether it answers
        self.change, self.stopped, self.debian = threading.Condition(), False, DEBIAN

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self):
        """Builds all images; returns whether none failed."""
        if any(image.name == BASE for image in self.images):
            self.debian = self.find_debian()
        threads = [threading.Thread(target=self.work, daemon=True) for _ in range(self.jobs)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)
        except KeyboardInterrupt:
            self.stop()
            raise
        return "FAILED" not in self.results.values()

    def leave_out(self, wanted):
        """Leaves out each image that may be absent and cannot be downloaded now, the images that start from it, and
        those that only these need. `wanted`: the names of the images that are built for their own sake."""
        lost, needed = {}, set(wanted)
        hosts = list(dict.fromkeys(host for image in self.images for host in self.downloads(image)))
        with ThreadPoolExecutor(len(hosts) or 1) as pool:
            self.reached.update(zip(hosts, pool.map(answers, hosts)))
        for image in self.images:
            absent = [need for need in image.needs if need in lost]
            host = self.unreachable(image) if not absent else None
            if (absent or host) and inspect_image(image.name) is None:
                lost[image.name] = f"{absent[0]} is missing" if absent else f"{host} cannot be reached"
        for image in reversed(self.images):
            if image.name in needed and image.name not in lost:
                needed.update(image.needs)
        for name, reason in lost.items():
            self.progress.say(f"{name}: not built: {reason}")
        self.results.update({name: LEFT_OUT for name in lost})
        self.images = [image for image in self.images if image.name in needed and image.name not in lost]
        self.progress.total = len(self.images)

    def stop(self):
        """Ends the running builds."""
        with self.change:
            self.stopped = True
            for process in self.running:
                process.terminate()
            self.change.notify_all()

    # The order.

    def work(self):
        while (image := self.take()) is not None:
            try:
                result = self.make(image)
            except (EngineError, Problem) as problem:
                result = "FAILED"
                self.progress.say(f"{image.name}: {problem}")
            with self.change:
                self.results[image.name] = result
                self.change.notify_all()
            self.progress.state(image.name, None)

    def take(self):
        """Waits for an image all of whose needs are done, and returns it; None if no image is left."""
        with self.change:
            while True:
                left = [image for image in self.images if image not in self.taken]
                if self.stopped or not left:
                    return None
                for image in left:
                    if all(need in self.results for need in image.needs):
                        self.taken.append(image)
                        return image
                self.change.wait()

    # One image.

    def make(self, image):
        failed = [need for need in image.needs if self.results[need] == "FAILED"]
        if failed:
            raise Problem(f"not built, because {failed[0]} failed")
        return self.pull(image) if image.folder is None else self.build(image)

    def pull(self, image):
        if not self.fresh and inspect_image(image.name) is not None:
            return "up to date"
        start = time.monotonic()
        self.progress.state(image.name, "pulling")
        code, log = self.watch(image, ["docker", "pull", image.name])
        if code != 0 and inspect_image(image.name) is None:
            raise Problem(f"cannot be pulled, and the engine does not have it: {last_line(log)}")
        if code != 0:
            self.progress.say(f"{image.name}: cannot be pulled again: {last_line(log)}")
            return "up to date"
        return self.finish(image, start)

    def build(self, image):
        source, before, start = self.source_of(image), inspect_image(image.name), time.monotonic()
        if before is not None and not self.fresh and facts.labels_of(before).get(LABEL) == source != "":
            return self.describe(image, image.name, source, start)
        lost = self.unreachable(image)
        if lost:
            self.progress.say(f"{image.name}: not built again: {lost} cannot be reached")
            return "up to date"
        staged = image.name + (BARE if image.below else NEW)
        earlier = inspect_image(staged)
        self.progress.state(image.name, "starts")
        if before is None and not self.progress.live:
            self.progress.say(f"{image.name}: building …")
        code, log = self.watch(image, self.build_command(image, staged, source))
        if self.stopped:
            raise Problem("interrupted")
        if code != 0:
            raise Problem(f"could not be built. The last lines of its log:\n{tail_of(log)}\n{image.name}: if the "
                          f"network was down, run images/build {image.folder.id} again: finished steps are kept.")
        made = inspect_image(staged)
        if image.unproven and (before is None or facts.identity(before) != facts.identity(made)):
            self.prove(image, staged, earlier)
        if earlier is not None and earlier["Id"] != made["Id"]:
            remove_unless_used(earlier["Id"])
        return self.describe(image, staged, source or made["Id"], start)

    def unreachable(self, image):
        """The first host that an image is downloaded from and that does not answer; None if all answer."""
        for host in self.downloads(image):
            if host not in self.reached:
                self.reached[host] = answers(host)
            if not self.reached[host]:
                return host
        return None

    @staticmethod
    def downloads(image):
        """The hosts to try before an image that may be absent is built. There are none for an engine on another
        machine, because this one cannot tell which hosts that machine reaches."""
        if not image.optional or image.folder is None or not os.environ.get("DOCKER_HOST", "unix:").startswith("unix:"):
            return []
        return hosts_of(image.folder.dockerfile.read_text(encoding="utf-8"))

    def describe(self, image, made, source, start):
        """Gives the image with the tag `made` its name, and labels with its source and its facts (facts.py)."""
        new, before = inspect_image(made), inspect_image(image.name)
        answers = {**facts.answers_on(new, new), **(facts.answers_on(before, new) if before else {})}
        for question in dict.fromkeys(image.questions):
            if question not in answers:
                self.progress.state(image.name, "facts")
                answers[question] = question.ask(made)
        text = facts.label_text(new, {each: output for each, output in answers.items() if output is not None},
                                image.questions)
        named = before is not None and (facts.labels_of(before).get(LABEL) == source or before["Id"] == new["Id"])
        if not named or facts.labels_of(before).get(facts.LABEL, "") != text:
            self.name(image, made, {LABEL: source, facts.LABEL: text} if text else {})
        if made == image.name + NEW:
            docker("image", "rm", made)
        now = inspect_image(image.name)
        if before is not None and before["Id"] == now["Id"]:
            return "up to date"
        if before is not None:
            remove_unless_used(before["Id"])
        return self.finish(image, start)

    def name(self, image, made, labels):
        if not labels:
            docker("tag", made, image.name)
            return
        folder = self.scratch / (image.name.replace("/", "-") + ".facts")
        folder.mkdir()
        (folder / "Dockerfile").write_text(facts.dockerfile(made, labels), encoding="ascii")
        code, log = self.watch(image, ["docker", "build", "--tag", image.name, "--force-rm", str(folder)])
        if code != 0:
            raise Problem(f"could not be labelled. The last lines of the log:\n{tail_of(log)}")

    def prove(self, image, staged, earlier):
        """Runs the proofs of the image's languages that are "proven": "where built". If one fails, this removes the
        image and raises a Problem. `earlier`: the image that had the tag `staged` before."""
        ids = [folder.id for folder in image.unproven]
        try:
            program()
        except Problem:
            self.progress.say(f"{image.name}: not proven, because no server is built: use images/check {' '.join(ids)}")
            return
        folders = self.scratch / (image.name.replace("/", "-") + ".proofs")
        write_folders(folders, [languages_on(folder, image.name, staged) for folder in image.unproven])
        self.progress.state(image.name, "proofs")
        code, log = self.watch(image, [sys.executable, str(IMAGES / "check"), *ids], CODECELL_LANGUAGES=str(folders))
        if code == 0:
            return
        if earlier is not None:
            docker("tag", earlier["Id"], staged)
        else:
            docker("image", "rm", staged)
        if self.stopped:
            raise Problem("interrupted")
        raise Problem(f"its proofs fail, so it does not get its name:\n{tail_of(log)}")

    def source_of(self, image):
        """The value of LABEL for an image; "" if other images start from it. With a label, a new word in a comment
        would make it another image, and those would be built again. For it the engine's cache finds what changed."""
        if image.below:
            return ""
        needs = [bare(need) for need in image.needs] or [self.debian if image.name == BASE else ""]
        ids = [found["Id"] for found in map(inspect_image, filter(None, needs)) if found is not None]
        return fingerprint(image.folder.path, ids)

    def finish(self, image, start):
        seconds = time.monotonic() - start
        self.progress.say(f"{image.name}: done in {seconds:.0f} s")
        return seconds

    def build_command(self, image, staged, source):
        command = ["docker", "build", "--tag", staged, "--force-rm", "--network", "host"]
        if source:
            command += ["--label", f"{LABEL}={source}"]
        if self.fresh:
            command.append("--no-cache")
        if image.name == BASE:
            command += ["--build-arg", f"BASE={self.debian}"]
        text = image.folder.dockerfile.read_text(encoding="utf-8")
        if image.needs and re.search(rf"^ARG BASE={re.escape(image.needs[0])}\s*$", text, re.M):
            command += ["--build-arg", f"BASE={bare(image.needs[0])}"]
        if re.search(r"^ARG EXTRA_CA", text, re.M):
            command += ["--build-arg", f"EXTRA_CA={own_certificates()}"]
        for name in PROXIES:
            if os.environ.get(name):
                command += ["--build-arg", name]
        return [*command, str(image.folder.path)]

    def watch(self, image, command, **more):
        """Runs a command with its output in a log, and shows the step that it is at. Returns (exit code, log)."""
        log = self.scratch / (image.name.replace("/", "-") + ".log")
        environment = {**os.environ, "BUILDKIT_PROGRESS": "plain", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
                       **more}
        with self.change:
            if self.stopped:
                raise Problem("interrupted")
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, env=environment, text=True, errors="replace")
            self.running.add(process)
        with open(log, "w", encoding="utf-8") as file:
            for line in process.stdout:
                file.write(line)
                step = STEP.match(line)
                if step:
                    at, of = filter(None, step.groups())
                    self.progress.state(image.name, f"{at}/{of}")
        code = process.wait()
        with self.change:
            self.running.discard(process)
        return code, log

    # The image that the base image starts from.

    def find_debian(self):
        named = os.environ.get("BASE_IMAGE")
        if named:
            if inspect_image(named) is None:
                try:
                    docker("pull", named, deadline=3600)
                except EngineError as error:
                    raise Problem(f"BASE_IMAGE: the engine has no image {named} and cannot pull it: {error}") from None
            return named
        if not self.fresh:
            for name in (DEBIAN, ROOTFS):
                if inspect_image(name) is not None:
                    return name
        print(f"Pulling {DEBIAN} …", flush=True)
        try:
            docker("pull", "--quiet", DEBIAN, deadline=3600)
            return DEBIAN
        except EngineError as error:
            print(f"No registry answers ({str(error).splitlines()[-1][:120]}); making {ROOTFS} with mmdebstrap …",
                  flush=True)
        self.make_rootfs()
        return ROOTFS

    def make_rootfs(self):
        if shutil.which("mmdebstrap") is None:
            install_mmdebstrap()
        unread = ("doc", "man", "info", "locale", "lintian")
        excludes = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in unread]
        archive, log = self.scratch / "rootfs.tar", self.scratch / "rootfs.log"
        command = as_root("mmdebstrap", "--quiet", "--variant=minbase", *excludes,
                          "--aptopt=Acquire::http::Timeout \"20\"", "trixie", "-")
        with open(archive, "wb") as out, open(log, "wb") as messages:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=messages, check=False)
        if done.returncode != 0:
            raise Problem(f"mmdebstrap failed: can this machine reach a mirror of Debian?\n{tail_of(log)}")
        docker("import", str(archive), ROOTFS, deadline=600)
        archive.unlink()


def answers(host):
    """Whether a host answers HTTPS, with any status. The proxies are those of a build."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"https://{host}/", method="HEAD"), timeout=REACH_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError as error:
        # The host answered, and the build may trust a certificate that this machine does not.
        return isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError)


def install_mmdebstrap():
    if shutil.which("apt-get") is None:
        raise Problem("no registry answers, so mmdebstrap is needed: install it")
    print("Installing mmdebstrap …", flush=True)
    done = subprocess.run(as_root("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y",
                                  "--no-install-recommends", "mmdebstrap", "debian-archive-keyring"),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise Problem(f"mmdebstrap cannot be installed: try 'apt-get update' first\n{done.stderr[-2000:]}")


def as_root(*command):
    return list(command) if os.geteuid() == 0 else ["sudo", *command]


def tail_of(log):
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])


def last_line(log):
    return (tail_of(log).splitlines() or ["no output"])[-1]


def own_certificates():
    """The certificates that the machine's owner added, for builds that download through a proxy."""
    files = sorted(glob.glob("/usr/local/share/ca-certificates/*.crt"))
    text = "".join(Path(file).read_text(encoding="utf-8", errors="replace") for file in files).rstrip("\n")
    return text if len(text) < 100000 else ""


def bare(name):
    """The tag from which other images start: the one without labels, so that a new label does not rebuild them."""
    return name + BARE if inspect_image(name + BARE) is not None else name


def remove_unless_used(image_id):
    """Removes an image that was replaced, unless a container or another image still needs it."""
    try:
        docker("image", "rm", image_id)
    except EngineError:
        pass
