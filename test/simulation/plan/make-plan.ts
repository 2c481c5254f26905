/**
 * Makes the plan of a seed: a fleet, its work, the hazards of its store, and a mix of disasters.
 *
 * Invariants: the same world and seed give the same plan. Each seed draws how much of each kind it has, so some plans are calm
 * in all but one respect, and some have everything at once.
 */
import type { Action, Behaviour, Hazards, Plan, PodPlan, WorldName } from './plan.js';
import { seededRandom, type Random } from './seeded-random.js';

/** For how long disasters and work come, in ms: at once, so that they meet, or one after the other. */
const TROUBLE_MS = [4_000, 7_000, 10_000] as const;

const BEHAVIOURS: readonly (readonly [Behaviour['does'], number])[] = [
  ['returns', 30],
  ['throws once', 4],
  ['throws', 2],
  ['hangs', 1],
  ['ignores its signal', 2],
  ['answers late', 2],
  ['releases once', 3],
  ['kills its pod once', 1],
  ['kills its pod', 0.4],
  ['fails permanently', 1],
  ['retries later', 1],
  ['submits another', 1.5],
  ['returns what JSON cannot carry', 0.5],
  ['returns too much', 0.5],
];

const DISASTERS: readonly (readonly [Action['do'], number])[] = [
  ['crash', 6],
  ['freeze', 5],
  ['cut', 5],
  ['flaps', 1.5],
  ['slow', 2],
  ['clock', 2],
  ['drift', 1],
  ['suspend', 2],
  ['stalls', 2],
  ['restart', 4],
  ['double', 1],
  ['replace', 1],
  ['replay', 1.5],
  ['roll', 1],
  ['scale', 1.5],
  ['evict', 2],
  ['breakRecovery', 1.5],
  ['pause', 1],
];

const CALLS: readonly (readonly [Action['do'], number])[] = [
  ['cancel', 3],
  ['retry', 3],
  ['resubmit', 2],
  ['wait', 1],
  ['read', 1],
  ['look', 1],
  ['misuse', 0.5],
  ['recover', 0.5],
];

export function makePlan(world: WorldName, seed: number): Plan {
  const random = seededRandom(seed);
  const pods = Array.from({ length: random.whole(1, 4) }, (_, i) => podOf(random, i === 0));
  const hazards = hazardsOf(world, random);
  const pace = random.pick([0.25, 1, 1, 2]);
  const troubleMs = random.pick(TROUBLE_MS);
  const actions = [
    ...times(Math.round(random.whole(2, 8) * pace), () => submission(random, troubleMs)),
    ...times(Math.round(random.whole(0, 7) * pace), () => call(random, troubleMs)),
    ...times(Math.round(random.whole(0, 6) * pace), () => withWork(random, disaster(random, troubleMs))).flat(),
  ].sort((a, b) => a.at - b.at);
  return { seed, world, pods, hazards, actions, calmAt: Math.max(0, ...actions.map(endOf)) + 500 };
}

/** When an action and what it causes are over. */
function endOf(action: Action): number {
  if (action.do === 'replay') return action.at + action.forMs + 2_000;
  if (action.do === 'submit') return action.at + action.delayMs;
  if (action.do === 'roll') return action.at + 6 * action.everyMs;
  return action.at + ('forMs' in action ? action.forMs : 0);
}

/** @param handlesAll so that no type of the plan is without a pod */
function podOf(random: Random, handlesAll: boolean): PodPlan {
  const heartbeatMs = random.pick([500, 800, 1_000]);
  const some = random.chance(0.4);
  const types = some && !handlesAll ? ['plain', 'timed'] : ['plain', 'single', 'timed'];
  return { types, slots: random.whole(1, 4), heartbeatMs, deadAfterMs: heartbeatMs * random.pick([4, 6]) };
}

function hazardsOf(world: WorldName, random: Random): Hazards {
  const rate = (most: number): number => (random.chance(0.5) ? 0 : most * random.next());
  return {
    latencyMs: random.pick([0, 10, 60, 300]),
    lostReply: rate(0.06),
    failure: rate(0.06),
    lateApplication: rate(0.04),
    duplicate: rate(random.chance(0.2) ? 0.4 : 0.04),
    lateReadMs: world === 'warehouse' ? random.pick([0, 0, 500, 2_000]) : 0,
    oldSources: world === 'warehouse' && random.chance(0.5),
    tokenLateMs: world === 'warehouse' ? random.pick([0, 0, 1_000]) : 0,
    suspendAfterMs: world === 'warehouse' ? random.pick([0, 5_000]) : 0,
  };
}

