"""The Python half of `npm run test:keras`; `run.mjs` calls it.

    parity.py check <golden folder>              this machine's Keras against some of the recorded vectors
    parity.py draw <folder> <seed> <cases> [id]  draws cases, runs them through Keras, writes the vectors
    parity.py judge <folder>                     Keras reads the configurations and stores that this package wrote
"""

import glob
import json
import os
import sys
import time
import warnings

warnings.simplefilter("ignore")

import keras  # noqa: E402
import numpy as np  # noqa: E402

import draw  # noqa: E402
import vectors  # noqa: E402


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def write(value, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as file:
        json.dump(value, file, allow_nan=False)


def progress(label, cases):
    """Yields the cases; says now and then how far it is."""
    start = last = time.monotonic()
    for i, case in enumerate(cases):
        yield case
        now = time.monotonic()
        if now - last > 5 or i + 1 == len(cases):
            print(f"  {label}: {i + 1}/{len(cases)} cases, {now - start:.0f} s", flush=True)
            last = now


def fail(lines):
    print("\n".join(lines), flush=True)
    sys.exit(1)


def check(golden):
    """Runs every fifth recorded case again: a machine whose Keras has other bits must not judge this package."""
    different, count = [], 0
    for path in sorted(glob.glob(os.path.join(golden, "*.json"))):
        name, file = os.path.basename(path), read(path)
        if name.startswith("optimizer") or name == "loss_scale.json":
            for case in file["cases"][::5]:
                record = [[c["after_applies"], c["encoding"]] for c in case.get("checkpoints", [])]
                out = vectors.run(case, record)
                wrong = [key for key, value in case.items() if key in out and out[key] != value]
                different += [f"  {name} {case['id']}: {key}" for key in wrong]
                count += 1
    if different:
        fail(["This machine's Keras does not reproduce the recorded vectors:", *different])
    print(f"  {count} recorded cases reproduced by keras {keras.__version__}, numpy {np.__version__}", flush=True)


def run_drawn(folder, seed, count, only):
    drawn = draw.draw_all(seed, count)
    meta = {"keras": keras.__version__, "numpy": np.__version__, "backend": keras.backend.backend(), "seed": seed}

    def selected(kind):
        return [case for case in drawn[kind] if only in (None, case["id"])]

    if not any(selected(kind) for kind in ("training", "loss_scale", "schedules")):
        fail([f"No case is called {only} among {count} cases of seed {seed}."])
    print(f"  {drawn['pairwise_rows']} rows cover every pair of levels; {count} training cases are drawn", flush=True)
    for kind in ("training", "loss_scale"):
        cases = []
        for case in progress(kind, selected(kind)):
            cases.append({**case, **vectors.run(case, draw.checkpoints_of(case))})
        write({"meta": meta, "cases": cases}, folder, f"{kind}.json")
    cases = [{**case, **vectors.run_schedule(case, case["steps"])} for case in progress("schedules", selected("schedules"))]
    write({"meta": meta, "cases": cases}, folder, "schedules.json")
    summarize(folder)


def summarize(folder):
    """How much was drawn, and where the comparison is by the specification instead of by Keras' own bits."""
    training = [case for kind in ("training", "loss_scale") for case in read(folder, f"{kind}.json")["cases"]]
    schedules = read(folder, "schedules.json")["cases"]
    differs = [entry for case in training + schedules for entry in case.get("spec_differs", [])]
    rates = sum(len(case.get("lr_bits", [])) for case in training + schedules)
    cancelled = sum("cancels_from" in case for case in training)
    print(f"  {sum(case['steps'] for case in training)} applies, {rates} rates of schedules", flush=True)
    if differs:
        most = max(entry["ulp"] for entry in differs)
        print(f"  {len(differs)} rates where this machine's pow, cos or log rounds otherwise than the specification "
              f"(at most {most} ulp): ours must be the specification's, training goes on with Keras'", flush=True)
    if cancelled:
        print(f"  {cancelled} cases in which rounding makes Keras divide by the root of a number <= 0: "
              "bits are compared up to there, and beside it", flush=True)


def judge(folder):
    """What this package wrote (ours.json) must mean to Keras what Keras itself would have written."""
    ours, wrong = read(folder, "ours.json"), []
    cases = {case["id"]: case for kind in ("training", "loss_scale") for case in read(folder, f"{kind}.json")["cases"]}
    counts = {"configurations": 0, "stores": 0}
    for case_id, written in progress("reading ours", list(ours.items())):
        case = cases[case_id]
        counts["configurations"] += 1
        wrong += [f"  {case_id}: {line}" for line in judge_config(case, written["config"])]
        if "store" in written:
            counts["stores"] += 1
            wrong += [f"  {case_id}: {line}" for line in judge_store(case, written)]
    if wrong:
        fail([f"  {len(wrong)} differences; the first:", *wrong[:20]])
    print(f"  {counts['configurations']} configurations and {counts['stores']} stores read by Keras", flush=True)


# Keras takes these as they are: 10 and 10.0 mean the same step, and JavaScript has only one of them.
STEP_COUNTS = ("decay_steps", "first_decay_steps", "warmup_steps", "boundaries")


def comparable(config):
    """JSON text in which only the type of a step count is forgotten; 1 and 1.0 differ everywhere else."""

    def simplify(key, value):
        if isinstance(value, dict):
            return {k: simplify(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [simplify(key, v) for v in value]
        return float(value) if key in STEP_COUNTS and value is not None else value

    return json.dumps(simplify(None, config))


def judge_config(case, text):
    expected = comparable(case["get_config"])
    if comparable(json.loads(text)) != expected:
        return [f"config text {text}, expected {json.dumps(case['get_config'])}"]
    kind = keras.optimizers.LossScaleOptimizer if "loss_scale" in case else keras.optimizers.RMSprop
    again = kind.from_config(json.loads(text)).get_config()
    if comparable(again) != expected:
        return [f"from_config(ours).get_config() is {again}, expected {case['get_config']}"]
    return []


def judge_store(case, written):
    config = json.loads(written["config"])
    inner = config["inner_optimizer"]["config"] if "loss_scale" in case else config
    rest = vectors.resume(case, inner, written["variables"], written["store"])
    # From a cancellation on, the trace holds Keras' NaN, whatever it was resumed from.
    comparable = rest[: case.get("cancels_from", case["steps"]) - case["save_at"]]
    for t, got in enumerate(comparable, start=case["save_at"]):
        expected = case["trace"][t][3:] if "trace" in case else [case["trace_crc32"][t], case["state_crc32"][t]]
        if got != expected:
            return [f"resumed from our store after {case['save_at']} applies, apply {t + 1}: {got}, expected {expected}"]
    return []


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "check":
        check(*arguments)
    elif command == "draw":
        folder, seed, count, *only = arguments
        run_drawn(folder, int(seed), int(count), only[0] if only else None)
    elif command == "judge":
        judge(*arguments)
    else:
        sys.exit(__doc__)
