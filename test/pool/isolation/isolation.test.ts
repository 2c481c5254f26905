/** How long a pod keeps itself empty for a suspect, and how long it then works on. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Isolation } from '../../../src/pool/isolation/isolation.js';
import { ProcessPools } from '../../../src/pool/isolation/process-pools.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';

let runtime: VirtualRuntime;
let isolation: Isolation;
/** Another pool of the process, and its isolation. */
let other: ProcessPools;
let otherIsolation: Isolation;
/** Whether that one holds nothing, and has strays. */
let quiet: boolean;
let strays: boolean;
/** Whether the first one has asked for claims under a token that says "alone". */
let asks: boolean;
beforeEach(() => {
  runtime = new VirtualRuntime();
  [quiet, strays, asks] = [true, false, false];
  isolation = isolationOf(
    new ProcessPools(runtime, { quiet: () => true, hasStrays: () => false, claimsAlone: () => asks }),
  );
  other = new ProcessPools(runtime, { quiet: () => quiet, hasStrays: () => strays, claimsAlone: () => false });
  otherIsolation = new Isolation(() => 0, other);
});

function isolationOf(processPools: ProcessPools): Isolation {
  processPools.enter();
  return new Isolation(() => 0.5, processPools);
}

/** When the next suspect may be looked for, in half seconds from `now` on. */
function restsUntil(now: number): number {
  let at = now;
  while (!isolation.mayLook(at)) at += 500;
  return at;
}

