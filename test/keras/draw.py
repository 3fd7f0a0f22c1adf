"""Draws random cases in the golden format (test/golden/README.md): every constructor argument, pairwise and at random."""

import itertools
import math
import random

SCHEDULES = "keras.optimizers.schedules"

# Each factor's levels: the first rows of a run cover every pair of them, the later ones mix them at random.
FACTORS = {
    "learning_rate": ["default", 0.1, 0.01, "exact schedule", "inexact schedule"],
    "rho": ["default", 0.0, 0.5, 0.99, 1.0],
    "momentum": ["default", -0.5, 0.5, 0.9],
    "epsilon": ["default", 1e-3, 1.0, 1e-30],
    "centered": [False, True],
    "weight_decay": [None, 0.0, 0.004, 0.1],
    "clip": [None, ("clipnorm", 0.5), ("clipvalue", 0.1), ("global_clipnorm", 0.5), ("clipnorm", 0.0)],
    "ema": [None, "default", 0.5, 0.0, 1.0],
    "ema_overwrite_frequency": [None, 0, 1, 3],
    "loss_scale_factor": [None, 128.0, 3.7],
    "gradient_accumulation_steps": [None, 0, 2, 3, 5],
    "gradients": ["uniform", "small", "large", "const", "sparse", "wide", "special", "self"],
    "null": [False, True],
    "overwrite": [False, True],
    "constraint": [False, True],
    "exclude": [None, "names", "variables"],
}

SHAPES = [[], [1], [7], [8], [33], [3, 5], [2, 3, 4], [0, 3], [129], [17, 9]]
LARGE_SHAPES = [[1023], [4101], [64, 33]]
NAMES = ["kernel", "bias", "gamma", "beta", "embeddings", "scale"]
SCOPES = ["", "dense", "dense_1", "block/attention", "bn"]
PATTERNS = ["bias", "^gam", "a$", "kernel", "dense/", "be.a", "^(bias|scale)$"]
SPECIAL = [
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00800000, 0x80800000, 0x0DA24260,
    0x8DA24260, 0x7149F2CA, 0xF149F2CA, 0x5F800000, 0xDF800000, 0x1F800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3F800000,
    0xBF800000,
]
NONFINITE = [0x7F800000, 0xFF800000, 0x7FC00000]


def seed32(rng):
    return rng.getrandbits(32)


def pairwise(rng, factors):
    """Rows of levels in which every pair of levels of two factors appears (greedy, not minimal)."""
    names = list(factors)
    uncovered = {
        ((a, i), (b, j))
        for a, b in itertools.combinations(names, 2)
        for i in range(len(factors[a]))
        for j in range(len(factors[b]))
    }
    rows = []
    while uncovered:
        first, second = rng.choice(sorted(uncovered))
        row = dict([first, second])
        for name in rng.sample(names, len(names)):
            if name in row:
                continue

            def gain(level):
                pairs = (tuple(sorted([(name, level), other], key=lambda f: names.index(f[0]))) for other in row.items())
                return sum(pair in uncovered for pair in pairs)

            best = max(map(gain, range(len(factors[name]))))
            row[name] = rng.choice([level for level in range(len(factors[name])) if gain(level) == best])
        chosen = [(name, row[name]) for name in names]
        uncovered -= set(itertools.combinations(chosen, 2))
        rows.append({name: factors[name][level] for name, level in chosen})
    return rows


# --- schedules --------------------------------------------------------------------------------------------------------


def serialized(class_name, config):
    return {"module": SCHEDULES, "class_name": class_name, "config": config, "registered_name": None}


