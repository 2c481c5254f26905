/**
 * Calls with bad input, and the code of the error that refuses each.
 *
 * Invariants: each is refused before anything is sent or written, whatever state the queue and its store are in.
 */
import type { AnyFleetQ } from '../../../src/index.js';
import { defineStep } from '../../../src/step/definition.js';
import { snowflake, snowflakeDdl } from '../../../src/snowflake.js';
import { sqlite } from '../../../src/sqlite.js';
import { SCHEMA } from './schemas.js';
import type { SimulatedProcess } from './simulated-process.js';

type Call = (queue: AnyFleetQ) => unknown;

const ARGS = { does: 'returns', forMs: 5 };
const run = (): null => null;
const PLAIN = defineStep({ type: 'plain', run: (_args: object) => null });
const STEP = { type: 'plain', args: ARGS };
/** A definition that nobody has made with `defineStep`. */
const made = (fields: object): never => ({ type: 'plain', run, ...fields }) as never;

function register(queue: AnyFleetQ, definition: unknown): unknown {
  return (queue as unknown as { register(definition: unknown): unknown }).register(definition);
}

class Point {
  readonly x = 1;
  toJSON(): never {
    throw new Error('it does not speak');
  }
}

function circle(): object {
  const inner: Record<string, unknown> = {};
  return Object.assign(inner, { list: [{ inner }] });
}

/** Of steps: each without its call. */
const STEPS: readonly (readonly [code: string, step: unknown])[] = [
  ['STEP_INVALID', undefined],
  ['STEP_INVALID', null],
  ['STEP_INVALID', 'plain'],
  ['STEP_INVALID', { args: ARGS }],
  ['STEP_INVALID', { type: '', args: null }],
  ['STEP_INVALID', { ...STEP, typo: 1 }],
  ['STEP_INVALID', { ...STEP, priority: 0.5 }],
  ['STEP_INVALID', { ...STEP, delayMs: -1 }],
  ['STEP_INVALID', { ...STEP, stepId: '' }],
  ['STEP_INVALID', { ...STEP, stepId: 's'.repeat(300) }],
  ['STEP_INVALID', { ...STEP, maxRetries: -1 }],
  ['STEP_INVALID', { ...STEP, metadata: 'none' }],
  ['STEP_INVALID', { ...STEP, runAt: 'tomorrow' }],
  ['STEP_INVALID', { ...STEP, runAt: new Date(Number.NaN) }],
  ['STEP_INVALID', { ...STEP, runAt: 0, delayMs: 1 }],
  ['STEP_INVALID', { ...STEP, idempotencyKey: '' }],
  ['STEP_INVALID', { ...STEP, idempotencyKey: 'k'.repeat(1_025) }],
  ['STEP_INVALID', { ...STEP, idempotencyKey: 7 }],
  ['STEP_INVALID', { ...STEP, idempotencyKey: 'k', stepId: 's' }],
  ['PAYLOAD_UNSERIALIZABLE', { type: 'plain', args: { big: 1n } }],
  ['PAYLOAD_UNSERIALIZABLE', { type: 'plain', args: [1, [Number.NaN]] }],
  ['PAYLOAD_UNSERIALIZABLE', { type: 'plain', args: circle() }],
  ['PAYLOAD_UNSERIALIZABLE', { type: 'plain', args: new Date(0) }],
  ['PAYLOAD_UNSERIALIZABLE', { type: 'plain', args: new Set([1]) }],
  ['PAYLOAD_UNSERIALIZABLE', { type: 'plain', args: new Point() }],
  ['PAYLOAD_UNSERIALIZABLE', { ...STEP, metadata: { call: run } }],
  ['PAYLOAD_TOO_LARGE', { type: 'plain', args: { text: 'x'.repeat(10_000) } }],
];

