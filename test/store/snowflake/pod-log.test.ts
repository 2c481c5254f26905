/** The signs of life that a pod appends, and what it derives from the answers. The test plays the session. */
import { describe, expect, test } from 'vitest';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { PodStatements } from '../../../src/store/snowflake/pods/statements.js';
import { LoggedSigns } from '../../../src/store/snowflake/pods/logged-signs.js';
import { PodLog } from '../../../src/store/snowflake/pods/pod-log.js';
import { SchemaVersionGuard } from '../../../src/store/snowflake/schema-version-guard.js';
import { SignOfLifeSequence } from '../../../src/store/snowflake/pods/sign-of-life-sequence.js';
import type { Row, StatementRunner } from '../../../src/store/snowflake/session/session-interface.js';
import type { Fence, PodRef } from '../../../src/store/contract.js';

const POD = { podId: 'pod', incarnation: 'life' };
const BEAT = { eligible: true, asleep: false, meta: {} };
const STATEMENTS = new Proxy({} as PodStatements, {
  get: (_, name) => (name === 'orphans' ? (limit: number) => `orphans ${limit}` : name),
});

/** @param view the reply to a heartbeat @param tookMs how long the reply takes */
function signing(view: Row[] = [], tookMs = 0, staleReadMs = 0) {
  const runtime = new VirtualRuntime({ wallMs: 1_000_000 });
  const sent: { readonly statement: string; readonly bind: any }[] = [];
  let wallMs = 1_000_000;
  /** What comes before an answer; it may throw. */
  let answers: (statement: string) => Promise<void> | void = () => undefined;
  const session: StatementRunner = {
    run: async (statement, bind) => {
      sent.push({ statement, bind: bind === undefined ? undefined : JSON.parse(bind) });
      await answers(statement);
      if (statement === 'view') wallMs += tookMs;
      if (statement === 'view') return view;
      return statement === 'evicted' ? [{ POD_NAME: 'b', ITS_INCARNATION: 'b' }] : [];
    },
  };
  const schema = new SchemaVersionGuard({
    runtime,
    session,
    statement: 'schema',
    version: 2,
    staleReadMs,
    place: 'here',
  });
  const returned: { readonly pod: PodRef; readonly claims: readonly Fence[] }[] = [];
  const signs = new LoggedSigns(runtime);
  const counted: number[] = [];
  const pods = new PodLog({
    ...{ statements: STATEMENTS, session, rest: session, schema, staleReadMs },
    wallMs: () => wallMs,
    giveBack: (pod, claims) => void returned.push({ pod, claims }),
    sequence: new SignOfLifeSequence(runtime),
    signs,
    pacer: { counted: (pods) => void counted.push(pods) },
  });
  const answering = (before: typeof answers) => void (answers = before);
  return { pods, sent, schema, returned, signs, runtime, counted, answering };
}

test('numbers each sign above all before it, also within one ms, and says what the pod is', async () => {
  const { pods, sent } = signing();
  await pods.register({ ...POD, heartbeatMs: 30_000.5, deadAfterMs: 180_000.5, meta: {} });
  await pods.heartbeat(POD, BEAT);
  await pods.heartbeat(POD, { ...BEAT, eligible: false, asleep: true });
  await pods.leave(POD);
  const signs = sent.filter(({ statement }) => statement === 'sign').map(({ bind }) => bind as Record<string, unknown>);
  const from = signs[0]!['seq'] as number;
  expect(from).toBe(1_000_000); // another handle of the same pod goes on above it
  expect(signs).toMatchObject([
    { ...{ event: 'registered', seq: from, heartbeatMs: 30_001, deadAfterMs: 180_001, eligible: 1 } },
    { event: 'heartbeat', seq: from + 1, eligible: 1 },
    { event: 'asleep', seq: from + 2, eligible: 0 },
    { event: 'left', seq: from + 3 },
  ]);
  for (const sign of signs) expect(sign).toMatchObject({ pod: 'pod', incarnation: 'life' });
});

