"""A group of the kernel's that holds processes to a share of the processors, and an agent in it."""
import os
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FANAL = Path(os.environ.get("FANAL", TOP / "target" / "release" / "fanal")).resolve()
PORT = 45072
PERIOD = 10_000  # microseconds; short, so that waiting for the next does not look like work


def check(name):
    """Ends with what to do if nothing can be measured here."""
    if os.geteuid() != 0:
        sys.exit(f"{name}: needs root, to hold the server to its share of the processors")
    if not FANAL.exists():
        sys.exit(f"{name}: no {FANAL}; cargo build --release makes it")


class Group:
    """A group of processes that gets so much of the processors."""

    def __init__(self, percent):
        old = Path("/sys/fs/cgroup/cpu")
        self.path = (old if old.is_dir() else Path("/sys/fs/cgroup")) / f"fanal-bench-{os.getpid()}"
        self.path.mkdir()
        quota = PERIOD * percent // 100
        if old.is_dir():
            (self.path / "cpu.cfs_period_us").write_text(str(PERIOD))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self.path / "cpu.max").write_text(f"{quota} {PERIOD}")

    def take(self, process):
        (self.path / "cgroup.procs").write_text(str(process.pid))

    def leave(self):
        self.path.rmdir()


class Agent:
    """An agent without a store, held to its share; ended with the block it is used in."""

    def __init__(self, folder, percent, shards=1, more=""):
        config = folder / "fanal.toml"
        config.write_text(f"""
[server]
shards = {shards}
[transport]
listen = ["udp:127.0.0.1:{PORT}"]
[auth]
mode = "off"
[notifier]
paced = false
{more}
[http]
listen = ""
[store]
kind = "memory"
""")
        self.group = Group(percent)
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen([FANAL, "serve", "--config", config], stdout=log, stderr=log)

    def __enter__(self):
        self.group.take(self.process)
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.group.leave()

    def load(self, folder, *options):
        """One run of the load; its figures."""
        import json

        saved = folder / "run.json"
        subprocess.run([FANAL, "bench", *options, "--server", f"127.0.0.1:{PORT}", "--pid", str(self.process.pid),
                        "--quiet", "--save", saved], check=True, stdout=subprocess.DEVNULL)
        return json.loads(saved.read_text())["phases"]