/** What `submitMany` refuses: two different steps under one id, and what is no list. */
const BATCHES: readonly unknown[] = [
  7,
  'plain',
  [STEP, 7],
  ...[{ type: 'timed' }, { args: {} }, { priority: 1 }, { maxRetries: 9 }, { delayMs: 5 }, { runAt: 5 }].map(
    (other) => [
      { ...STEP, stepId: 'twice' },
      { ...STEP, ...other, stepId: 'twice' },
    ],
  ),
  [
    { ...STEP, idempotencyKey: 'twice' },
    { ...STEP, metadata: {}, idempotencyKey: 'twice' },
  ],
];

const PLACE = { database: 'BOX', schema: 'FLEET' };

/** Options of stores: each is refused where the store is named. */
const STORES: readonly (() => unknown)[] = [
  () => snowflake({ ...PLACE, connection: 7 as never }),
  () => snowflake({ schema: 'FLEET' } as never),
  () => snowflake({ database: 'BOX' } as never),
  () => snowflake({ ...PLACE, sleep: [] as never }),
  () => snowflake({ ...PLACE, sleep: { pollIntervalMs: 1 } }),
  () => snowflake({ ...PLACE, staleReadMs: 5_000, sleep: { quietForMs: 5_000 } }),
  () => snowflake({ ...PLACE, tablePrefix: 'x'.repeat(300) }),
  () => snowflakeDdl({ ...PLACE } as never),
  () => snowflakeDdl({ ...PLACE, role: 'PODS', warehouse: '' }),
  () => sqlite({ path: 7 as never }),
  () => sqlite({ workerUrl: 'no URL' }),
  () => sqlite({ workerUrl: 7 as never }),
];

/** Options that are good: each is followed by one that is not. */
function wellNamed(): unknown {
  snowflake({ ...PLACE, connection: () => ({ account: 'modelled' }), sleep: true });
  snowflake({ ...PLACE, sleep: false, tablePrefix: 'MY_', statementTimeoutMs: 1_000, statementSlots: 2 });
  snowflake({ ...PLACE, sleep: { quietForMs: 60_000 }, staleReadMs: 0 });
  snowflakeDdl({ ...PLACE, role: 'PODS', warehouse: 'SMALL' });
  snowflakeDdl({ ...PLACE, role: 'PODS' });
  for (const workerUrl of ['file:///worker.js', new URL('file:///worker.js')]) sqlite({ workerUrl });
  return snowflake({ ...PLACE, typo: 1 } as never);
}

const NO_SCHEMA = { '~standard': {} };