def draw_schedule(rng, exact=None):
    """A serialized schedule; `exact` limits the draw to those that do, or do not, have the same bits on every machine."""
    rate = rng.choice([0.1, 0.001, 0.5, rng.uniform(0.0, 1.0), 10 ** rng.uniform(-6, 0)])
    steps = rng.choice([1, 3, 7, 10, 37, 100, 1000, rng.randint(1, 5000), round(rng.uniform(0.5, 60.0), 3)])
    kinds = {
        True: ["InverseTimeDecay", "PiecewiseConstantDecay", "LinearDecay"],
        False: ["ExponentialDecay", "PolynomialDecay", "CosineDecay", "CosineDecayRestarts"],
    }
    kind = rng.choice(kinds[rng.random() < 0.5 if exact is None else exact])
    if kind in ("ExponentialDecay", "InverseTimeDecay"):
        return serialized(kind, {
            "initial_learning_rate": rate, "decay_steps": steps, "decay_rate": rng.choice([0.96, 0.5, rng.uniform(0.01, 2.0)]),
            "staircase": rng.random() < 0.5, "name": kind,
        })
    if kind in ("PolynomialDecay", "LinearDecay"):
        return serialized("PolynomialDecay", {
            "initial_learning_rate": rate, "decay_steps": steps, "end_learning_rate": rng.choice([0.0001, 0.0, rng.uniform(0, rate)]),
            "power": 1.0 if kind == "LinearDecay" else rng.choice([0.5, 2.0, 3.0, rng.uniform(0.1, 4.0)]),
            "cycle": rng.random() < 0.5, "name": "PolynomialDecay",
        })
    if kind == "PiecewiseConstantDecay":
        boundaries = sorted(rng.sample(range(0, 60), rng.randint(1, 5)))
        if rng.random() < 0.3:
            boundaries = [boundary + rng.choice([0.0, 0.5, 0.9]) for boundary in boundaries]
        return serialized(kind, {
            "boundaries": boundaries, "values": [rng.uniform(0, 1) for _ in range(len(boundaries) + 1)], "name": "PiecewiseConstant",
        })
    alpha = rng.choice([0.0, 0.1, rng.uniform(0, 1)])
    if kind == "CosineDecay":
        warmup = rng.random() < 0.6
        return serialized(kind, {
            "initial_learning_rate": rng.choice([0.0, rate]) if warmup else rate, "decay_steps": steps, "alpha": alpha, "name": kind,
            "warmup_target": rng.uniform(0, 1) if warmup else None, "warmup_steps": rng.randint(0, 40) if warmup else 0,
        })
    return serialized(kind, {
        "initial_learning_rate": rate, "first_decay_steps": steps, "t_mul": rng.choice([1.0, 2.0, 1.5, rng.uniform(1.01, 3.0)]),
        "m_mul": rng.choice([1.0, 0.8, rng.uniform(0.3, 1.2)]), "alpha": alpha, "name": "SGDRDecay",
    })


def schedule_case(seed, index):
    rng = random.Random(f"{seed}/schedule/{index}")
    drawn = draw_schedule(rng)
    steps = sorted({0, 1, 2, 3, *(rng.randrange(200) for _ in range(60)), *(rng.randrange(20_000_000) for _ in range(10)), 2**31 - 1})
    return {"id": f"schedule-{index}", "class_name": drawn["class_name"], "config": drawn["config"], "steps": steps}


# --- training cases ---------------------------------------------------------------------------------------------------


def draw_gradients(rng, kind):
    if kind in ("uniform", "small", "large", "sparse"):
        scale = {"uniform": 1.0, "small": 1e-3, "large": 1e10, "sparse": 5.0}[kind]
        return {"gen": "sparse" if kind == "sparse" else "uniform", "scale": scale, "seed": seed32(rng)}
    if kind == "const":
        return {"gen": "const", "scale": 1.0, "bias": rng.choice([0.5, 1.5, 2.0]), "seed": seed32(rng)}
    if kind == "self":
        return {"gen": "self", "scale": rng.choice([1.0, 0.5, -0.25]), "seed": seed32(rng)}
    emin, emax = rng.choice([(100, 140), (0, 90), (60, 190), (110, 135), (1, 254)])
    if kind == "wide":
        return {"gen": "wide", "emin": emin, "emax": emax, "seed": seed32(rng)}
    table = SPECIAL + (NONFINITE if rng.random() < 0.3 else [])
    return {"gen": "special", "emin": emin, "emax": emax, "table": table, "rate": rng.randint(1, 6), "seed": seed32(rng)}


def draw_variables(rng, row, large):
    if large:
        shapes = rng.sample(LARGE_SHAPES, 2) + [rng.choice(SHAPES)]
    elif rng.random() < 0.08:
        # More variables than one block of the pairwise sum: global_clipnorm sums their sums.
        shapes = [rng.choice([[], [1], [3]]) for _ in range(rng.choice([9, 17, 140]))]
    else:
        shapes = [rng.choice(SHAPES) for _ in range(rng.randint(1, 6))]
    variables = []
    for shape in shapes:
        name, scope = rng.choice(NAMES), rng.choice(SCOPES)
        variable = {"name": name, "path": f"{scope}/{name}" if scope else name, "shape": shape}
        if row["overwrite"] and rng.random() < 0.3:
            variable["overwrite_with_gradient"] = True
        if row["constraint"] and rng.random() < 0.5:
            variable["constraint"] = "NonNeg"
        variables.append(variable)
    return variables


