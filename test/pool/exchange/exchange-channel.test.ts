/** Exchanges with a store that fails, refuses or hangs. */
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/errors.js';
import { Events } from '../../../src/events.js';
import { createLog } from '../../../src/log.js';
import { ExchangeChannel } from '../../../src/pool/exchange/exchange-channel.js';
import type { ClaimPlan } from '../../../src/pool/planning/claim-planner.js';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { HeldClaim, type EndedHeldClaim } from '../../../src/pool/claims/held-claim.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { DEFAULT_RETRY } from '../../../src/step/retry.js';
import { isAlone } from '../../../src/step/crash-suspect.js';
import type { ExchangeReply, ExchangeRequest } from '../../../src/store/contract.js';
import { Announcer } from '../../../src/settlement/announcer.js';
import { Settler } from '../../../src/settlement/settler.js';
import { claimOf, gate, NEXT_LIFE, POD } from '../support/rig.js';

const down = new StoreError('STORE_UNAVAILABLE', 'down', true);
const handler = new TypeHandler({ type: 'it', schema: undefined, run: () => 1 });
const WANTED: ClaimPlan = { free: 2, prefetch: 1, quarantine: 1, types: new Map([['it', Infinity]]), alone: false };

let runtime: VirtualRuntime;
let requests: ExchangeRequest[];
/** What the store makes of a request. */
let answer: (request: ExchangeRequest) => ExchangeReply | Promise<ExchangeReply>;
let events: Events;
let channel: ExchangeChannel;
let made: (staleReadMs: number) => ExchangeChannel;
beforeEach(() => {
  runtime = new VirtualRuntime();
  requests = [];
  answer = replyTo;
  const log = createLog('pool');
  const rules = { retry: DEFAULT_RETRY, maxCrashes: 3 };
  const wallMs = (): number => runtime.wallMs();
  events = new Events(log);
  const announcer = new Announcer({ events, log, podId: POD.podId, wallMs });
  const settler = new Settler({ announcer, log, random: () => runtime.random(), rulesFor: () => rules });
  const exchange = async (request: ExchangeRequest) => {
    requests.push(request);
    return answer(request);
  };
  made = (staleReadMs) => new ExchangeChannel({ store: { exchange, staleReadMs }, runtime, settler, events, log });
  channel = made(0);
});

function replyTo({ settlements }: ExchangeRequest): ExchangeReply {
  const receipts = settlements.map(() => 'settled' as const);
  return { receipts, claims: [], nextDueInMs: null, pace: { waitMs: 0, batch: 250 } };
}

function ended(stepId: string): EndedHeldClaim {
  const held: HeldClaim = new HeldClaim(claimOf(stepId, 'it'), POD, handler, 0);
  held.end({ kind: 'failed', retry: 'policy', error: { name: 'Error', message: 'x' } });
  return held;
}

describe('an unanswered claim', () => {
  beforeEach(async () => {
    answer = () => Promise.reject(down);
    expect(await channel.exchange(POD, [], { ...WANTED, alone: true })).toBeUndefined();
    answer = replyTo;
  });

  test('is read back by its token, and nothing else is claimed meanwhile', async () => {
    const { token } = requests[0]!.claim!;
    expect(channel.openTokens).toEqual([token]);
    expect([channel.unanswered(POD), channel.idle(POD), channel.claimsAlone]).toEqual([true, false, true]);
    expect(await channel.exchange(POD, [], WANTED)).toMatchObject({ asked: 0 });
    expect([requests[1]!.readBack, requests[1]!.claim]).toEqual([token, undefined]);
    expect([channel.unanswered(POD), channel.idle(POD), channel.claimsAlone]).toEqual([false, true, false]);
    expect(channel.openTokens).toEqual([]);
    expect(await channel.exchange(POD, [], WANTED)).toMatchObject({ asked: 3 });
    expect(requests[2]!.claim!.token).not.toBe(token);
  });

  test('does not concern a later incarnation', async () => {
    expect([channel.unanswered(NEXT_LIFE), channel.idle(NEXT_LIFE)]).toEqual([false, true]);
    await channel.exchange(NEXT_LIFE, [], WANTED);
    expect(requests[1]).not.toHaveProperty('readBack');
    expect(requests[1]!.claim).toBeDefined();
  });
});

