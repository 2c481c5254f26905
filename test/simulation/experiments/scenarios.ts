/** The experiments: sizes of a fleet, loads, both readings, beside the naive scheme. */
import type { Load, Scenario } from './scenario.js';

const BASE = { slots: 10, stepMs: 1_000, reading: 'a', scheme: 'fleet-q', seed: 1 } as const;

/** The larger a fleet, the longer its exchanges, and the longer until it runs steadily. */
function steady(pods: number): Pick<Scenario, 'warmUpMs' | 'measureMs'> {
  return { warmUpMs: pods >= 1_000 ? 240_000 : pods >= 300 ? 120_000 : 90_000, measureMs: 120_000 };
}

const saturated: readonly Scenario[] = [10, 50, 100, 300, 1_000].flatMap((pods): Scenario[] => {
  const common = { ...BASE, pods, maxPrefetch: 2_000, load: { kind: 'saturated' }, ...steady(pods) } as const;
  return [
    { ...common, name: 'saturated' },
    { ...common, name: 'saturated', reading: 'b' },
    { ...common, name: 'saturated', scheme: 'naive' },
  ];
});

const shares: readonly Scenario[] = [0.1, 0.5, 0.8].flatMap((of): Scenario[] => {
  const load: Load = { kind: 'share', of };
  const common = { ...BASE, pods: 100, load, ...steady(100), name: `${of * 100} % load` } as const;
  return [common, { ...common, scheme: 'naive' }];
});

const others: readonly Scenario[] = [
  {
    ...{ ...BASE, pods: 100, name: 'burst of 10,000 to idle pods', load: { kind: 'burst', steps: 10_000 } },
    ...{ warmUpMs: 60_000, measureMs: 600_000 },
  },
  {
    ...{ ...BASE, pods: 100, name: 'burst of 10,000 to idle pods', load: { kind: 'burst', steps: 10_000 } },
    ...{ warmUpMs: 60_000, measureMs: 900_000, scheme: 'naive' },
  },
  { ...BASE, pods: 100, name: 'a lone step', load: { kind: 'lone' }, warmUpMs: 60_000, measureMs: 120_000 },
  {
    ...{ ...BASE, pods: 100, name: 'a lone step', load: { kind: 'lone' }, scheme: 'naive' },
    ...{ warmUpMs: 60_000, measureMs: 120_000 },
  },
  {
    ...{ ...BASE, pods: 100, name: 'steps of 60 s, saturated', stepMs: 60_000, load: { kind: 'saturated' } },
    ...{ warmUpMs: 180_000, measureMs: 360_000 },
  },
  {
    ...{ ...BASE, pods: 100, name: 'heads die every 10 s, saturated', load: { kind: 'saturated' } },
    ...{ headsDieEveryMs: 10_000, ...steady(100) },
  },
  {
    ...{ ...BASE, pods: 100, name: 'urgent steps beside a backlog', maxPrefetch: 2_000, ...steady(100) },
    ...{ load: { kind: 'urgent', steps: 5, everyMs: 2_000 } },
  },
  {
    ...{ ...BASE, pods: 1_000, busyPods: 10, name: 'ten busy pods among 1,000 awake' },
    ...{ load: { kind: 'share', of: 0.8 }, ...steady(1_000) },
  },
];

export const SCENARIOS: readonly Scenario[] = [...saturated, ...shares, ...others];
