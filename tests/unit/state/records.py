"""A record with one of everything, for the tests of the state."""

from __future__ import annotations

from costops.model.metric_series import MetricSeries
from costops.model.record import BILL, METRICS, ProviderTotal, Record, RecordedChange, RecordedMoney

PICOS = 10**12
RECORD = Record(
    changes=(
        RecordedChange(
            action=BILL,
            money=(
                RecordedMoney("bill", None, "env", None, "USD", -PICOS // 2),
                RecordedMoney("bill", None, "env", "production", "USD", 3 * PICOS),
            ),
        ),
        RecordedChange(action=METRICS),
        RecordedChange(
            action="rename",
            kind="allocation",
            id="support-by-env",
            previous_id="support",
            file="rules/30-shared.yaml",
            line=14,
            money=(
                RecordedMoney("rule", "support-by-env", "env", "production", "USD", -2 * PICOS - 1),
                RecordedMoney("upstream", "other", "env", "production", "EUR", 7),
                RecordedMoney("order", None, "team", "ünï\x00", "USD", 1),
            ),
        ),
    ),
    providers=(
        ProviderTotal(None, "2025-09", "BilledCost", "USD", 5),
        ProviderTotal("AWS", "2025-09", "EffectiveCost", "USD", -(10**9) * PICOS - 1),
    ),
    metrics=(
        MetricSeries("hosts", ("env",), (("2025-09-01", (None,), 5), ("2025-09-01", ("ünï",), -(10**9) * PICOS - 1))),
        MetricSeries("load", (), (("2025-09-02", (), 7),)),
    ),
)
