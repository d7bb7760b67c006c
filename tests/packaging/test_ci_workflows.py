"""The examples for CI: what they may do, and every script of theirs run as a runner runs it.

Steps that use an action are passed over. The step `Install costops` (GitHub) and `before_script` (GitLab) are replaced
by the costops that is being tested, which stands first on PATH.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli.commands import costops
from ruamel.yaml import YAML

pytestmark = pytest.mark.xdist_group("ci")

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "ci"
GITHUB_FILES = ("github-actions.yml", "github-comment.yml")
INSTALL = "Install costops"
SHELL = ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c"]

Job = Mapping[str, Any]


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((FOLDER / name).read_text(encoding="utf-8"))
    return found


GITHUB = read("github-actions.yml")
COMMENT = read("github-comment.yml")
GITLAB = read("gitlab-ci.yml")
GITLAB_JOBS: dict[str, Job] = {name: job for name, job in GITLAB.items() if isinstance(job, dict) and "script" in job}


def github_jobs() -> Iterator[tuple[str, Job]]:
    for workflow in (GITHUB, COMMENT):
        yield from workflow["jobs"].items()


# What the files may do


def test_actions_are_pinned_to_a_commit_with_the_version_beside_it() -> None:
    for name in GITHUB_FILES:
        uses = re.findall(r"^ *- uses: (.*)$", (FOLDER / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert uses
        assert [each for each in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []
    steps = [step for _, job in github_jobs() for step in job["steps"]]
    assert all(("uses" in step) != ("run" in step) for step in steps)


def test_rights_are_those_to_read_and_only_the_comment_may_write_comments() -> None:
    assert GITHUB["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in GITHUB["jobs"].values())
    assert COMMENT["permissions"] == {}
    assert [job["permissions"] for job in COMMENT["jobs"].values()] == [{"actions": "read", "pull-requests": "write"}]
    for name in GITHUB_FILES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert [word for word in ("id-token", "pull_request_target", "secrets.", "actions/cache") if word in text] == []
    assert "workflow_run" not in GITHUB["on"]
    assert list(COMMENT["on"]) == ["workflow_run"]
    assert COMMENT["on"]["workflow_run"]["workflows"] == [GITHUB["name"]]


def test_no_script_has_an_expression_in_it() -> None:
    for _, job in github_jobs():
        assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


def test_a_checkout_leaves_no_credentials_and_the_comment_checks_nothing_out() -> None:
    checkouts = [step for _, job in github_jobs() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert len(checkouts) == len(GITHUB["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_jobs_of_pull_requests_never_see_the_state() -> None:
    for name in ("plan", "plan-untrusted"):
        job = GITHUB["jobs"][name]
        assert "github.event_name == 'pull_request'" in job["if"]
        assert "environment" not in job
        assert "COSTOPS_STATE" not in json.dumps(job)
        assert "costops-state" not in json.dumps(job)
    assert GITHUB["jobs"]["plan-untrusted"]["runs-on"] == "ubuntu-latest"
    assert GITLAB["plan"]["tags"] == ["costops-read"]


def test_one_job_writes_the_state_at_a_time_and_a_person_approves() -> None:
    for name in ("apply", "refresh", "close"):
        assert GITHUB["jobs"][name]["concurrency"] == {"group": "costops-state", "cancel-in-progress": False}
        assert GITLAB[name]["resource_group"] == "costops-state"
    for name in ("apply", "close"):
        assert GITHUB["jobs"][name]["environment"] == GITLAB[name]["environment"] == "costops"
        assert GITLAB[name]["rules"][0]["when"] == "manual"


# What they do


@dataclass
class Runner:
    """A git repository with a demo workspace at a branch, and the variables that a runner gives."""

    folder: Path
    places: Path

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = os.pathsep.join([str(self.places / "bin"), os.environ["PATH"]])
        return {**kept, "PATH": path, "CI": "true", **more}

    def git(self, *arguments: str) -> str:
        names = {f"GIT_{who}_{what}": "mara@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment({**names, "GIT_CONFIG_GLOBAL": os.devnull}),
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout.strip()

    def script(self, text: str, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SHELL, text],
            cwd=self.folder,
            env=self.environment(more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=240,
        )

    def github(self, name: str, contexts: Mapping[str, str]) -> tuple[int, dict[str, str], str]:
        """Exit code, outputs and summary of a job; `contexts` are values of expressions."""
        job = GITHUB["jobs"][name]
        files = {each: self.places / each.lower() for each in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        code = 0
        for step in job["steps"]:
            if "uses" in step or step["name"] == INSTALL or code:
                continue
            given = {**job.get("env", {}), **step.get("env", {})}
            variables = {key: evaluated(text, contexts) for key, text in given.items()}
            done = self.script(step["run"], {**{each: str(file) for each, file in files.items()}, **variables})
            code = done.returncode
            assert "Traceback" not in done.stderr, done.stderr
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        return code, outputs, files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")

    def gitlab(self, name: str, given: Mapping[str, str]) -> int:
        job = GITLAB_JOBS[name]
        variables = {
            key: re.sub(r"\$(\w+)", lambda match: given[match[1]], text)
            for key, text in job.get("variables", {}).items()
        }
        done = self.script("\n".join(job["script"]), {**given, **variables})
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    def versions(self, state: Path) -> list[dict[str, Any]]:
        done = costops(self.folder, "--state", str(state), "history", "--format", "json")
        assert done.code == 0, done.err
        found: list[dict[str, Any]] = json.loads(done.out)["versions"]
        return found


def evaluated(text: str, contexts: Mapping[str, str]) -> str:
    """A value with its expressions replaced; KeyError for one that the test does not know."""
    return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda match: contexts[match[1]], text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, committed on main; a test takes a copy."""
    places = tmp_path_factory.mktemp("ci")
    folder = places / "repository"
    assert costops(places, "init", "--demo", "repository").code == 0
    runner = Runner(folder, places)
    (places / "bin").mkdir()
    (places / "bin" / "costops").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m costops "$@"\n')
    (places / "bin" / "costops").chmod(0o700)
    runner.git("init", "--quiet", "--initial-branch", "main")
    runner.git("add", ".")
    runner.git("commit", "--quiet", "--message", "The demo")
    runner.git("update-ref", "refs/remotes/origin/main", "main")
    return places