describe('a heartbeat soon after a logged request', () => {
  const beating = async () => {
    const play = signing();
    await play.pods.register({ ...POD, heartbeatMs: 30_000, deadAfterMs: 180_000, meta: { types: TYPES } });
    await play.pods.heartbeat(POD, said());
    play.sent.splice(0);
    return { ...play, names: () => play.sent.splice(0).map(({ statement }) => statement) };
  };
  const TYPES = ['a'];
  const said = (running = 0, types = TYPES) => ({ ...BEAT, meta: { types, running } });

  test('is not written, three times at most, and always read', async () => {
    const { pods, signs, runtime, names } = await beating();
    signs.logged('life', runtime.monotonicMs());
    for (let i = 1; i <= 3; i++) await pods.heartbeat(POD, said(i));
    expect(names()).toEqual(['view', 'view', 'view']);
    await pods.heartbeat(POD, said());
    expect(names()).toEqual(['sign', 'view']);
    await pods.heartbeat(POD, said());
    expect(names()).toEqual(['view']);
  });

  test('is written if it says something else', async () => {
    for (const beat of [
      { ...said(), eligible: false },
      { ...said(), asleep: true },
      { ...said(), deadAfterMs: 300_000 },
      said(0, ['a', 'b']),
    ]) {
      const { pods, signs, runtime, names } = await beating();
      signs.logged('life', runtime.monotonicMs());
      await pods.heartbeat(POD, beat);
      expect(names(), JSON.stringify(beat)).toEqual(['sign', 'view']);
    }
  });

  test('is written after an announcement of sleep whose answer was lost, which the log may have', async () => {
    const { pods, signs, runtime, names, answering } = await beating();
    signs.logged('life', runtime.monotonicMs());
    answering((statement) => {
      if (statement === 'sign') throw new Error('the answer is lost');
    });
    await expect(pods.heartbeat(POD, { ...said(), asleep: true })).rejects.toThrow('lost');
    expect(names()).toEqual(['sign']);
    answering(() => undefined);
    await pods.heartbeat(POD, said());
    expect(names()).toEqual(['sign', 'view']);
    await pods.heartbeat(POD, said());
    expect(names()).toEqual(['view']);
  });

  test('is written as the pod wakes while the announcement of its sleep is on its way, whichever is answered last', async () => {
    const { pods, sent, signs, runtime, answering } = await beating();
    signs.logged('life', runtime.monotonicMs());
    let arrive = (): void => undefined;
    answering((statement) => (statement === 'sign' ? new Promise<void>((resolve) => (arrive = resolve)) : undefined));
    const asleep = pods.heartbeat(POD, { ...said(), asleep: true });
    const late = arrive;
    answering(() => undefined);
    await pods.heartbeat(POD, said());
    late();
    await asleep;
    const signsSent = sent
      .filter(({ statement }) => statement === 'sign')
      .map(({ bind }) => bind as { event: string; seq: number });
    expect(signsSent.map(({ event }) => event)).toEqual(['asleep', 'heartbeat']);
    expect(signsSent[1]!.seq).toBeGreaterThan(signsSent[0]!.seq); // the highest number says what the pod is
    // The log ends with a pod that is awake, and so does what this process knows of it.
    sent.splice(0);
    await pods.heartbeat(POD, said());
    expect(sent.map(({ statement }) => statement)).toEqual(['view']);
  });

  test('is written if the request is nearly as old as the last heartbeat, or of another incarnation', async () => {
    const { pods, signs, runtime, names } = await beating();
    signs.logged('another life', runtime.monotonicMs());
    await pods.heartbeat(POD, said());
    expect(names()).toEqual(['sign', 'view']);
    signs.logged('life', runtime.monotonicMs());
    await runtime.advance(26_000);
    await pods.heartbeat(POD, said());
    expect(names()).toEqual(['view']);
    await runtime.advance(2_000);
    await pods.heartbeat(POD, said());
    expect(names()).toEqual(['sign', 'view']);
  });

  test('says how old the request is that stands for it, because its peers count from there', async () => {
    const { pods, signs, runtime } = await beating();
    expect(await pods.heartbeat(POD, said())).not.toHaveProperty('signAgoMs');
    signs.logged('life', runtime.monotonicMs());
    await runtime.advance(20_000);
    expect(await pods.heartbeat(POD, said())).toMatchObject({ signAgoMs: 20_000 });
  });

  test('is written if dead-after leaves no time for two more heartbeats, also after late reads', async () => {
    for (const [deadAfterMs, staleReadMs, spared] of [
      [90_000, 0, false],
      [100_000, 10_000, false],
      [120_000, 0, true],
      [130_000, 10_000, true],
    ] as const) {
      const { pods, signs, runtime, sent } = signing([], 0, staleReadMs);
      await pods.register({ ...POD, heartbeatMs: 30_000, deadAfterMs, meta: { types: TYPES } });
      await pods.heartbeat(POD, said());
      signs.logged('life', runtime.monotonicMs());
      await runtime.advance(1_000);
      sent.splice(0);
      await pods.heartbeat(POD, said());
      expect(sent.map(({ statement }) => statement)).toEqual(spared ? ['view'] : ['sign', 'view']);
    }
  });
});

