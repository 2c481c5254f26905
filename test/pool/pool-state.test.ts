/** The pool's state as a table: every state, every event, and what each state permits. */
import { describe, expect, test } from 'vitest';
import { createLog, type Logger } from '../../src/log.js';
import {
  INITIAL_STATE,
  nextState,
  permissionsOf,
  PoolStateMachine,
  type PoolEvent,
  type PoolState,
} from '../../src/pool/pool-state.js';
import { bugReporter } from '../../src/pool/bug-reporter.js';
import { systemRuntime } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { Rig } from './support/rig.js';

type Parts = `${PoolState['lifecycle']} ${PoolState['membership']}`;
const BUG = 'bug';
type Next = Parts | typeof BUG;

/** The state after each event. `paused` stays as it is. */
// prettier-ignore
const NEXT: readonly (readonly [from: Parts, start: Next, drain: Next, stop: Next, admit: Next, halt: Next, sleep: Next, retire: Next])[] = [
  ['new outside',       'running outside',  'draining outside',  BUG,                'new admitted',      'new halted',       BUG,               'new retired'],
  ['new admitted',      'running admitted', 'draining admitted', BUG,                'new admitted',      'new halted',       'new asleep',      'new retired'],
  ['new halted',        'running halted',   'draining halted',   BUG,                'new admitted',      'new halted',       BUG,               'new retired'],
  ['new asleep',        'running asleep',   'draining asleep',   BUG,                'new admitted',      'new halted',       BUG,               'new retired'],
  ['new retired',       'running retired',  'draining retired',  BUG,                'new retired',       'new retired',      BUG,               'new retired'],
  ['running outside',   BUG,                'draining outside',  BUG,                'running admitted',  'running halted',   BUG,               'running retired'],
  ['running admitted',  BUG,                'draining admitted', BUG,                'running admitted',  'running halted',   'running asleep',  'running retired'],
  ['running halted',    BUG,                'draining halted',   BUG,                'running admitted',  'running halted',   BUG,               'running retired'],
  ['running asleep',    BUG,                'draining asleep',   BUG,                'running admitted',  'running halted',   BUG,               'running retired'],
  ['running retired',   BUG,                'draining retired',  BUG,                'running retired',   'running retired',  BUG,               'running retired'],
  ['draining outside',  BUG,                BUG,                 'stopped outside',  'draining admitted', 'draining halted',  BUG,               'draining retired'],
  ['draining admitted', BUG,                BUG,                 'stopped admitted', 'draining admitted', 'draining halted',  'draining asleep', 'draining retired'],
  ['draining halted',   BUG,                BUG,                 'stopped halted',   'draining admitted', 'draining halted',  BUG,               'draining retired'],
  ['draining asleep',   BUG,                BUG,                 'stopped asleep',   'draining admitted', 'draining halted',  BUG,               'draining retired'],
  ['draining retired',  BUG,                BUG,                 'stopped retired',  'draining retired',  'draining retired', BUG,               'draining retired'],
  ['stopped outside',   BUG,                BUG,                 BUG,                'stopped admitted',  'stopped halted',   BUG,               'stopped retired'],
  ['stopped admitted',  BUG,                BUG,                 BUG,                'stopped admitted',  'stopped halted',   'stopped asleep',  'stopped retired'],
  ['stopped halted',    BUG,                BUG,                 BUG,                'stopped admitted',  'stopped halted',   BUG,               'stopped retired'],
  ['stopped asleep',    BUG,                BUG,                 BUG,                'stopped admitted',  'stopped halted',   BUG,               'stopped retired'],
  ['stopped retired',   BUG,                BUG,                 BUG,                'stopped retired',   'stopped retired',  BUG,               'stopped retired'],
];
const EVENTS: readonly PoolEvent[] = ['start', 'drain', 'stop', 'admit', 'halt', 'sleep', 'retire'];

/** What each state permits, and what it permits while paused. */
// prettier-ignore
const PERMITS: readonly (readonly [state: Parts, permits: string, whilePaused: string])[] = [
  ['new outside',       'keep settle',                  'settle'],
  ['new admitted',      'claim look keep start settle', 'look settle'],
  ['new halted',        'keep',                         ''],
  ['new asleep',        'keep',                         ''],
  ['new retired',       'settle',                       'settle'],
  ['running outside',   'keep settle',                  'settle'],
  ['running admitted',  'claim look keep start settle', 'look settle'],
  ['running halted',    'keep',                         ''],
  ['running asleep',    'keep',                         ''],
  ['running retired',   'settle',                       'settle'],
  ['draining outside',  'settle',                       'settle'],
  ['draining admitted', 'settle',                       'settle'],
  ['draining halted',   '',                             ''],
  ['draining asleep',   '',                             ''],
  ['draining retired',  'settle',                       'settle'],
  ['stopped outside',   '',                             ''],
  ['stopped admitted',  '',                             ''],
  ['stopped halted',    '',                             ''],
  ['stopped asleep',    '',                             ''],
  ['stopped retired',   '',                             ''],
];

function stateOf(parts: Parts, paused: boolean): PoolState {
  const [lifecycle, membership] = parts.split(' ') as [PoolState['lifecycle'], PoolState['membership']];
  return { lifecycle, membership, paused };
}

const shown = ({ lifecycle, membership }: PoolState): string => `${lifecycle} ${membership}`;