@pytest.fixture
def runner(made: Path, tmp_path: Path) -> Runner:
    shutil.copytree(made, tmp_path / "ci", symlinks=True)
    return Runner(tmp_path / "ci" / "repository", tmp_path / "ci")


def edited(runner: Runner, *, broken: bool = False) -> None:
    """A branch that changes one rule."""
    file = runner.folder / "rules" / "30-environments.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("production: 80") == text.count("staging: 15") == 1
    other = text.replace("production: 80", "production: 70").replace("staging: 15", "staging: 25")
    file.write_text(text.replace("production: 80", "production: 170") if broken else other, encoding="utf-8")
    runner.git("checkout", "--quiet", "-b", "change")
    runner.git("commit", "--quiet", "--all", "--message", "Staging pays more")


@pytest.mark.parametrize("job", ["plan", "plan-untrusted"])
def test_a_pull_request_on_github_gets_its_plan(runner: Runner, job: str) -> None:
    edited(runner)
    code, _, summary = runner.github(job, {"github.base_ref": "main"})
    assert code == 0
    plan = json.loads((runner.folder / "plan.json").read_text(encoding="utf-8"))
    assert [each["id"] for each in plan["changes"] if each["kind"] == "allocation"] != []
    assert all(each["action"] == "change" for each in plan["changes"])
    markdown = (runner.folder / "plan.md").read_text(encoding="utf-8")
    assert plan["changes"][0]["id"] in markdown
    assert summary == (markdown if job == "plan" else "")
    assert not (runner.folder / "state" / "costops.db").exists()


def test_a_pull_request_without_a_change_passes_and_one_with_errors_fails(runner: Runner) -> None:
    assert runner.github("plan", {"github.base_ref": "main"})[0] == 0
    edited(runner, broken=True)
    assert runner.github("plan", {"github.base_ref": "main"})[0] == 3