# Beyond float32 on either side: 0 or infinity once Keras has narrowed them.
BEYOND = {
    "momentum": [1e-50], "epsilon": [1e-50, 1e39], "weight_decay": [1e-50, 1e39], "loss_scale_factor": [1e39, 1e-40, -2.0],
    "clipnorm": [1e-50, 1e39, -1.0], "global_clipnorm": [1e-50, 1e39, -1.0], "clipvalue": [1e39, -1.0],
    "learning_rate": [0.0, -0.01],
}


def draw_config(rng, row, free):
    def setting(name, level, draw):
        """The level of the row; a free draw has now and then a value that no list of levels has."""
        if not free or level in (None, "default") or rng.random() < 0.6:
            return level
        return rng.choice(BEYOND[name]) if name in BEYOND and rng.random() < 0.15 else draw()

    config = {"name": rng.choice(["rmsprop", "optimizer", "rm_sprop_7"])}
    rate = row["learning_rate"]
    if isinstance(rate, str) and rate != "default":
        config["learning_rate"] = draw_schedule(rng, exact=rate == "exact schedule")
    else:
        config["learning_rate"] = setting("learning_rate", rate, lambda: 10 ** rng.uniform(-5, 0))
    # Outside of [0, 1] a velocity can be negative, which `centered` treats as it treats a cancellation.
    low, high = (0, 1) if row["centered"] else (-0.5, 1.5)
    config["rho"] = setting("rho", row["rho"], lambda: rng.uniform(low, high))
    config["momentum"] = setting("momentum", row["momentum"], lambda: rng.uniform(0, 1))
    config["epsilon"] = setting("epsilon", row["epsilon"], lambda: 10 ** rng.uniform(-12, 0))
    config["centered"] = row["centered"]
    config["weight_decay"] = setting("weight_decay", row["weight_decay"], lambda: rng.uniform(-0.1, 0.5))
    if row["clip"]:
        name, limit = row["clip"]
        config[name] = setting(name, limit, lambda: 10 ** rng.uniform(-3, 2))
    if row["ema"] is not None:
        config["use_ema"] = True
        config["ema_momentum"] = setting("ema_momentum", row["ema"], lambda: rng.uniform(0, 1))
        frequency = row["ema_overwrite_frequency"]
        config["ema_overwrite_frequency"] = setting("ema_overwrite_frequency", frequency, lambda: rng.randint(1, 9))
    config["loss_scale_factor"] = setting("loss_scale_factor", row["loss_scale_factor"], lambda: rng.uniform(0.1, 1e4))
    steps = row["gradient_accumulation_steps"]
    config["gradient_accumulation_steps"] = setting("gradient_accumulation_steps", steps, lambda: rng.randint(2, 9))
    # A default is sometimes left out and sometimes written out (null), as both are in a user's configuration.
    return {
        key: value for key, value in config.items() if value != "default" and not (value is None and rng.random() < 0.7)
    }


def draw_null(rng, count, steps):
    """[t, i] pairs; at least one variable keeps its gradient at every step (all null is an error in Keras)."""
    pairs = []
    for t in range(steps):
        if rng.random() < 0.4:
            absent = rng.sample(range(count), rng.randint(0, count - 1))
            pairs += [[t, i] for i in sorted(absent)]
    return pairs


def draw_order(rng, count, steps, null):
    """At some steps `apply` gets an explicit list: a subset of the variables, in another order."""
    absent = {(t, i) for t, i in null}
    order = []
    for t in range(steps):
        if rng.random() < 0.2:
            chosen = rng.sample(range(count), rng.randint(1, count))
            if any((t, i) not in absent for i in chosen):
                order.append([t, chosen])
    return order