const OTHERS: readonly (readonly [code: string, call: Call])[] = [
  ['STEP_INVALID', (queue) => queue.submit(STEP as never, 7 as never)],
  ['STEP_INVALID', (queue) => queue.submitMany([STEP] as never, [] as never)],
  ['STEP_INVALID', (queue) => queue.submit(PLAIN, ARGS, { typo: 1 } as never)],
  ['STEP_INVALID', (queue) => queue.submitMany(PLAIN, 7 as never)],
  ['STEP_INVALID', (queue) => queue.submitMany(PLAIN, [ARGS], { stepId: 'one' } as never)],
  ['STEP_INVALID', (queue) => queue.submitMany(PLAIN, [ARGS], { idempotencyKey: 'one' } as never)],
  ['STEP_INVALID', (queue) => queue.submitMany(PLAIN, [ARGS], () => ({ priority: 'high' }) as never)],
  ['STEP_INVALID', (queue) => queue.submit(made({ args: SCHEMA }), { odd: 4 } as never)],
  ['STEP_INVALID', (queue) => queue.submitMany(made({ args: SCHEMA }), [{ odd: 10 }, ARGS] as never)],
  ['STEP_TYPE_INVALID', (queue) => queue.submit(made({ type: undefined }), ARGS as never)],
  ['STEP_TYPE_INVALID', (queue) => queue.submit(made({ args: 7 }), ARGS as never)],
  ['STEP_TYPE_INVALID', (queue) => queue.submit(made({ args: NO_SCHEMA }), ARGS as never)],
  ['STEP_TYPE_INVALID', (queue) => queue.submit(made({ args: null }), ARGS as never)],
  ['STEP_TYPE_INVALID', (queue) => queue.submit(made({ retry: { factor: 1_000 } }), ARGS as never)],
  ['STEP_TYPE_INVALID', (queue) => queue.submit(made({ retry: { factor: 'two' } }), ARGS as never)],
  ['STEP_TYPE_INVALID', (queue) => queue.submit(made({ concurrency: 0 }), ARGS as never)],
  ['STEP_INVALID', (queue) => queue.cancel('')],
  ['STEP_INVALID', (queue) => queue.retry(7 as never)],
  ['STEP_INVALID', (queue) => queue.getStep(undefined as never)],
  ['STEP_INVALID', (queue) => queue.waitFor('')],
  ['OPTION_INVALID', (queue) => queue.waitFor('s0000', { timeoutMs: Number.NaN })],
  ['OPTION_INVALID', (queue) => queue.waitFor('s0000', { signal: 7 as never })],
  ['OPTION_INVALID', (queue) => queue.waitFor('s0000', { signal: {} as never })],
  ['OPTION_INVALID', (queue) => queue.waitFor('s0000', { signal: null as never })],
  ['OPTION_INVALID', (queue) => queue.listSteps({ status: 'faild' as never }).page()],
  ['OPTION_INVALID', (queue) => queue.listSteps({ status: [7] as never }).page()],
  ['OPTION_INVALID', (queue) => queue.listSteps({ status: ['failed', 'no status at all'] as never }).page()],
  ['OPTION_INVALID', (queue) => queue.listSteps({ status: [] }).page()],
  ['OPTION_INVALID', (queue) => queue.listSteps({ type: [] }).page()],
  ['OPTION_INVALID', (queue) => queue.listSteps({ createdAfter: 2, createdBefore: new Date(1) }).page()],
  ['OPTION_INVALID', (queue) => queue.listSteps({ pageSize: 0 }).page()],
  ['OPTION_INVALID', (queue) => queue.on('step:unknown' as never, run)],
];

const CALLS: readonly (readonly [code: string, call: Call])[] = [
  ...STEPS.map(([code, step]) => [code, (queue: AnyFleetQ) => queue.submit(step as never)] as const),
  ...STEPS.slice(-9).map(
    ([code, step]) => [code, (queue: AnyFleetQ) => queue.submitMany([STEP, step as never])] as const,
  ),
  ...BATCHES.map((steps) => ['STEP_INVALID', (queue: AnyFleetQ) => queue.submitMany(steps as never)] as const),
  ...OTHERS,
  ...[...STORES, wellNamed].map((call) => ['OPTION_INVALID', call] as const),
  ['STEP_TYPE_INVALID', (queue) => register(queue, { type: 'odd' })],
];

/** How many of them one action makes. */
const AT_ONCE = 12;

/** Makes some of the calls, those from a number of the plan on. */
export async function misuse(caller: SimulatedProcess, from: number): Promise<void> {
  for (let i = 0; i < AT_ONCE; i++) {
    const [code, call] = CALLS[(from + i) % CALLS.length]!;
    await caller.call('misuse', async (queue) => call(queue), { expects: code });
  }
  if (caller.plan !== undefined)
    await caller.call('misuse', async (queue) => register(queue, PLAIN), { expects: 'REGISTER_LATE' });
  if (!caller.refusesUnknown) return;
  await caller.call('misuse', async (queue) => register(queue, PLAIN), { expects: 'STEP_TYPE_DUPLICATE' });
  for (const type of ['palin', 'of no kind'])
    await caller.call('misuse', (queue) => queue.submit({ type, args: ARGS }), { expects: 'STEP_TYPE_UNKNOWN' });
}