describe('a try', () => {
  test('ends after 5 s; the pod then works on for one and a half times as long', () => {
    expect(isolation.found(1_000)).toBe(true);
    expect(isolation.expiresInMs(1_000)).toBe(5_000);
    isolation.expire(5_999);
    expect(isolation.emptying).toBe(true);
    isolation.expire(6_000);
    expect(isolation.emptying).toBe(false);
    expect(restsUntil(6_000)).toBe(6_000 + 7_500);
  });

  test('is not prolonged by the suspect that is found again', () => {
    isolation.found(1_000);
    expect(isolation.found(4_000)).toBe(false);
    expect(isolation.expiresInMs(4_000)).toBe(2_000);
  });

  test('lasts twice as long as the one before, up to four hours', () => {
    const lasts: number[] = [];
    for (let n = 0, now = 0; n < 16; n++) {
      isolation.found(now);
      lasts.push(isolation.expiresInMs(now));
      isolation.expire((now += isolation.expiresInMs(now)));
      now = restsUntil(now);
    }
    expect(lasts.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect(lasts.slice(-2)).toEqual([4 * 3_600_000, 4 * 3_600_000]);
  });

  test('is short again after a suspect has run', () => {
    isolation.found(0);
    isolation.expire(5_000);
    isolation.found(20_000);
    isolation.begun(21_000);
    isolation.over(22_000);
    isolation.found(40_000);
    expect(isolation.expiresInMs(40_000)).toBe(5_000);
    isolation.expire(45_000); // as any other, though a suspect has run since
    expect(isolation.emptying).toBe(false);
  });
});

describe('a suspect that runs', () => {
  test('has the pod for as long as it takes', () => {
    isolation.begun(0);
    expect(isolation.expiresInMs(3_600_000)).toBe(Infinity);
    isolation.expire(3_600_000);
    expect(isolation.emptying).toBe(true);
  });

  test('is paid for with the time of the wait, too', () => {
    isolation.found(0);
    isolation.begun(4_000);
    isolation.over(6_000);
    expect(restsUntil(6_000)).toBe(6_000 + 9_000);
  });

  test('leaves no rest where there is no other work', () => {
    isolation.begun(0);
    isolation.over(10_000);
    expect(isolation.cutShort(11_000)).toBe(true);
    expect(isolation.mayLook(11_000)).toBe(true);
    expect(isolation.cutShort(11_000)).toBe(false); // it rests no more
  });
});

describe('in a process with another pool', () => {
  beforeEach(() => other.enter());

  test('a try bars the other until it ends, also where nobody ends it', () => {
    isolation.found(0);
    expect([otherIsolation.blocked(0), otherIsolation.blocked(4_999)]).toEqual([true, true]);
    expect(otherIsolation.blocked(5_000)).toBe(false);
  });

  test('a try that expires frees the other', () => {
    isolation.found(0);
    isolation.expire(5_000);
    expect([otherIsolation.blocked(5_000), isolation.blocked(5_000)]).toEqual([false, false]);
  });

  test('a suspect that runs bars the other for as long as it takes', () => {
    isolation.begun(0);
    expect(otherIsolation.blocked(3_600_000)).toBe(true);
    isolation.yieldProcess(3_600_000); // its pod claims nothing for now, but the suspect runs on
    expect(otherIsolation.blocked(3_600_000)).toBe(true);
    isolation.over(3_600_001);
    expect(otherIsolation.blocked(3_600_001)).toBe(false);
  });

  test('a request that says "alone" bars the other from the moment it is made, and not its own pod', () => {
    asks = true;
    expect([isolation.blocked(0), otherIsolation.blocked(0)]).toEqual([false, true]);
    asks = false;
    expect(otherIsolation.blocked(0)).toBe(false);
  });

  test('a pod that waits gives the process up where it may not claim', () => {
    isolation.found(0);
    isolation.yieldProcess(1_000);
    expect(otherIsolation.blocked(1_000)).toBe(false);
  });

  test('no try begins while the other has its turn, nor is it ended by anybody else', () => {
    otherIsolation.found(0);
    expect(isolation.found(1_000)).toBe(false);
    expect(isolation.emptying).toBe(false);
    isolation.over(1_000);
    isolation.yieldProcess(1_000);
    expect(isolation.blocked(1_000)).toBe(true);
    expect(isolation.mayLook(1_000)).toBe(false);
  });

  test('after a turn the process works on for as long as that has lasted, from its first moment', () => {
    quiet = false;
    isolation.found(0);
    isolation.begun(4_000);
    isolation.over(6_000);
    expect([otherIsolation.mayLook(11_999), otherIsolation.mayLook(12_000)]).toEqual([false, true]);
  });

  test('where nothing is held the next turn can be had a second after the last', () => {
    isolation.begun(0);
    isolation.over(60_000);
    expect([otherIsolation.mayLook(60_999), otherIsolation.mayLook(61_000)]).toEqual([false, true]);
    quiet = false;
    expect(isolation.mayLook(61_000)).toBe(false);
    quiet = true;
    isolation.cutShort(61_000);
    expect(isolation.mayLook(61_000)).toBe(true);
  });

  test('a rest is not cut short as long as the process works on', () => {
    quiet = false;
    isolation.begun(0);
    isolation.over(10_000);
    expect(isolation.cutShort(15_000)).toBe(false);
    expect(isolation.cutShort(19_999)).toBe(false);
    expect(isolation.cutShort(20_000)).toBe(true); // its own rest would have been longer
  });

  test('strays of the other may never return: the turn cannot be had beside them', () => {
    strays = true;
    expect(isolation.mayLook(0)).toBe(false);
    expect(isolation.found(0)).toBe(false);
    expect(otherIsolation.mayLook(0)).toBe(true); // its own do not keep it from asking its neighbours to stop
  });

  test('alone is claimed by a pool that has the turn, once the others are quiet', () => {
    quiet = false;
    expect([isolation.mayClaimAlone, isolation.processIsQuiet]).toEqual([false, false]);
    isolation.found(0);
    expect(isolation.mayClaimAlone).toBe(false);
    quiet = true;
    expect([isolation.mayClaimAlone, isolation.processIsQuiet]).toEqual([true, true]);
    expect(otherIsolation.mayClaimAlone).toBe(false);
  });

  test('who waits for the others looks again soon; who waits for its own handlers waits for the end of its try', () => {
    expect(isolation.looksInMs(0)).toBe(Infinity);
    isolation.found(0);
    expect([isolation.looksInMs(0), otherIsolation.looksInMs(0)]).toEqual([100, 100]);
    expect(isolation.looksInMs(4_950)).toBe(50);
    isolation.begun(4_950);
    expect(isolation.looksInMs(4_950)).toBe(Infinity);
    other.leave(4_950);
    isolation.over(5_000);
    isolation.found(20_000);
    expect(isolation.looksInMs(20_000)).toBe(5_000);
  });
});