def training_case(seed, index, rows):
    rng = random.Random(f"{seed}/training/{index}")
    free = index >= len(rows)
    row = {name: rng.choice(levels) for name, levels in FACTORS.items()} if free else rows[index]
    if row["gradients"] == "self" and row["clip"] and row["centered"]:
        # After a cancellation Keras' NaN would reach every element through the norm: nothing left to compare.
        row = {**row, "gradients": "uniform"}
    large, long = index % 17 == 16, index % 11 == 10
    if long and index % 2 == 0:
        # Constant gradients over hundreds of steps: where rounding makes a denominator of `centered` <= 0.
        row = {**row, "centered": True, "gradients": "const", "rho": 0.5, "epsilon": "default"}
    steps = rng.randint(200, 400) if long and not large else rng.randint(20, 60) if large else rng.randint(4, 40)
    case = {
        "id": f"training-{index}",
        "config": draw_config(rng, row, free),
        "variables": draw_variables(rng, row, large),
        "init": {"gen": "uniform", "seed": seed32(rng), "scale": rng.choice([2.0, 0.05])},
        "grad": draw_gradients(rng, row["gradients"]),
        "steps": steps,
    }
    count = len(case["variables"])
    if row["null"] and count > 1:
        case["grad_none"] = draw_null(rng, count, steps)
    if free and rng.random() < 0.25:
        case["order"] = draw_order(rng, count, steps, case.get("grad_none", []))
    if row["exclude"] == "names":
        case["exclude_from_weight_decay"] = rng.sample(PATTERNS, rng.randint(1, 3))
    elif row["exclude"] == "variables":
        case["exclude_variables"] = sorted(rng.sample(range(count), rng.randint(1, count)))
    if free and not isinstance(case["config"].get("learning_rate"), dict) and rng.random() < 0.2:
        case["set_learning_rate"] = sorted([rng.randrange(steps), 10 ** rng.uniform(-4, 0)] for _ in range(2))
    if steps > 4 and rng.random() < 0.6:
        case["save_at"] = rng.randint(1, steps - 1)
    return case


def loss_scale_case(seed, index):
    rng = random.Random(f"{seed}/loss-scale/{index}")
    row = {name: rng.choice(levels) for name, levels in FACTORS.items()}
    # The outer optimizer takes the factor away (Keras sets it to None), and the trace has no learning rates of its own.
    row = {**row, "loss_scale_factor": None}
    if row["learning_rate"] == "inexact schedule":
        row["learning_rate"] = "exact schedule"
    if row["gradients"] == "self" and row["centered"]:
        row["gradients"] = "uniform"
    steps = rng.randint(10, 60)
    case = {
        "id": f"loss-scale-{index}",
        "config": draw_config(rng, row, True),
        "loss_scale": {
            "initial_scale": rng.choice([2.0**15, 16.0, 1.0, 2.0**-20, 2.0**120, 1e-43, rng.uniform(1, 1000)]),
            "dynamic_growth_steps": rng.choice([0, 1, 2, 3, 5, 2000]),
        },
        "loss_scale_name": rng.choice(["lso", "loss_scale_optimizer"]),
        "variables": draw_variables(rng, row, False),
        "init": {"gen": "uniform", "seed": seed32(rng), "scale": 2.0},
        "grad": draw_gradients(rng, row["gradients"]),
        "steps": steps,
        "times_scale": rng.random() < 0.6,
    }
    count = len(case["variables"])
    if row["null"] and count > 1:
        case["grad_none"] = draw_null(rng, count, steps)
    filled = [i for i, variable in enumerate(case["variables"]) if math.prod(variable["shape"])]
    if filled:
        case["inject"] = []
        for _ in range(rng.randint(0, 4)):
            i = rng.choice(filled)
            size = math.prod(case["variables"][i]["shape"])
            case["inject"].append([rng.randrange(steps), i, rng.randrange(size), rng.choice(NONFINITE)])
    if rng.random() < 0.5:
        case["save_at"] = rng.randint(1, steps - 1)
    return case


def checkpoints_of(case):
    """Where checkpoints are taken: once in the middle, once at the end, as bits unless the arrays are large."""
    size = sum(math.prod(variable["shape"]) for variable in case["variables"])
    encoding = "b64f32" if size < 2000 else "crc32"
    return [[after, encoding] for after in sorted({1, case["steps"] // 2 or 1, case["steps"]})]


def draw_all(seed, count):
    """Three kinds of cases, for `count` training cases."""
    rows = pairwise(random.Random(f"{seed}/pairwise"), FACTORS)
    return {
        "training": [training_case(seed, i, rows) for i in range(count)],
        "loss_scale": [loss_scale_case(seed, i) for i in range(max(1, count // 4))],
        "schedules": [schedule_case(seed, i) for i in range(max(1, count // 2))],
        "pairwise_rows": len(rows),
    }