describe('an unanswered claim that a late read may have missed', () => {
  const STALE = 10_000;
  let token: string;
  beforeEach(async () => {
    channel = made(STALE);
    answer = () => Promise.reject(down);
    await channel.exchange(POD, [], WANTED);
    token = requests[0]!.claim!.token;
    answer = replyTo;
    await channel.exchange(POD, [], WANTED);
    requests = [];
  });
  const later = (ms: number): Promise<void> => runtime.advance(ms);
  const asked = async (pod = POD): Promise<string> => {
    await channel.exchange(pod, [], WANTED);
    return requests.pop()!.readBack === token ? 'read back' : 'claims';
  };

  test('stays open, while others are claimed under a fresh token', async () => {
    expect(channel.openTokens).toEqual([token]);
    expect([channel.unanswered(POD), channel.idle(POD), channel.claimsAlone]).toEqual([false, true, false]);
    expect(await asked()).toBe('claims');
    expect(channel.openTokens).toEqual([token]);
  });

  test('is read back again, less and less often, until no late read can explain its absence', async () => {
    const reads: number[] = [];
    const from = runtime.monotonicMs();
    for (let dueInMs; (dueInMs = channel.readBackInMs(POD, runtime.monotonicMs())) < Infinity;) {
      expect(await asked()).toBe('claims');
      await later(dueInMs);
      expect(await asked()).toBe('read back');
      reads.push(runtime.monotonicMs() - from);
    }
    expect(reads).toEqual([500, 1_000, 2_000, 4_000, 8_000, STALE]);
    expect(channel.openTokens).toEqual([]);
  });

  test('is returned as soon as a read shows it, and not read back again', async () => {
    await later(500);
    answer = (request) => ({ ...replyTo(request), claims: [claimOf('s1', 'it', { claimToken: token })] });
    expect(await channel.exchange(POD, [], WANTED)).toMatchObject({ asked: 0, claims: [{ stepId: 's1' }] });
    expect([channel.openTokens, channel.readBackInMs(POD, Infinity)]).toEqual([[], Infinity]);
  });

  test('is read back before the next claim if that reply does not come either', async () => {
    await later(500);
    answer = () => Promise.reject(down);
    expect(await asked()).toBe('read back');
    expect(channel.unanswered(POD)).toBe(true);
    answer = replyTo;
    expect(await asked()).toBe('read back');
    expect([channel.unanswered(POD), channel.openTokens]).toEqual([false, [token]]);
  });

  test('does not concern a later incarnation', async () => {
    await later(STALE);
    expect(channel.readBackInMs(NEXT_LIFE, runtime.monotonicMs())).toBe(Infinity);
    expect(await asked(NEXT_LIFE)).toBe('claims');
  });
});

test('a token in flight is open, and says whether its pod was empty', async () => {
  const door = gate();
  answer = async (request) => {
    await door.promise;
    return replyTo(request);
  };
  const exchange = channel.exchange(POD, [], { ...WANTED, alone: true });
  await runtime.settle();
  const { token } = requests[0]!.claim!;
  expect(isAlone({ claimToken: token })).toBe(true);
  expect([channel.openTokens, channel.claimsAlone, channel.idle(POD)]).toEqual([[token], true, false]);
  door.open();
  await exchange;
  expect([channel.openTokens, channel.claimsAlone, channel.idle(POD)]).toEqual([[], false, true]);
});

describe('a batch that is refused', () => {
  const refuse = (size: number) => (request: ExchangeRequest) => {
    if (request.settlements.length === size) throw new StoreError('STORE_REFUSED', 'not that', false);
    return replyTo(request);
  };

  test('claims only with its first request; if that failed, its claim is read back', async () => {
    answer = refuse(4);
    const batch = ['s1', 's2', 's3', 's4'].map(ended);
    const settled = await channel.exchange(POD, batch, WANTED);
    expect(settled!.receipts).toHaveLength(4);
    expect(requests.map(({ claim, settlements }) => [claim !== undefined, settlements.length])).toEqual([
      [true, 4],
      [false, 2],
      [false, 2],
    ]);
    expect(channel.openTokens).toEqual([requests[0]!.claim!.token]);
  });
});

test('an outcome is decided once: what is sent again is the same, its delay included', async () => {
  const batch = [ended('s1')];
  answer = () => Promise.reject(down);
  for (let i = 0; i < 3; i++) await channel.exchange(POD, batch);
  answer = replyTo;
  await channel.exchange(POD, batch);
  expect(new Set(requests.map(({ settlements }) => JSON.stringify(settlements))).size).toBe(1);
});

test('the first success ends the pauses: the next failure costs a short one', async () => {
  answer = () => Promise.reject(down);
  for (let i = 0; i < 10; i++) await channel.exchange(POD, []);
  expect(channel.waitMs(0)).toBeGreaterThan(1_000);
  answer = replyTo;
  await channel.exchange(POD, []);
  expect(channel.waitMs(0)).toBe(0);
  answer = () => Promise.reject(down);
  await channel.exchange(POD, []);
  expect(channel.waitMs(0)).toBeLessThanOrEqual(50);
});

