"""What was found in a trial, which rule acted on it, and what that changed, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from training.tuning.diagnosis import Finding, severity_in_words
from training.tuning.pbt.lineage import POPULATION, schedule_of
from training.tuning.rules import Action, Rule
from training.tuning.trials import TrialRecord
from training.tuning.wording import percent


def explain(record: TrialRecord, log: Sequence[Action], rules: Sequence[Rule]) -> str:
    """Return what is known of a trial, for `tune explain`.

    Args:
        record: of the trial, with its findings.
        log: every action of the study's rules.
        rules: the study's table; empty where rules are off.
    """
    told = [*_result(record), *_origin(record, log), *_population(record)]
    lines = [*told, "", *_findings(record, log, rules)]
    return "\n".join(lines) + "\n"


def _result(record: TrialRecord) -> Iterator[str]:
    yield f"Trial {record.number}: {record.verdict}{_because(record)}"
    if math.isfinite(record.dev_m):
        spread = f" ± {record.dev_se_m:.2f}" if math.isfinite(record.dev_se_m) else ""
        yield (
            f"  {record.dev_m:.2f} m{spread} on held-out rows, {record.train_m:.2f} m on training "
            f"rows, after {record.epochs} epochs of {len(record.trainings)} trainings"
        )
    for name, value in record.params.items():
        shown = f"{value:.4g}" if isinstance(value, float) else value
        yield f"  {name} = {shown}"


def _because(record: TrialRecord) -> str:
    return f" ({record.reason})" if record.reason else ""


_PROPOSED = {
    "sampler": "the sampler drew it",
    "default": "it is the default",
    "manual": "a person wrote it",
    "rule": "a rule proposed it",
}


def _origin(record: TrialRecord, log: Sequence[Action]) -> Iterator[str]:
    made = [one for one in log if one.acted and one.versions[1] == record.space_version]
    by = f", which the rule `{made[0].rule}` made" if made else ""
    yield f"  {_PROPOSED[record.source]} from version {record.space_version} of the space{by}"


def _population(record: TrialRecord) -> Iterator[str]:
    told = record.extra.get(POPULATION)
    if not told:
        return
    yield f"  Member of population {told['number']}, of {len(told['members'])}"
    for copy in told["copies"]:
        lost = "no number" if copy["error_m"] is None else f"{copy['error_m']:.2f} m"
        yield (
            f"    after {copy['after_epochs']} epochs, at {lost}, it went on from the weights of "
            f"trial {copy['source']} ({copy['source_error_m']:.2f} m)"
        )
    yield "  Its weights were trained with"
    for stage in schedule_of(record):
        values = ", ".join(f"{name} = {value:.4g}" for name, value in stage["values"].items())
        yield f"    {values}, from {stage['after_epochs']} epochs on"


def _findings(record: TrialRecord, log: Sequence[Action], rules: Sequence[Rule]) -> Iterator[str]:
    if not record.findings:
        yield "The diagnosis found nothing wrong with it."
        return
    yield "Found:"
    for values in record.findings:
        finding = Finding.from_json(values)
        yield f"  {finding.name} ({severity_in_words(finding.severity)}): {finding.evidence}"
        yield from (f"    {line}" for line in _answers(record, finding, log, rules))


def _answers(
    record: TrialRecord, finding: Finding, log: Sequence[Action], rules: Sequence[Rule]
) -> Iterator[str]:
    known = {rule.name: rule for rule in rules}
    answers = [one for one in log if one.diagnosis == finding.name and record.number in one.window]
    for action in answers:
        yield from describe(action, known.get(action.rule))
    if answers:
        return
    if not rules:
        yield "No rule acted: they are off."
    elif any(record.number in one.window for one in log):
        yield "No rule acted: too few of the trials beside it had this, or the space has no room."
    else:
        yield "No rule acted on the trials around it."


def describe(action: Action, rule: Rule | None) -> list[str]:
    """Return what an action saw and did, one line a fact.

    Args:
        action: of a study's log.
        rule: of its name, for why it does so; None if the table no longer has it.
    """
    won, lost = action.record
    why = f" ({rule.why}; source: {rule.source})" if rule is not None else ""
    lines = [
        f"Rule `{action.rule}`{why}: found in {len(action.found_in)} of {len(action.window)} "
        f"trials, its record {won:.1f} of {won + lost:.1f}, draw {action.draw:.2f}."
    ]
    if not action.acted:
        return [*lines, f"It did nothing: {action.held_back}."]
    before, after = action.versions
    lines.append(f"It took its bound from trial {action.trial}: {action.evidence}.")
    changed = "; ".join(f"{one.parameter}: {one.before} -> {one.after}" for one in action.changes)
    lines.append(f"Space {before} -> {after}: {changed}.")
    if action.better is None:
        return [*lines, "Too few trials have followed to say whether it helped."]
    word = "helped" if action.better > 0.5 else "did not help"
    share = f"{percent(action.better)} of pairs of a trial after and one before got better"
    return [*lines, f"It {word}: {share}."]
