"""Temporary."""
from __future__ import annotations
import asyncio, time, sys
from pathlib import Path
from contextlib import closing
import itertools
import pytest
from tests.fakes.services.live import *
from tests.fakes.services.stack import *
from tests.harness.workload.fake_stack import *
from harness.workload.stream import Observer
from harness.workload.config import ObserverConfig
from harness.workload.readback import read_back
from harness.workload.invariants import record_checks
from harness.history import *
from harness.measure import measure
from harness.steady import outages
from scenarios.model import SteadyState
import subprocess

LINKS=[("indicator-engine","redis"),("signal-generator","redis")]
@pytest.mark.parametrize("link", LINKS)
def test_it(server, tmp_path, link):
    """x"""
    folder = tmp_path/"f"; folder.mkdir()
    forks = ForkServer(folder)
    redis = Redis(folder)
    with server.database("whole") as name:
        stack = Stack(folder, forks, server, name, redis, speed=1)
        gate = stack.gate(*link)
        stack.start("price-primary","price-backup","broker")
        stack.start("data-ingestor","indicator-engine","signal-generator","execution-engine","risk-manager","gui-gateway")
        async def whole():
            clock = stack.clock
            cfg = ObserverConfig(clock=folder/"clock.page", ledger=folder/"ledger.jsonl", gateway=stack.url("gui-gateway",""), ingestor=stack.url("data-ingestor",""), signals=stack.url("signal-generator",""), orders_per_s=25, canary_every_s=0.5, symbols=("EURUSD","GBPUSD","USDJPY"), seed=7, prefix="abc-")
            obs = Observer()
            truth=[]
            with closing(Recorder(folder/HISTORY_FILE, clock)) as rec:
                rec.record("drill.started","it",scenario={"detection":{"alerts":[]}},settings={},speed=1.0)
                await obs.start(cfg, folder/"observer.log")
                await asyncio.sleep(4)
                rec.record("fault.injected","cut")
                for length in (5.0, 3.0):
                    a=clock.now(); await asyncio.to_thread(gate.shut); a2=clock.now()
                    await asyncio.sleep(length)
                    b=clock.now(); await asyncio.to_thread(gate.open); b2=clock.now()
                    truth.append((a,a2,b,b2))
                    await asyncio.sleep(5)
                pid=obs.pid
                cpu=sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")",1)[1].split()[11:13]))/100
                await obs.stop()
                t=time.monotonic()
                e = await read_back(rec, clock, dsn=f"host=127.0.0.1 port={server.port} user=eafix dbname={name}", broker=stack.url("broker",""))
                print("readback", e.kind, e.data.get("error"), time.monotonic()-t, len(e.to_line()))
                for c in record_checks(History.read(folder), rec): print(c)
            ok=[o for o in obs.ops]
            from collections import Counter
            print(Counter((o.op,o.outcome.value,(o.error or "")[:60]) for o in ok))
            lat=sorted(o.latency_ms for o in ok if o.op=="order" and o.acknowledged); cl=sorted(o.latency_ms for o in ok if o.op=="canary" and o.acknowledged)
            print("order lat p50/p99/max", lat[len(lat)//2], lat[int(len(lat)*.99)], lat[-1], "canary", cl[len(cl)//2], cl[-1], "cpu total s", cpu)
            st=SteadyState.model_validate({"settle":"3s"})
            for t,o in itertools.zip_longest(truth, outages(ok, st, after_s=truth[0][0])):
                print("TRUTH", t, "MEASURED", o and (o.start_s,o.end_s), "ERR", o and o.end_s and (round(o.start_s-t[0],3), round(o.end_s-t[3],3), "dur", round(o.duration_s-(t[3]-t[0]),3)))
        asyncio.run(whole())
        for s in list(stack._pids): stack.stop(s)
        stack.client.close()
        for g in stack._gates.values(): g.close()
        forks.stop(); redis.stop()