describe('a stop', () => {
  test('shortens the pause after a failure, and the next ones', async () => {
    answer = () => Promise.reject(down);
    for (let i = 0; i < 10; i++) await channel.exchange(POD, []);
    expect(channel.waitMs(0)).toBeGreaterThan(1_000);
    channel.shortenPauses(0);
    expect(channel.waitMs(0)).toBe(250);
    await channel.exchange(POD, []);
    expect(channel.waitMs(0)).toBeGreaterThan(0);
    expect(channel.waitMs(0)).toBeLessThanOrEqual(250);
  });

  test('does not shorten the pace of the store', async () => {
    answer = (request) => ({ ...replyTo(request), pace: { waitMs: 2_000, batch: 10 } });
    await channel.exchange(POD, []);
    channel.shortenPauses(0);
    expect(channel.waitMs(0)).toBe(2_000);
  });

  test('keeps a pace of many seconds for five seconds only, now and after the next exchanges', async () => {
    answer = (request) => ({ ...replyTo(request), pace: { waitMs: 45_000, batch: 10 } });
    await channel.exchange(POD, []);
    expect(channel.waitMs(0)).toBe(45_000);
    channel.shortenPauses(0);
    expect(channel.waitMs(0)).toBe(5_000);
    await channel.exchange(POD, []);
    expect(channel.waitMs(0)).toBe(5_000);
  });

  test('ends a request that hangs: its claim counts as unanswered', async () => {
    answer = () => new Promise(() => undefined);
    const exchange = channel.exchange(POD, [], WANTED);
    await runtime.settle();
    channel.abandon();
    expect(await exchange).toBeUndefined();
    expect(channel.unanswered(POD)).toBe(true);
  });
});

describe('exchange:completed', () => {
  const heard: unknown[] = [];
  beforeEach(() => {
    heard.length = 0;
    events.on('exchange:completed', (payload) => void heard.push(payload));
  });

  test('has how long the exchange took, what it claimed, and how many receipts have come', async () => {
    answer = async (request) => {
      await new Promise<void>((resolve) => runtime.after(40, resolve));
      return { ...replyTo(request), claims: [claimOf('s1', 'it')] };
    };
    await runtime.until(channel.exchange(POD, [ended('s2'), ended('s3')], WANTED));
    expect(heard).toEqual([{ podId: POD.podId, durationMs: 40, claimed: 1, settled: 2, error: undefined }]);
  });

  test('has the error of an exchange that failed', async () => {
    answer = () => Promise.reject(down);
    await channel.exchange(POD, [ended('s2')], WANTED);
    expect(heard).toEqual([{ podId: POD.podId, durationMs: 0, claimed: 0, settled: 0, error: down }]);
  });
});

test('a pod claims ahead for a quarter more than the interval that the store asks for, so that a late exchange finds it busy', async () => {
  const pace = { waitMs: 0, batch: 250, intervalMs: 2_000 };
  answer = (request) => ({ ...replyTo(request), pace });
  await channel.exchange(POD, []);
  expect(channel.intervalMs).toBe(2_500);
  answer = (request) => ({ ...replyTo(request), pace: { ...pace, intervalMs: 0 } });
  await channel.exchange(POD, []);
  expect(channel.intervalMs).toBe(0);
});

describe('store:throttled and store:relaxed', () => {
  const heard: unknown[] = [];
  const paced = (pace: Partial<ExchangeReply['pace']>): Promise<unknown> => {
    answer = (request) => ({ ...replyTo(request), pace: { waitMs: 0, batch: 250, ...pace } });
    return channel.exchange(POD, []);
  };
  beforeEach(() => {
    heard.length = 0;
    for (const name of ['store:throttled', 'store:relaxed'] as const)
      events.on(name, (payload: object) => void heard.push([name, payload]));
  });

  test('say the interval that the store asks for, not what is left of it, in whole ms', async () => {
    await paced({ waitMs: 120, intervalMs: 2_499.6, throttled: 'slots' });
    await paced({ waitMs: 40, intervalMs: 700.2 });
    expect(heard).toEqual([
      ['store:throttled', { podId: POD.podId, intervalMs: 2_500, reason: 'slots' }],
      ['store:relaxed', { podId: POD.podId, intervalMs: 700 }],
    ]);
  });

  test('come once for each change, also of the reason, however many exchanges there are', async () => {
    await paced({});
    await paced({ intervalMs: 2_000, throttled: 'slots' });
    await paced({ intervalMs: 3_000, throttled: 'slots' });
    await paced({ intervalMs: 3_000, throttled: 'refused' });
    await paced({});
    await paced({});
    expect(heard).toEqual([
      ['store:throttled', { podId: POD.podId, intervalMs: 2_000, reason: 'slots' }],
      ['store:throttled', { podId: POD.podId, intervalMs: 3_000, reason: 'refused' }],
      ['store:relaxed', { podId: POD.podId, intervalMs: 0 }],
    ]);
  });

  test('do not come of an exchange that failed', async () => {
    await paced({ intervalMs: 2_000, throttled: 'slots' });
    answer = () => Promise.reject(down);
    await channel.exchange(POD, []);
    expect(heard).toHaveLength(1);
  });
});
