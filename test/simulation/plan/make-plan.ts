/**
 * Makes the plan of a seed: a fleet, its work, the hazards of its store, and a mix of disasters.
 *
 * Invariants: the same world and seed give the same plan. Each seed draws how much of each kind it has, so some plans are calm
 * in all but one respect, and some have everything at once.
 */
import type { Action, Behaviour, Habits, Hazards, Plan, PodPlan, SubmissionForm, WaitHow, WorldName } from './plan.js';
import { sleepyPlan } from './sleepy-plan.js';
import { seededRandom, type Random } from './seeded-random.js';
import { work } from './theme.js';
import { themedPlan } from './themed-plan.js';

/** For how long disasters and work come, in ms: at once, so that they meet, or one after the other. */
const TROUBLE_MS = [2_500, 5_000, 10_000] as const;

/** The types that a pod may handle. */
const TYPES = ['plain', 'single', 'timed', 'checked'];

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
  ['throws oddly', 1.5],
  ['returns oddly', 1.5],
  ['submits many', 0.7],
  ['cancels itself', 0.5],
  ['waits for another', 0.5],
];

/** Forms that many submissions have, and those that few have. */
const ALONE = { form: 'one by one' } as const;
const KEYED = { form: 'under a key', keyed: true } as const;
const FORMS: readonly SubmissionForm[] = [
  ...(['by definition', 'under a key, by definition', 'for an instant'] as const),
  ...(['without ids', 'each twice', 'without args'] as const),
];

const WAITS: readonly WaitHow[] = ['briefly', 'aborted before', 'aborted later', 'without a time-out', 'for all'];

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
  ['surprise', 1.5],
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
  const themed = themedPlan(world, seed);
  if (themed !== undefined) return themed;
  const random = seededRandom(seed);
  if (world === 'warehouse' && random.chance(0.1)) return sleepyPlan(seed, random);
  const backlog = world === 'sqlite' && random.chance(0.014) ? random.pick([70, 320]) : 0;
  const pods = Array.from({ length: random.whole(1, 4) }, (_, i) =>
    podOf(world, random, i === 0 ? backlog : undefined),
  );
  const hazards = hazardsOf(world, random);
  const pace = random.pick([0.25, 1, 1, 2]);
  const troubleMs = random.pick(TROUBLE_MS);
  const actions = [
    ...times(Math.round(random.whole(2, 8) * pace), () => submission(random, troubleMs)),
    ...times(Math.round(random.whole(0, 7) * pace), () => call(random, troubleMs)),
    ...times(Math.round(random.whole(0, 6) * pace), () => withWork(random, disaster(random, troubleMs))).flat(),
    ...(backlog > 0 ? pileUp(random, backlog, troubleMs) : []),
  ].sort((a, b) => a.at - b.at);
  const calmAt = Math.max(0, ...actions.map(endOf)) + 500;
  const habits = habitsOf(world, random);
  // A step is new again after its retention: nothing may be repeated for so long.
  const own = habits.keepMs === undefined ? hazards : { ...hazards, lateApplication: 0, duplicate: 0 };
  return { seed, world, pods, hazards: own, habits, actions, calmAt };
}

/** When an action and what it causes are over. */
function endOf(action: Action): number {
  if (action.do === 'replay') return action.at + action.forMs + 2_000;
  if (action.do === 'submit' || action.do === 'backlog') return action.at + action.delayMs;
  if (action.do === 'roll') return action.at + 6 * action.everyMs;
  return action.at + ('forMs' in action ? action.forMs : 0);
}

/** @param many how many further types the first pod handles, which handles all of the plan; `undefined` for another pod */
function podOf(world: WorldName, random: Random, many: number | undefined): PodPlan {
  const heartbeatMs = random.pick([500, 800, 1_000]);
  const some = random.chance(0.4) ? ['plain', 'timed'] : TYPES;
  const types = many !== undefined ? TYPES : random.chance(0.05) ? [] : some;
  return {
    types,
    slots: many === undefined || many === 0 ? random.whole(1, 4) : 12,
    heartbeatMs,
    deadAfterMs: heartbeatMs * random.pick([4, 6]),
    ...(many === undefined || many === 0 ? {} : { many }),
    ...(world === 'sqlite' && random.chance(0.08) ? { hasMate: true } : {}),
  };
}