describe.each([false, true])('a pool (paused: %s)', (paused) => {
  const cells = NEXT.flatMap(([from, ...next]) => EVENTS.map((event, i) => [from, event, next[i]!] as const));

  test.each(cells)('%s: %s leads to %s', (from, event, to) => {
    expect(nextState(stateOf(from, paused), event)).toEqual(to === BUG ? undefined : stateOf(to, paused));
  });

  test.each(NEXT)('%s: pause and resume change the pause alone', (from) => {
    expect(nextState(stateOf(from, paused), 'pause')).toEqual(stateOf(from, true));
    expect(nextState(stateOf(from, paused), 'resume')).toEqual(stateOf(from, false));
  });

  test.each(PERMITS)('%s: its permissions are those of the table', (from, permits, whilePaused) => {
    const allowed = (paused ? whilePaused : permits).split(' ');
    expect(permissionsOf(stateOf(from, paused))).toEqual({
      mayClaim: allowed.includes('claim'),
      mayLook: allowed.includes('look'),
      mayKeep: allowed.includes('keep'),
      mayStart: allowed.includes('start'),
      maySettle: allowed.includes('settle'),
    });
  });
});

test('the tables list every state once', () => {
  expect(new Set(NEXT.map(([from]) => from)).size).toBe(20);
  expect(PERMITS.map(([state]) => state)).toEqual(NEXT.map(([from]) => from));
});

test('a state is immutable', () => {
  const states = [INITIAL_STATE, nextState(INITIAL_STATE, 'start'), nextState(INITIAL_STATE, 'pause')];
  expect(states.every((state) => Object.isFrozen(state))).toBe(true);
  expect(Object.isFrozen(permissionsOf(INITIAL_STATE))).toBe(true);
});

describe('the state machine', () => {
  test('holds the state and its permissions', () => {
    const machine = new PoolStateMachine(bugReporter(new VirtualRuntime(), createLog('pool')));
    expect(machine.current).toBe(INITIAL_STATE);
    machine.apply('admit');
    machine.apply('start');
    expect([shown(machine.current), machine.permissions.mayClaim, machine.isFenced]).toEqual([
      ...['running admitted', true, false],
    ]);
    machine.apply('halt');
    expect([machine.permissions.mayClaim, machine.isFenced, machine.isStopping]).toEqual([false, true, false]);
    machine.apply('retire');
    machine.apply('drain');
    expect([machine.isFenced, machine.isStopping]).toEqual([true, true]);
    machine.apply('stop');
    expect([shown(machine.current), machine.isStopping]).toEqual(['stopped retired', true]);
  });

  test('throws at an unexpected event where the runtime is simulated', () => {
    const machine = new PoolStateMachine(bugReporter(new VirtualRuntime(), createLog('pool')));
    machine.apply('pause');
    expect(() => machine.apply('stop')).toThrow(
      'bug in fleet-q: unexpected event stop of a pool in state new, outside, paused',
    );
  });

  test('logs and ignores an unexpected event in production', () => {
    const errors: object[] = [];
    const ignore = (): void => undefined;
    const error = (fields: object, message: string): void => void errors.push({ ...fields, message });
    const logger: Logger = { debug: ignore, info: ignore, warn: ignore, error };
    const machine = new PoolStateMachine(bugReporter(systemRuntime, createLog('pool', logger)));
    machine.apply('stop');
    expect(machine.current).toBe(INITIAL_STATE);
    expect(errors).toMatchObject([
      {
        problem: 'unexpected event stop of a pool in state new, outside',
        message: 'bug in fleet-q, ignored; please report it',
      },
    ]);
  });
});

describe('a pool', () => {
  const slow = () => new Promise(() => undefined);

  test('that was paused while halted claims only after both have ended', async () => {
    const rig = await new Rig({ quick: () => 1 }).start();
    rig.pool.halt();
    rig.pool.pause();
    rig.store.add('s1', 'quick');
    rig.pool.admit({ podId: 'pod-a', incarnation: 'life-1' });
    await rig.runtime.advance(5_000);
    expect(rig.pool.load).toMatchObject({ paused: true, fenced: false });
    expect(rig.store.row('s1').status).toBe('pending');
    rig.pool.resume();
    await rig.runtime.settle();
    expect(rig.store.row('s1').status).toBe('completed');
    await rig.stop();
  });

  test('that is fenced while it drains gives back nothing that it may not settle', async () => {
    const rig = new Rig({ slow }, { drainTimeoutMs: 1_000, abortGraceMs: 500 });
    rig.store.add('s1', 'slow');
    await rig.start();
    const stopped = rig.pool.stop();
    rig.pool.halt();
    await rig.runtime.until(stopped);
    expect(rig.store.requests.flatMap(({ settlements }) => settlements)).toEqual([]);
    expect(rig.pool.drained).toEqual({ finished: 0, released: 0, strays: 1, unsettled: 1 });
    expect(rig.logged.at(-1)).toMatchObject({ level: 'error', fields: { unsettled: 1 } });
  });

  test('counts in `drained` only what has ended since `stop` was called', async () => {
    const rig = await new Rig({ quick: () => 1 }).start();
    rig.store.add('s1', 'quick');
    rig.pool.wake();
    await rig.runtime.settle();
    await rig.stop();
    expect(rig.pool.drained).toEqual({ finished: 0, released: 0, strays: 0, unsettled: 0 });
  });
});
