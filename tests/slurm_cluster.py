"""A real `slurmctld` with one `slurmd`, on loopback alone, in a folder of its own.

All nodes of the cluster lead to the one `slurmd`, which Slurm's builds for tests allow. There is
no accounting and no authentication, and no other file of the machine is read.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "scontrol", "sinfo", "squeue", "sbatch", "scancel")
START_S, ANSWER_S = 60.0, 60.0  # at most, on a busy machine

_CONF = """\
ClusterName=rackwatt
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
TopologyPlugin=topology/tree
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0
NodeName=DEFAULT CPUs=8
include {folder}/nodes.conf
"""


def missing() -> list[str]:
    """Programs of Slurm that are not installed."""
    return [name for name in PROGRAMS if _path_of(name) is None]


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    folder: Path

    def run(self, *command: str, ok: bool = True) -> str:
        """Run a command of Slurm; return what it prints, errors included."""
        program = _path_of(command[0]) or command[0]
        done = subprocess.run(
            [program, *command[1:]],
            env={**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")},
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=False,
            cwd=self.folder,
        )
        assert not ok or done.returncode == 0, f"{command[:3]}: {done.stderr[-2000:]}"
        return done.stdout + done.stderr

    def wait_for(self, seen: str, *command: str) -> str:
        """Run a command until its output holds a pattern."""
        end = time.monotonic() + START_S
        while True:
            text = self.run(*command, ok=False)
            if re.search(seen, text):
                return text
            assert time.monotonic() < end, f"{command}: no {seen!r} in {text[-2000:]}{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """The last lines of all logs."""
        texts = [path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.log")]
        return "\n".join(texts)


@contextmanager
def cluster(folder: Path, files: dict[str, str], node: str) -> Iterator[Cluster]:
    """Start a cluster on exported files, with a `slurmd` for `node`; stop all of it at the end."""
    (folder / "state").mkdir(parents=True)
    gpus = _fake_gpus(folder, files["nodes.conf"], node)
    # The machine knows none of the hosts: every node leads to loopback.
    nodes = re.sub(r"(?m)^(NodeName=\S+)", r"\1 NodeAddr=127.0.0.1", files["nodes.conf"])
    (folder / "nodes.conf").write_text(nodes)
    (folder / "gres.conf").write_text(gpus)
    (folder / "topology.conf").write_text(files["topology.conf"])
    controller_port, node_port = _free_ports(2)
    user = pwd.getpwuid(os.getuid()).pw_name
    conf = _CONF.format(
        folder=folder, user=user, controller_port=controller_port, node_port=node_port
    )
    (folder / "slurm.conf").write_text(conf)
    made = Cluster(folder)
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        daemons.append(_start(folder, "slurmctld"))
        made.wait_for(r"is UP", "scontrol", "ping")
        daemons.append(_start(folder, "slurmd", "-N", node))
        made.wait_for(r"State=IDLE", "scontrol", "show", "node", node)
        yield made
    finally:
        for daemon in reversed(daemons):
            _stop(daemon)


def _start(folder: Path, name: str, *options: str) -> subprocess.Popen[bytes]:
    program = _path_of(name)
    assert program is not None, name
    with (folder / f"{name}.out").open("wb") as output:
        return subprocess.Popen(
            [program, "-D", "-f", str(folder / "slurm.conf"), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    with suppress(subprocess.TimeoutExpired):
        daemon.wait(5)
    daemon.kill()
    daemon.wait(5)


def _fake_gpus(folder: Path, nodes_conf: str, node: str) -> str:
    """Return `gres.conf` with plain files in place of the node's GPUs."""
    found = re.search(r"Gres=gpu:([\w.-]+):(\d+)", nodes_conf)
    stem = re.escape(node.rpartition("-n")[0])
    own = re.search(rf"NodeName={stem}-n\S+ Gres=gpu:([\w.-]+):(\d+)", nodes_conf) or found
    assert own is not None
    for number in range(int(own[2])):
        (folder / f"gpu{number}").touch()
    files = f"{folder}/gpu[0-{int(own[2]) - 1}]"
    return f"NodeName={node} Name=gpu Type={own[1]} File={files}\n"


def _path_of(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