/** What few plans have. */
function habitsOf(world: WorldName, random: Random): Habits {
  return {
    ...(random.chance(0.06) ? { carrier: random.whole(0, 10) } : {}),
    ...(random.chance(0.05) ? { keepMs: 30_000 } : {}),
    ...(world === 'sqlite' && random.chance(0.35) ? { provesExits: true } : {}),
    ...(world === 'warehouse' && random.chance(0.1) ? { sleeps: random.pick(['never', 'checks often']) } : {}),
    ...(world === 'warehouse' && random.chance(0.1) ? { combines: random.pick(['always', 'never']) } : {}),
    ...(random.chance(0.1) ? { refusesUnknown: true } : {}),
  };
}

function hazardsOf(world: WorldName, random: Random): Hazards {
  const rate = (most: number): number => (random.chance(0.5) ? 0 : most * random.next());
  return {
    latencyMs: random.pick([0, 10, 60, 300]),
    lostReply: rate(0.06),
    failure: rate(0.06),
    lateApplication: rate(0.04),
    duplicate: rate(random.chance(0.2) ? 0.4 : 0.04),
    ...(world === 'sqlite' && random.chance(0.15) ? { busy: 0.05 * random.next() } : {}),
    lateReadMs: world === 'warehouse' ? random.pick([0, 0, 500, 2_000]) : 0,
    oldSources: world === 'warehouse' && random.chance(0.5),
    tokenLateMs: world === 'warehouse' ? random.pick([0, 0, 1_000]) : 0,
    suspendAfterMs: world === 'warehouse' ? random.pick([0, 5_000]) : 0,
  };
}

function submission(random: Random, troubleMs: number): Action {
  const behaviour: Behaviour = {
    does: random.weighted(BEHAVIOURS),
    forMs: random.pick([5, 50, 200, 800]),
    odd: random.whole(0, 1_000),
  };
  const type = random.pick(['plain', 'plain', 'plain', 'single', 'single', 'timed', 'timed', 'checked']);
  const kills = behaviour.does.startsWith('kills');
  const waits = behaviour.does === 'waits for another';
  return {
    at: random.whole(0, troubleMs),
    do: 'submit',
    count: kills ? 1 : random.pick(waits ? [1, 3] : [1, 2, 6]),
    type: behaviour.does === 'answers late' || behaviour.does === 'hangs' ? 'timed' : type,
    priority: random.pick([0, 0, 0, 5]),
    delayMs: random.chance(0.03) ? 6_000 : random.pick([0, 0, 0, 1_500]),
    maxRetries: waits ? 0 : random.pick([0, 1, 3]),
    behaviour: behaviour.does === 'answers late' ? { ...behaviour, forMs: 1_300 } : behaviour,
    ...random.pick([{}, {}, {}, {}, ALONE, ALONE, KEYED, KEYED, { keyed: true }, { form: random.pick(FORMS) }]),
  };
}

/** A backlog that one pod works off, and somebody who waits for all of it. */
function pileUp(random: Random, types: number, troubleMs: number): Action[] {
  const at = random.whole(0, troubleMs);
  const each = types > 100 ? 1 : 5; // more than one exchange promotes
  const priorities = random.pick([1, 5, 400]);
  return [
    { at, do: 'backlog', types, each, priorities, delayMs: random.pick([0, 800]) },
    { at: at + 400, do: 'wait', step: 0, how: 'for all' },
  ];
}

function call(random: Random, troubleMs: number): Action {
  const [at, step, kind] = [random.whole(500, troubleMs), random.whole(0, 1_000), random.weighted(CALLS)];
  switch (kind) {
    case 'look':
    case 'misuse':
      return { at, do: kind, from: step };
    case 'wait':
      return { at, do: kind, step, ...(random.chance(0.5) ? { how: random.pick(WAITS) } : {}) };
    case 'resubmit':
      return { at, do: kind, step, ...(random.chance(0.2) ? { other: true } : {}) };
    case 'cancel':
    case 'retry':
    case 'read':
      return { at, do: kind, step, ...(random.chance(0.3) ? { twice: true } : {}) };
    case 'recover':
      return { at, do: kind };
    default:
      throw new Error(`no call: ${kind}`);
  }
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
    case 'surprise':
      return { at, do: kind, pod, forMs: 6_000 };
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
  return [action, work(action.at + 200, { count: 3, behaviour })];
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