def test_github_applies_on_main_what_was_approved_and_nothing_else(runner: Runner) -> None:
    state, backup = runner.places / "volume" / "costops.db", runner.places / "volume" / "backup.db"
    contexts = {"vars.COSTOPS_STATE": str(state), "vars.STATE_BACKUP": str(backup), "github.actor": "mara"}
    code, outputs, summary = runner.github("plan-main", contexts)
    assert code == 0
    assert re.fullmatch("[0-9a-f]{64}", outputs["digest"])
    assert summary
    assert not state.exists()

    approved = {**contexts, "needs.plan-main.outputs.digest": outputs["digest"]}
    assert runner.github("apply", approved)[0] == 0
    (version,) = runner.versions(state)
    assert (version["actor"], version["plan_digest"]) == ("mara", outputs["digest"])
    assert runner.versions(backup) == [version]
    assert runner.github("plan-main", contexts)[:2] == (0, {})

    assert runner.github("apply", approved)[0] == 5
    edited(runner)
    assert runner.github("refresh", contexts)[0] == 5
    assert runner.versions(state) == [version]
    _, outputs, _ = runner.github("plan-main", contexts)
    assert runner.github("apply", {**contexts, "needs.plan-main.outputs.digest": outputs["digest"]})[0] == 0
    assert len(runner.versions(state)) == 2
    assert runner.github("refresh", contexts)[0] == 0
    assert len(runner.versions(state)) == 2


def test_a_month_is_closed_by_hand(runner: Runner) -> None:
    state = runner.places / "costops.db"
    assert costops(runner.folder, "--state", str(state), "apply", "--auto-approve").code == 0
    month = runner.versions(state)[0]["bill"]["from"]
    contexts = {"vars.COSTOPS_STATE": str(state), "github.actor": "mara", "inputs.month": month}
    assert runner.github("close", contexts)[0] == 0
    given = {"COSTOPS_STATE": str(state), "GITLAB_USER_LOGIN": "mara", "MONTH": "not a month"}
    assert runner.gitlab("close", given) == 64


def test_a_merge_request_on_gitlab_gets_its_plan(runner: Runner) -> None:
    base = runner.git("rev-parse", "main")
    edited(runner)
    assert runner.gitlab("plan", {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base}) == 0
    for name in GITLAB["plan"]["artifacts"]["paths"]:
        assert (runner.folder / name).stat().st_size > 0


def test_gitlab_applies_on_main_what_was_approved(runner: Runner) -> None:
    state, backup = runner.places / "costops.db", runner.places / "backup.db"
    given = {"COSTOPS_STATE": str(state), "STATE_BACKUP": str(backup), "GITLAB_USER_LOGIN": "mara"}
    assert runner.gitlab("plan-main", given) == 0
    name, _, digest = (runner.folder / "digest.env").read_text().strip().partition("=")
    assert name == "DIGEST"
    assert runner.gitlab("apply", {**given, "DIGEST": digest}) == 0
    (version,) = runner.versions(state)
    assert (version["actor"], version["plan_digest"]) == ("mara", digest)
    assert runner.gitlab("apply", {**given, "DIGEST": digest}) == 5
    assert runner.gitlab("plan-main", given) == 0
    assert (runner.folder / "digest.env").read_text() == "DIGEST=\n"
    assert runner.gitlab("apply", {**given, "DIGEST": ""}) == 0
    assert runner.gitlab("refresh", given) == 0
    assert runner.versions(state) == runner.versions(backup) == [version]


def test_the_comment_is_made_of_the_plan_as_text(runner: Runner) -> None:
    (step,) = [step for step in COMMENT["jobs"]["comment"]["steps"] if "run" in step]
    told = runner.places / "told"
    gh = f'#!/bin/sh\nif [ "$1" = api ]; then echo "$ANSWER"; else echo "$@" > "{told}"; fi\n'
    (runner.places / "bin" / "gh").write_text(gh)
    (runner.places / "bin" / "gh").chmod(0o700)
    artifact = runner.folder / "artifact"
    artifact.mkdir()
    given = dict.fromkeys(step["env"], "x")
    assert runner.script(step["run"], {**given, "ANSWER": ""}).returncode == 0
    assert not told.exists()
    (artifact / "plan.md").write_text("$(touch hacked) `touch hacked` " + "é" * 70_000, encoding="utf-8")
    assert runner.script(step["run"], {**given, "ANSWER": "7"}).returncode == 0
    assert told.read_text().startswith("pr comment 7 ")
    comment = (runner.folder / "comment.md").read_text(encoding="utf-8")
    assert comment.startswith("$(touch hacked) `touch hacked` é")
    assert len(comment) < 65_536
    assert not (runner.folder / "hacked").exists()
    (artifact / "plan.md").unlink()
    assert runner.script(step["run"], {**given, "ANSWER": "7"}).returncode == 0
    assert (runner.folder / "comment.md").read_text().startswith("costops made no plan.\n")
