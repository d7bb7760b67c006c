"""A review as a team lives it: a bare repository, two clones, one state, one bill that is restated meanwhile."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cli.commands import Done, costops

pytestmark = pytest.mark.xdist_group("review story")

PERCENTAGES = "rules/30-environments.yaml"
CONTRACT = "rules/40-teams.yaml"


class Team:
    """The repository, its clones, and what they share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shared = folder / "shared"

    def git(self, clone: str, *arguments: str) -> str:
        identity = ("-c", f"user.name={clone}", "-c", f"user.email={clone}@example.org")
        done = subprocess.run(
            ["git", *identity, "-c", "init.defaultBranch=main", *arguments],
            cwd=self.folder / clone,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def costops(self, clone: str, *arguments: str) -> Done:
        return costops(self.folder / clone, *arguments, environment={"COSTOPS_ACTOR": clone})

    def edit(self, clone: str, file: str, *changes: tuple[str, str]) -> None:
        path = self.folder / clone / file
        text = path.read_text()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text)

    def commit(self, clone: str, message: str) -> None:
        self.git(clone, "add", "-A")
        self.git(clone, "commit", "-m", message)

    def restate_bill(self, month: str, service: str, factor: str) -> None:
        """The provider bills a service of a month otherwise."""
        import duckdb

        (file,) = (self.shared / "bill" / f"BILLING_PERIOD={month}").glob("*.parquet")
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE charges AS SELECT * FROM read_parquet(?)", [str(file)])
            for cost in ("EffectiveCost", "BilledCost"):
                connection.execute(f"UPDATE charges SET {cost} = {cost} * {factor} WHERE ServiceName = ?", [service])
            connection.execute(f"COPY charges TO '{file}' (FORMAT parquet)")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every command of the story, run once, in order."""
    folder = tmp_path_factory.mktemp("review")
    team = Team(folder)
    told: dict[str, Any] = {"folder": folder}
    set_up(team)
    told["first"] = team.costops("alice", "apply", "--auto-approve")

    # Two branches change rules; both are planned and rendered.
    team.git("bob", "checkout", "-b", "contract")
    team.git("alice", "checkout", "-b", "percentages")
    team.edit("alice", PERCENTAGES, ("production: 80", "production: 70"), ("staging: 15", "staging: 25"))
    team.commit("alice", "Staging takes its part")
    team.edit("bob", CONTRACT, *contract_changes(team))
    team.commit("bob", "The contract of the warehouse")
    for clone in ("alice", "bob"):
        plan_it = ("plan", "--out", "plan.json", "--render", "markdown=plan.md", "--render", "json=again.json")
        told[f"{clone} plans"] = team.costops(clone, *plan_it, "--detailed-exitcode")
        told[f"{clone} compares"] = team.costops(clone, "plan", "--base", "origin/main", "--format", "json")
        told[f"{clone} markdown"] = (folder / clone / "plan.md").read_text()
        told[f"{clone} document"] = json.loads((folder / clone / "plan.json").read_text())
        assert json.loads((folder / clone / "again.json").read_text()) == told[f"{clone} document"]

    # The first is merged and applied by its digest; the second's plan is refused.
    merge(team, "alice", "percentages")
    team.git("ci", "pull")
    told["by digest"] = team.costops("ci", "apply", "--digest", told["alice document"]["plan_digest"])
    told["stale"] = team.costops("bob", "apply", "plan.json")

    # The bill is restated; the second is planned again on the new main and applied.
    team.restate_bill("2025-09", "AWS Support", "1.1")
    team.git("bob", "fetch")
    team.git("bob", "rebase", "origin/main")
    told["bob plans again"] = team.costops("bob", "plan", "--out", "plan.json")
    told["bob document again"] = json.loads((folder / "bob" / "plan.json").read_text())
    merge(team, "bob", "contract")
    team.git("ci", "pull")
    told["bob applied"] = team.costops("ci", "apply", str(folder / "bob" / "plan.json"))

    # The nightly run; and one where the rules have moved.
    team.restate_bill("2025-08", "AWS Support", "1.2")
    told["nightly"] = team.costops("ci", "apply", "--refresh-only", "--auto-approve")
    told["ledger 4"] = team.costops("ci", "ledger", "--by", "day,env", "--period", "2025-07", "--format", "csv")
    team.edit("ci", PERCENTAGES, ("production: 70", "production: 60"), ("staging: 25", "staging: 35"))
    told["nightly with rules"] = team.costops("ci", "apply", "--refresh-only", "--auto-approve")

    # A month is closed; an edit that would change it leaves it as it is.
    told["closed"] = team.costops("ci", "close", "2025-07", "--reason", "books of July")
    team.commit("ci", "Staging takes more")
    told["frozen plan"] = team.costops("ci", "plan", "--format", "json")
    told["frozen text"] = team.costops("ci", "plan", "--format", "markdown")
    told["frozen apply"] = team.costops("ci", "apply", "--auto-approve")
    told["ledger 5"] = team.costops("ci", "ledger", "--by", "day,env", "--period", "2025-07", "--format", "csv")
    told["no reason"] = team.costops("ci", "plan", "--restate", "2025-07")
    told["restate plan"] = team.costops(
        "ci", "plan", "--restate", "2025-07", "--reason", "late credit", "--format", "json"
    )
    told["restated"] = team.costops("ci", "apply", "--restate", "2025-07", "--reason", "late credit", "--auto-approve")

    # Back to version 3, and the files with it.
    told["rollback"] = team.costops("ci", "rollback", "3", "--reason", "staging objects", "--auto-approve")
    revert = re.search(r"git (revert --no-edit( [0-9a-f]+)+)", told["rollback"].err)
    assert revert is not None, told["rollback"].err
    team.git("ci", *revert.group(1).split())
    told["after revert"] = team.costops("ci", "plan", "--format", "json")
    told["history"] = team.costops("ci", "history", "--format", "json")
    told["history text"] = team.costops("ci", "history")
    told["blame"] = team.costops("ci", "blame", "env=staging", "--format", "json")
    told["blame text"] = team.costops("ci", "blame", "env=staging")
    told["diff"] = team.costops("ci", "diff", "1", "2", "--format", "json")
    told["check"] = team.costops("ci", "state", "check")
    return told


def set_up(team: Team) -> None:
    team.shared.mkdir()
    subprocess.run(["git", "init", "--bare", "-q", "-b", "main", "origin.git"], cwd=team.folder, check=True)
    subprocess.run(["git", "clone", "-q", "origin.git", "alice"], cwd=team.folder, check=True, capture_output=True)
    assert team.costops("alice", "init", "--demo", ".").code == 0
    alice = team.folder / "alice"
    for name in ("bill", "usage"):
        shutil.move(alice / name, team.shared / name)
    settings = (alice / "costops.yaml").read_text()
    settings = settings.replace("state/costops.db", str(team.shared / "costops.db"))
    settings = settings.replace('"bill/', f'"{team.shared}/bill/').replace('"usage/', f'"{team.shared}/usage/')
    (alice / "costops.yaml").write_text(settings)
    team.git("alice", "checkout", "-b", "main")
    team.commit("alice", "The demo")
    team.git("alice", "push", "-u", "origin", "main")
    for clone in ("bob", "ci"):
        subprocess.run(["git", "clone", "-q", "origin.git", clone], cwd=team.folder, check=True, capture_output=True)


def contract_changes(team: Team) -> list[tuple[str, str]]:
    """Two elements of the contract's percentages exchange five points."""
    text = (team.folder / "bob" / CONTRACT).read_text()
    found = re.findall(r"^ {8}(\w+): (\d+)$", text, re.MULTILINE)
    (one, many), (other, few) = found[0], found[1]
    return [(f"{one}: {many}\n", f"{one}: {int(many) - 5}\n"), (f"{other}: {few}\n", f"{other}: {int(few) + 5}\n")]