test('tells the pacer how many pods are live', async () => {
  const pod = (incarnation: string, sleeps: number, silentMs: number): Row => ({
    ...{ KIND: 'pod', POD_NAME: incarnation, ITS_INCARNATION: incarnation, AGE_MS: 1, SILENT_MS: silentMs },
    ...{ NEWEST_BEAT: 1, BEATS_EVERY_MS: 10, DEAD_MS: 100, MAY_LEAD: 1, SLEEPS: sleeps, SAYS: '{}', SAID_FIRST: '{}' },
  });
  const { pods, counted } = signing([pod('a', 0, 1), pod('b', 1, 1), pod('c', 0, 101), pod('d', 0, 1)]);
  await pods.heartbeat(POD, BEAT);
  expect(counted).toEqual([2]);
});

test('lists the oldest pod first, and pods of one age by incarnation', async () => {
  const pod = (incarnation: string, ageMs: number): Row => ({
    ...{ KIND: 'pod', POD_NAME: incarnation, ITS_INCARNATION: incarnation, AGE_MS: ageMs, SILENT_MS: 0 },
    ...{ NEWEST_BEAT: 1, BEATS_EVERY_MS: 1, DEAD_MS: 1, MAY_LEAD: 1, SLEEPS: 0, SAYS: '{}', SAID_FIRST: '{}' },
  });
  const { pods } = signing([pod('c', 5), pod('b', 9), pod('a', 5)]);
  const view = await pods.heartbeat(POD, BEAT);
  expect(view.pods.map(({ pod: { incarnation } }) => incarnation)).toEqual(['b', 'a', 'c']);
});

test.each([
  ['within the way there and back', 1_000_050, 0],
  ['later than the answer: we are behind', 1_000_400, -300],
  ['earlier than the question: we are ahead', 999_800, 200],
])('a server instant %s', async (_, serverMs, aheadMs) => {
  const { pods } = signing([{ KIND: 'clock', SEEN: serverMs }], 100);
  expect((await pods.heartbeat(POD, BEAT)).wallAheadMs).toBe(aheadMs);
});

test('passes the schema version of a heartbeat to the guard', async () => {
  const { pods, schema, sent } = signing([{ KIND: 'schema', SEEN: 3 }]);
  expect((await pods.heartbeat(POD, BEAT)).outdated).toBe(true);
  await expect(schema.check()).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER' });
  expect(sent.some(({ statement }) => statement === 'schema')).toBe(false);
  expect((await signing([{ KIND: 'schema', SEEN: 2 }]).pods.heartbeat(POD, BEAT)).outdated).toBe(false);
});

test('answers an eviction only for pods that the log shows as evicted', async () => {
  const { pods, sent } = signing();
  const [a, b] = ['a', 'b'].map((name) => ({ podId: name, incarnation: name }));
  expect(await pods.evict([a!, b!])).toEqual([b]);
  expect(await pods.evict([])).toEqual([]);
  expect(sent.map(({ statement }) => statement)).toEqual(['evict', 'evicted']);
});

test.each([
  [0, 60_000],
  [10_000, 60_000],
  [60_000, 120_000],
])('with staleReadMs %i, the holder of a claim is missed only once the claim is %i ms old', async (late, ms) => {
  const { pods, sent } = signing([], 0, late);
  await pods.orphans(10);
  expect(sent).toEqual([{ statement: 'orphans 10', bind: { unseenMs: ms } }]);
});

test('leaves void claims out, and gives one back that two heartbeats in a row show', async () => {
  const row = (kind: string, stepId: string): Row => ({ KIND: kind, ID: stepId, GUARD: 'token', SEEN: 1 });
  const view = [row('held', 'a'), row('void', 'b')];
  const { pods, returned } = signing(view);
  expect((await pods.heartbeat(POD, BEAT)).claims).toEqual([{ stepId: 'a', claimToken: 'token', version: 1 }]);
  expect(returned).toEqual([]);
  view.push(row('void', 'c'));
  await pods.heartbeat(POD, BEAT);
  expect(returned).toEqual([{ pod: POD, claims: [{ stepId: 'b', claimToken: 'token', version: 1 }] }]);
});
