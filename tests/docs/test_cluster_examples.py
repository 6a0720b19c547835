"""Jobs for clusters: no cluster is here, but shells and parsers are."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess

import pytest
from doc_pages import ROOT

FOLDER = ROOT / "examples" / "cluster"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_slurm_job_is_a_shell_script_with_directives_in_front():
    path = FOLDER / "train.sbatch"
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#!")
    directives = [i for i, line in enumerate(lines) if line.startswith("#SBATCH")]
    first_command = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    assert max(directives) < first_command  # Slurm reads none behind a command
    assert all(re.fullmatch(r"#SBATCH --[a-z-]+(=\S+)?", lines[i]) for i in directives)


def test_the_kubernetes_job_has_the_fields_of_the_operator():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    job = yaml.safe_load((FOLDER / "mpijob.yaml").read_text(encoding="utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
    spec = job["spec"]
    assert set(spec) <= {
        "slotsPerWorker", "runLauncherAsWorker", "runPolicy", "mpiReplicaSpecs", "sshAuthMountPath",
        "launcherCreationPolicy", "mpiImplementation",
    }  # fmt: skip
    parts = spec["mpiReplicaSpecs"]
    assert set(parts) == {"Launcher", "Worker"}
    for part in parts.values():
        inner = part["template"]["spec"]
        mounted = {mount["name"] for c in inner["containers"] for mount in c.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in inner.get("volumes", [])}
        assert all({"name", "image"} <= set(c) for c in inner["containers"])
    arguments = parts["Launcher"]["template"]["spec"]["containers"][0]["args"]
    assert int(arguments[arguments.index("-n") + 1]) == parts["Worker"]["replicas"] * spec["slotsPerWorker"]


def test_the_program_is_the_one_that_the_jobs_start():
    name = "digits_by_ranks.py"
    ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    assert all(name in (FOLDER / job).read_text(encoding="utf-8") for job in ("train.sbatch", "mpijob.yaml"))
