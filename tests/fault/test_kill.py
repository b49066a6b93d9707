"""kill -9 at random moments under mixed load: nothing acknowledged is lost, nothing is half done, every effect has its one record.

The long version is the command tests/fault/soak.
"""
import os
import time

import kills

KILLS = int(os.environ.get("HOLDFAST_KILLS", "8"))


def test_nothing_acknowledged_is_lost_and_every_effect_has_its_record(base):
    run = kills.Run(base, seed=int(time.time()))
    for _ in range(KILLS):
        run.round(run.random.uniform(0.2, 2.0))
        assert not run.findings, f"seed {run.seed}:\n" + "\n".join(run.findings[:20])
    run.finish()
    assert not run.findings, f"seed {run.seed}:\n" + "\n".join(run.findings[:20])
    assert run.total["acknowledged effects"] >= kills.ENOUGH_EFFECTS * KILLS, run.total
    assert run.total["refused"] >= kills.ENOUGH_REFUSED * KILLS, run.total
