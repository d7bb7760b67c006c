"""Every diagnostic code, with one sentence that says what it is about.

Invariant: a code never changes its meaning; `docs/codes.md` explains each.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # Files and YAML.
    "CO101": "A file or folder cannot be read.",
    "CO102": "A file is not UTF-8.",
    "CO103": "A file is larger than 1 MiB.",
    "CO104": "A character cannot stand in a YAML file, or cannot be stored.",
    "CO105": "The text is not valid YAML.",
    "CO106": "A file has more than one YAML document.",
    "CO107": "A key stands twice in one mapping.",
    "CO108": "A YAML tag is not supported.",
    "CO109": "Anchors, aliases and merge keys are not supported.",
    "CO110": "A file is nested deeper than 32 levels.",
    "CO111": "A key of a mapping is a list or a mapping.",
    "CO112": "A file asks for another version of YAML than 1.2.",
    "CO113": "The rules folder does not exist.",
    "CO114": "A link among the rules leaves the workspace.",
    "CO115": "The path of a lookup table is absolute, or leads out of the workspace.",
    "CO116": "A lookup table is not a CSV file of two columns.",
    "CO117": "A key stands in a lookup table twice.",
    "CO118": "A lookup table has more than 100,000 rows.",
    "CO119": "The first row of a lookup table looks like data.",
    "CO120": "A character changes how the text around it is shown.",
    "CO121": "An invisible character stands in a key or a value.",
    "CO122": "A file has more than 100,000 keys, values, lists and mappings.",
    "CO123": "A text is longer than 10,000 characters.",
    "CO124": "A file is not read any further after 100 problems.",
    "CO125": "An invisible joiner stands in a key or a value.",
    # Fields and values.
    "CO201": "A field is unknown.",
    "CO202": "A required field is missing.",
    "CO203": "A value has the wrong shape: text, list or mapping.",
    "CO204": "Text is wanted, and a number or a boolean stands without quotes.",
    "CO205": "A value is none of the words that the field takes.",
    "CO206": "True or false is wanted.",
    "CO207": "An id has characters that ids cannot have.",
    "CO208": "An id is defined twice.",
    "CO209": "A text or a list is empty.",
    "CO210": "An operator is unknown, or makes no sense here.",
    "CO211": "A value is null where it cannot be.",
    "CO212": "A number is wanted.",
    "CO213": "A regular expression uses what RE2 does not have.",
    "CO214": "`ignore_case` has no effect on the operators beside it.",
    "CO215": "A transform is unknown, or its arguments are wrong.",
    "CO216": "An id is a word that means something else where names stand.",
    "CO217": "A name stands in a list twice.",
    "CO218": "A field is not used, because of the other fields of its entry.",
    "CO219": "Two fields exclude each other.",
    "CO220": "The format of `concat` is wrong.",
    # Names and references.
    "CO301": "A name is no dimension, label or column.",
    "CO302": "A label does not exist.",
    "CO303": "A name belongs to an entry that is disabled.",
    "CO304": "Dimensions read each other in a cycle.",
    "CO305": "A label reads something else than columns and tags.",
    "CO306": "A dimension of the result stage is used in a rule.",
    "CO307": "An allocation writes into something that is never overwritten.",
    "CO308": "An allocation in `allocated_by` does not exist.",
    "CO309": "An allocation in `allocated_by` does not come earlier.",
    "CO310": "A name cannot be used in this place.",
    "CO311": "A metric does not exist.",
    "CO312": "A metric is disabled.",
    "CO313": "A metric has no label for a dimension that the allocation needs.",
    "CO315": "`Tags` stands without the key of a tag.",
    "CO317": "A cost column is used as a dimension or in a condition.",
    "CO318": "A metric source does not exist.",
    "CO319": "An operator is used with `allocated_by` that it does not have.",
    "CO320": "A lookup table does not exist.",
    "CO321": "An id in `renamed_from` still is that of an entry.",
    "CO322": "An entry is renamed from itself.",
    "CO323": "Two entries are renamed from the same id.",
    # In the contract, and not built yet.
    "CO422": "`cache` is not built yet.",
    # What allocations mean.
    "CO501": "Percentages do not add up to 100.",
    "CO502": "A percentage is negative.",
    "CO503": "A percentage has more than 12 decimal places.",
    "CO504": "The method `percent` has no `to.percent`.",
    "CO505": "`into` and `to.dimension` have different lengths.",
    "CO506": "An element has not one value for each destination dimension.",
    "CO507": "An element stands twice.",
    "CO508": "An item of `to.percent` has other keys than the destination dimensions and `percent`.",
    "CO509": "The method `metric` has no `basis.metric`.",
    "CO510": "A text is no day of the calendar.",
    "CO511": "The percentage of a cutoff is not between 0 and 100.",
    "CO512": "A rule ends before it begins.",
    # costops.yaml.
    "CO601": "The version of costops.yaml is not known.",
    "CO602": "The rules folder is not inside the workspace.",
    "CO603": "Two sources have the same name.",
    "CO604": "The memory limit is no amount of memory, or too small.",
    "CO605": "A check has no kind, or more than one.",
    "CO606": "A check has a field that its kind does not use.",
    "CO607": "A check looks at a dimension that is not reported.",
    "CO608": "An amount is negative, or has more than 12 decimal places.",
    "CO609": "`restate_months` would leave no month open.",
    "CO611": "A cost column that a billing source adds has a name that means something else.",
    # What a bill has, and what an evaluation found.
    "CO701": "Charges have no amount in a cost column.",
    "CO702": "Charges are left out, because the parts that their provider has split them into count.",
    "CO703": "Records of a metric have no value.",
    "CO704": "Some files of a metric lack one of its labels.",
    "CO801": "Cost stays where it was, because its basis is empty.",
    "CO802": "More than 5 percent of what a rule takes is in a missing partition.",
    "CO803": "Charges longer than a day are split by their first day alone.",
    "CO804": "A metric gives cost to elements that no charge of the bill has.",
    "CO805": "An allocation takes nothing.",
    "CO806": "An earlier rule has allocated cost that an allocation matches.",
    "CO807": "A basis is empty on some days, and `on_empty` stands in for it.",
    "CO808": "A rule gives cost to an element that no charge of the bill has.",
    "CO809": "A rule asks for a value that no charge of the bill has.",
    "CO810": "A rule reads a tag or column that no charge of the bill has.",
    "CO811": "Charges have a tag only under a key that differs in case from the one that is read.",
    "CO812": "An even split goes over more than 100 elements found in the bill.",
    "CO813": "What a rule writes is neither reported nor used.",
    "CO814": "A rule makes more than 50 ledger rows of each.",
    "CO815": "A word of the rules is nearly one that the bill has.",
    # Comments that silence warnings.
    "CO821": "A comment for costops cannot be read, or stands at no entry.",
    "CO822": "A comment ignores what is no code, or cannot be ignored.",
    "CO823": "A comment ignores a warning that is not there.",
}
"""Code to one sentence."""

WITH_MONEY: tuple[str, ...] = (
    "CO801", "CO802", "CO803", "CO804", "CO805", "CO806", "CO807", "CO808", "CO809", "CO810", "CO811", "CO812", "CO813",
    "CO814", "CO815",
)  # fmt: skip
"""Warnings that only an evaluation on the bill finds."""

ABOUT_COMMENTS: tuple[str, ...] = ("CO821", "CO822", "CO823")

OF_NO_RULE: tuple[str, ...] = ("CO119", "CO701", "CO702", "CO703", "CO704")
"""Warnings about tables, the bill and the records of metrics, at which no rule's comment can stand."""

WARNINGS: tuple[str, ...] = (*OF_NO_RULE, "CO125", "CO214", "CO218", *WITH_MONEY, *ABOUT_COMMENTS)
"""Codes of everything that never stops a command; all others are errors."""