def merge(team: Team, clone: str, branch: str) -> None:
    team.git(clone, "checkout", "main")
    team.git(clone, "pull")
    team.git(clone, "merge", "--no-edit", branch)
    team.git(clone, "push", "origin", "main")


def document(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_both_branches_are_planned_and_rendered(told: dict[str, Any]) -> None:
    assert told["first"].code == 0
    for clone, rule in (("alice", "snowflake-by-agreement"), ("bob", "warehouse-by-contract")):
        assert told[f"{clone} plans"].code == 2
        assert [each["id"] for each in told[f"{clone} document"]["changes"]] == [rule]
        first_line = told[f"{clone} markdown"].splitlines()[0]
        assert re.search(r"USD [\d,]+\.\d\d", first_line), first_line
        assert rule in told[f"{clone} markdown"]
        compared = document(told[f"{clone} compares"])
        assert compared["compared_with"].startswith("origin/main (")
        assert compared["writes"] is False
        assert [each["money"] for each in compared["changes"]] == [
            each["money"] for each in told[f"{clone} document"]["changes"]
        ]


def test_the_first_is_applied_by_its_digest_and_the_second_is_refused(told: dict[str, Any]) -> None:
    assert told["by digest"].code == 0
    assert "Applied as version 2." in told["by digest"].out
    stale: Done = told["stale"]
    assert stale.code == 5
    assert "state" in stale.err
    assert "version 2" in stale.err
    assert "by ci" in stale.err


def test_the_restated_bill_is_drift_with_its_amount_beside_the_change(told: dict[str, Any]) -> None:
    plan = told["bob document again"]
    assert [each["id"] for each in plan["changes"]] == ["warehouse-by-contract"]
    drift = [each for each in plan["bill_drift"] if each["cost"] == "EffectiveCost"]
    assert {(each["provider"], each["billing_month"]) for each in drift} == {("AWS", "2025-09")}
    more = sum(Decimal(each["after"]) - Decimal(each["before"]) for each in drift)
    totals = [each for each in plan["bill_totals"] if each["cost"] == "EffectiveCost"]
    assert more == sum(Decimal(each["difference"]) for each in totals)
    assert more > 100
    assert f"{more:,.2f}"[:-1] in told["bob plans again"].out
    assert "Applied as version 3." in told["bob applied"].out


def test_the_nightly_run_writes_only_what_the_bill_did(told: dict[str, Any]) -> None:
    assert "Applied as version 4." in told["nightly"].out
    refused: Done = told["nightly with rules"]
    assert refused.code == 5
    assert "snowflake-by-agreement" in refused.err


def test_a_closed_month_is_frozen_named_and_byte_for_byte_the_same(told: dict[str, Any]) -> None:
    assert "2025-07 is closed" in told["closed"].out
    plan = document(told["frozen plan"])
    (frozen,) = plan["frozen"]
    assert (frozen["billing_month"], frozen["reason"]) == ("2025-07", "closed")
    assert {each["value"] for each in frozen["held_back"] if each["dimension"] == "env"} >= {"production", "staging"}
    assert "2025-07" in told["frozen text"].out
    assert "Applied as version 5." in told["frozen apply"].out
    assert told["ledger 5"].out == told["ledger 4"].out


def test_a_restatement_needs_a_reason_and_lists_the_differences(told: dict[str, Any]) -> None:
    assert told["no reason"].code == 64
    plan = document(told["restate plan"])
    (month,) = plan["restated"]
    assert (month["billing_month"], plan["reason"]) == ("2025-07", "late credit")
    deltas = {each["value"]: Decimal(each["delta"]) for each in month["money"] if each["dimension"] == "env"}
    held = {
        each["value"]: Decimal(each["delta"])
        for each in document(told["frozen plan"])["frozen"][0]["held_back"]
        if each["dimension"] == "env"
    }
    assert deltas == held
    assert sum(deltas.values()) == 0
    assert "Applied as version 6." in told["restated"].out
    assert "late credit" in told["restated"].out


def test_a_rollback_and_its_git_revert_match(told: dict[str, Any]) -> None:
    assert "Applied as version 7, with the rules of version 3." in told["rollback"].out
    plan = document(told["after revert"])
    assert plan["changes"] == []
    assert plan["writes"] is False


def test_history_and_blame_tell_the_story(told: dict[str, Any]) -> None:
    history = document(told["history"])
    causes = [(each["version"], each["cause"], each["reason"]) for each in history["versions"]]
    assert causes == [
        (7, "rollback", "to version 3: staging objects"),
        (6, "restate", "late credit"),
        (5, "apply", None),
        (4, "refresh", None),
        (3, "apply", None),
        (2, "apply", None),
        (1, "apply", None),
    ]
    assert [(each["month"], each["status"], each["reason"]) for each in history["events"]] == [
        ("2025-07", "closed", "books of July")
    ]
    assert "staging objects" in told["history text"].out
    blame: Done = told["blame text"]
    assert blame.code == 0
    for words in ("snowflake-by-agreement", PERCENTAGES, "version 2", "version 4"):
        assert words in blame.out, words
    assert told["check"].code == 0


def test_the_diff_has_who_lost_to_whom(told: dict[str, Any]) -> None:
    flows = document(told["diff"])["flows"]
    assert ("production", "staging") in {(each["from"], each["to"]) for each in flows if each["dimension"] == "env"}