function submission(random: Random, troubleMs: number): Action {
  const behaviour: Behaviour = { does: random.weighted(BEHAVIOURS), forMs: random.pick([5, 50, 200, 800]) };
  const type = random.pick(['plain', 'plain', 'single', 'timed']);
  const kills = behaviour.does.startsWith('kills');
  return {
    at: random.whole(0, troubleMs),
    do: 'submit',
    count: kills ? 1 : random.pick([1, 3, 8]),
    type: behaviour.does === 'answers late' || behaviour.does === 'hangs' ? 'timed' : type,
    priority: random.pick([0, 0, 0, 5]),
    delayMs: random.pick([0, 0, 0, 1_500]),
    maxRetries: random.pick([0, 1, 3]),
    behaviour: behaviour.does === 'answers late' ? { ...behaviour, forMs: 1_300 } : behaviour,
    ...random.pick([{}, {}, {}, {}, { alone: true }, { alone: true }, { keyed: true }, { keyed: true }]),
  };
}

function call(random: Random, troubleMs: number): Action {
  const step = random.whole(0, 1_000);
  const kind = random.weighted(CALLS);
  const needsStep = kind !== 'look' && kind !== 'misuse' && kind !== 'recover';
  const twice = kind === 'retry' && random.chance(0.4);
  const at = random.whole(500, troubleMs);
  return { at, do: kind, ...(needsStep ? { step } : {}), ...(twice ? { twice } : {}) } as Action;
}

function disaster(random: Random, troubleMs: number): Action {
  const at = random.whole(500, troubleMs);
  const pod = random.whole(0, 100);
  const forMs = random.pick([300, 1_500, 3_000, 6_000]);
  const kind = random.weighted(DISASTERS);
  switch (kind) {
    case 'crash':
      return { at, do: kind, pod, when: random.pick(['now', 'after its next statement', 'before its next reply']) };
    case 'freeze':
      return { at, do: kind, pod, forMs, monotonic: random.pick(['runs', 'runs', 'stops']) };
    case 'cut':
      return {
        at,
        do: kind,
        pod: random.chance(0.25) ? 'all' : pod,
        forMs,
        how: random.pick(['fails', 'hangs', 'loses']),
      };
    case 'flaps':
      return {
        at,
        do: kind,
        awayMs: random.pick([400, 900, 1_800]),
        backMs: random.pick([100, 300, 600]),
        forMs: 12_000,
      };
    case 'slow':
      return { at, do: kind, forMs, byMs: random.pick([100, 500, 1_500]) };
    case 'clock':
      return { at, do: kind, pod, byMs: random.whole(-3_600_000, 3_600_000) };
    case 'drift':
      return { at, do: kind, pod, perMille: random.whole(-50, 50) };
    case 'stalls':
      return { at, do: kind, pod, eachMs: random.pick([150, 600]), everyMs: random.pick([700, 1_300]), forMs };
    case 'restart':
      return { at, do: kind, pod, hard: random.chance(0.5) };
    case 'double':
      return { at, do: kind, pod };
    case 'replace':
      return { at, do: kind, pod, forMs: 9_000 };
    case 'replay':
      return { at, do: kind, pod, forMs: random.pick([1_000, 2_000, 4_000]) };
    case 'roll':
      return { at, do: kind, everyMs: random.pick([200, 1_000]) };
    case 'scale':
      return { at, do: kind, to: random.pick([1, 2, 5, random.chance(0.1) ? 20 : 3]) };
    case 'evict':
    case 'suspend':
    case 'breakRecovery':
    case 'pause':
      return { at, do: kind, pod, forMs };
    default:
      throw new Error(`no disaster: ${kind}`);
  }
}

/** What is sent once more does harm only to steps that are claimed, and given back, meanwhile. */
function withWork(random: Random, action: Action): readonly Action[] {
  if (action.do !== 'replay') return [action];
  const behaviour: Behaviour = { does: random.pick(['throws', 'releases once']), forMs: random.pick([50, 200]) };
  const given = { type: 'plain', count: 3, priority: 0, delayMs: 0, maxRetries: 3, behaviour };
  return [action, { at: action.at + 200, do: 'submit', ...given }];
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
