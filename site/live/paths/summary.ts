// What the map shows, as a sentence: for screen readers, and for everyone below it.

import { short } from "../parts/format.js";
import { looks } from "../parts/looks.js";
import type { Experiment } from "./experiment.js";
import type { OptimizerId } from "./settings.js";

export function summary(experiment: Experiment): string {
  const { surface, settings, step, shown } = experiment;
  const where = `${surface.name}, start (${settings.start.map(short).join(", ")}).`;
  if (shown.length === 0) return `${where} Choose an optimizer.`;
  return `${where} After ${step} of ${settings.steps} steps: ${shown.map((id) => clause(experiment, id)).join("; ")}.`;
}

function clause(experiment: Experiment, id: OptimizerId): string {
  const { kind, since } = experiment.statusOf(id);
  const { name } = looks[id];
  const gap = `${short(experiment.runOf(id).gaps[experiment.step]!)} above the minimum`;
  switch (kind) {
    case "nan":
      return `${name}: NaN since step ${since}`;
    case "out":
      return `${name}: out of the picture since step ${since}`;
    case "arrived":
      return `${name}: ${gap}, arrived at step ${since}`;
    case "underway":
      return `${name}: ${gap}, not there yet`;
  }
}
