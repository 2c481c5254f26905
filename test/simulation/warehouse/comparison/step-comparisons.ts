/** The statements of steps, compared with their models. */
import type { Random } from '../../../chaos/random.js';
import type { StepRow } from '../tables.js';
import type { Comparison } from './comparison.js';
import { about, maybe, past, podOf, INCARNATIONS, some, STATUSES, STEP_IDS, TOKENS, TYPES } from './random-values.js';
import type { State } from './state.js';

const IDS: readonly string[] = [...STEP_IDS, 'step-new-1', 'step-new-2', 'step-new-3', 'step-new-4'];

const ids = (random: Random): readonly string[] => some(random, IDS, 30);

/** Steps with the version that one of their rows has, or another. */
function atVersion(random: Random, { steps, archive }: State): readonly object[] {
  return some(random, [...steps, ...archive], 30).map(({ step_id, version }) => ({
    id: random.chance(0.1) ? random.pick(IDS) : step_id,
    version: random.chance(0.85) ? version : version + random.pick([-1, 1]),
  }));
}

/** The stored payload without its carrier, or another. */
function payloadLike(random: Random, row: StepRow | undefined): string {
  const stored = row?.payload_text ?? '{"type":"mail"}';
  const whole = stored.replace(/,"trace":\{.*$/, '}');
  return random.pick([whole, whole, stored, '{"type":"mail","args":{}}', whole.slice(0, -2)]);
}

function newStep(random: Random, now: number): object {
  const type = random.pick(TYPES);
  const runAtMs = random.pick([
    about(random, now),
    253_402_300_798_999,
    253_402_300_799_000,
    253_402_300_799_001,
    9e15,
  ]);
  return {
    id: random.pick(IDS),
    type,
    payload: random.chance(0.9) ? JSON.stringify({ type, args: { n: 1 } }) : '{"not json',
    priority: random.between(-2, 2),
    maxRetries: random.between(0, 3),
    ...(random.chance(0.5) ? { runAtMs } : { delayMs: random.pick([0, 1, 3_600_000]) }),
  };
}

function filter(random: Random, { steps }: State, now: number): object {
  const after = steps.length > 0 && random.chance(0.4) ? random.pick(steps) : undefined;
  return {
    ...(random.chance(0.3) && { statuses: some(random, STATUSES, 2) }),
    ...(random.chance(0.3) && { types: some(random, TYPES, 2) }),
    ...(random.chance(0.2) && { claimedBy: podOf(random.pick(INCARNATIONS)) }),
    ...(random.chance(0.2) && { createdFrom: past(random, now) }),
    ...(random.chance(0.2) && { createdBefore: past(random, now) }),
    ...(after && { afterMs: after.created_ts, afterId: after.step_id }),
  };
}

const limit = (random: Random): number => random.pick([1, 3, 10, 101]);

export const STEP_COMPARISONS = {
  submit: {
    textOf: ({ steps }) => steps.submit,
    makeBind: (random, _, now) => ({
      token: random.pick(TOKENS),
      steps: Array.from({ length: random.between(1, 15) }, () => newStep(random, now)),
    }),
  },
  submitted: {
    textOf: ({ steps }) => steps.submitted,
    makeBind: (random, { steps, archive }) => ({
      token: random.pick(TOKENS),
      steps: some(random, [...steps, ...archive, undefined], 30).map((row) => ({
        id: row?.step_id ?? random.pick(IDS),
        payload: payloadLike(random, row),
      })),
    }),
  },
  find: { textOf: ({ steps }) => steps.find, makeBind: ids },
  states: { textOf: ({ steps }) => steps.states, makeBind: ids },
  cancelled: { textOf: ({ steps }) => steps.cancelled, makeBind: ids },
  listOldest: {
    textOf: ({ steps }, random) => steps.list('oldest', limit(random)),
    makeBind: filter,
    isOrdered: true,
  },
  listNewest: {
    textOf: ({ steps }, random) => steps.list('newest', limit(random)),
    makeBind: filter,
    isOrdered: true,
  },
  stats: { textOf: ({ steps }) => steps.stats },
  cancel: {
    textOf: ({ steps }) => steps.cancel,
    makeBind: (random, state) => ({
      ...(random.chance(0.95) && { token: maybe(random, 'canceller', 0) }),
      steps: atVersion(random, state),
    }),
  },
  retry: {
    textOf: ({ steps }) => steps.retry,
    makeBind: (random, state) => ({ ...(random.chance(0.5) && { each: 1 }), steps: atVersion(random, state) }),
  },
  restore: { textOf: ({ steps }) => steps.restore, makeBind: (random, state) => ({ steps: atVersion(random, state) }) },
  refresh: { textOf: ({ steps }) => steps.refresh, makeBind: ids },
} as const satisfies Readonly<Record<string, Comparison>>;
