// The model of rejoining keeps its promises in every history within these limits, and breaks one as soon as a check is left out.
import { expect, it } from "vitest";
import { type Check, explore, type Limits } from "./explore.js";

const limits: Limits = { log: 4, units: 2, cuts: 1, bites: 0, kills: true, states: 150_000 };
const bitten = { ...limits, cuts: 0, bites: 1, log: 7 };

it.each([
  ["a log that is cut", limits],
  ["a log that is bitten", bitten],
])("%s", { timeout: 600_000 }, (_, within) => {
  const { broken, steps, states } = explore(within);
  expect({ broken, steps }).toEqual({ broken: undefined, steps: [] });
  expect(states).toBeGreaterThan(100_000);
});

it.each<[Check, number, Limits]>([
  ["the position is asked for", 5, limits],
  ["records name a position", 8, limits],
  ["announcements can be void", 7, limits],
  ["asked again behind the own announcement", 6, limits],
  ["behind the last known announcement", 18, { ...bitten, kills: false, states: 3_000_000 }],
])("without %s, a history of %i steps breaks a promise", { timeout: 600_000 }, (without, length, within) => {
  const { broken, steps } = explore(within, without);
  expect(broken).toBeDefined();
  expect(steps).toHaveLength(length);
});
