/**
 * The plan of a run: which process gets which fault, when, and for how long.
 *
 * Invariants:
 * - The plan is a function of seed, length and number of pods.
 * - The faults of a slot come one after the other.
 * - The first faults of each pod are a kill and a freeze beyond dead-after. One half of the pods is frozen first; the other
 *   half lives meanwhile and takes its steps. So even in a short run, pods resume after others have taken their steps.
 */
import { Random } from './random.js';
import { TIMING } from './settings.js';

/**
 * `kill`: SIGKILL, and started again after `lastsMs`. `freeze`: SIGSTOP, and SIGCONT after `lastsMs`. `freezeAndKill`:
 * SIGSTOP, and SIGKILL instead. `terminate`: SIGTERM, and started again `lastsMs` after its end. `supersede`: SIGSTOP,
 * another process in its place under the same podId, and SIGCONT after `lastsMs`.
 */
export type FaultKind = 'kill' | 'freeze' | 'freezeAndKill' | 'terminate' | 'supersede';

export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly lastsMs: number;
}

export interface Lock {
  readonly atMs: number;
  readonly lastsMs: number;
}

export interface Plan {
  /** By slot: `pod-0`, `submitter-0` … */
  readonly faults: ReadonlyMap<string, readonly Fault[]>;
  /** When a process that is no pod locks the file. */
  readonly locks: readonly Lock[];
}

export interface PlanParts {
  readonly seed: number;
  readonly seconds: number;
  readonly pods: number;
  readonly submitters: number;
}

const POD_FAULTS = { kill: 5, freeze: 4, freezeAndKill: 1, terminate: 3, supersede: 1 } as const;
const SUBMITTER_FAULTS = { kill: 2, freeze: 1 } as const;
/** How long a new process runs before its first fault. */
const WARM_UP_MS = 1_500;
const LONGEST_LOCK_MS = 5_000;

export function planOf({ seed, seconds, pods, submitters }: PlanParts): Plan {
  const endMs = seconds * 1_000;
  const faults = new Map<string, Fault[]>();
  for (let i = 0; i < pods; i++) faults.set(`pod-${i}`, podFaults(new Random(seed, 'pod', i), endMs, i % 2 === 1));
  for (let i = 0; i < submitters; i++)
    faults.set(`submitter-${i}`, submitterFaults(new Random(seed, 'submitter', i), endMs));
  return { faults, locks: locksOf(new Random(seed, 'locks'), endMs) };
}

function podFaults(random: Random, endMs: number, freezeFirst: boolean): Fault[] {
  const kill = { kind: 'kill', lastsMs: random.between(0, 1_000) } as const;
  const freeze = { kind: 'freeze', lastsMs: beyondDeadAfter(random) } as const;
  const forced = freezeFirst ? [freeze, kill] : [kill, freeze];
  const startMs = freezeFirst ? random.between(1_500, 3_000) : random.between(5_000, 7_000);
  return series(random, startMs, endMs, () => {
    const next = forced.shift();
    if (next !== undefined) return next;
    const kind = random.weighted(POD_FAULTS);
    if (kind === 'supersede') return { kind, lastsMs: random.between(1_200, 3_500) };
    return { kind, lastsMs: kind.startsWith('freeze') ? frozenMs(random) : downMs(random) };
  });
}

function submitterFaults(random: Random, endMs: number): Fault[] {
  return series(random, random.between(300, 3_500), endMs, () => {
    const kind = random.weighted(SUBMITTER_FAULTS);
    return { kind, lastsMs: kind === 'freeze' ? frozenMs(random) : downMs(random) };
  });
}

/** Faults one after the other, with some time between them. None lasts beyond the end. */
function series(random: Random, startMs: number, endMs: number, next: () => Omit<Fault, 'atMs'>): Fault[] {
  const faults: Fault[] = [];
  for (let atMs = startMs; ;) {
    const fault = { atMs, ...next() };
    if (atMs + fault.lastsMs > endMs) return faults;
    faults.push(fault);
    atMs += fault.lastsMs + WARM_UP_MS + random.between(0, 4_000);
  }
}

const downMs = (random: Random): number =>
  random.chance(0.75) ? random.between(0, 1_000) : random.between(1_000, TIMING.deadAfterMs + 1_500);
/** Long enough for other pods to notice, take the steps back and run them. */
const beyondDeadAfter = (random: Random): number => TIMING.deadAfterMs + random.between(1_200, 3_600);
const frozenMs = (random: Random): number =>
  random.chance(0.5) ? beyondDeadAfter(random) : random.between(50, TIMING.deadAfterMs);

/** Once for longer than dead-after, in the middle of the run. Before and after it now and then, mostly briefly. */
function locksOf(random: Random, endMs: number): Lock[] {
  const longMs = random.between(TIMING.deadAfterMs + 600, LONGEST_LOCK_MS);
  const long = { atMs: Math.round(endMs * (0.45 + 0.25 * random.next())), lastsMs: longMs };
  const locks: Lock[] = [];
  for (let atMs = random.between(6_000, 10_000); ;) {
    const lastsMs = random.chance(0.8) ? random.between(50, 1_200) : random.between(1_200, LONGEST_LOCK_MS);
    if (atMs + lastsMs > endMs) break;
    if (atMs > long.atMs + long.lastsMs || atMs + lastsMs < long.atMs) locks.push({ atMs, lastsMs });
    atMs += lastsMs + random.between(3_000, 9_000);
  }
  return [...locks, long].sort((a, b) => a.atMs - b.atMs);
}
