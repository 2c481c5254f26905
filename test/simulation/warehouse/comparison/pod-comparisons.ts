/** The statements of the fleet, of housekeeping and of opening, compared with their models. */
import type { Random } from '../../../chaos/random.js';
import type { Comparison } from './comparison.js';
import { INCARNATIONS, podOf, some, WINDOWS } from './random-values.js';

const incarnation = (random: Random): string =>
  random.chance(0.95) ? random.pick(INCARNATIONS) : 'life-that-nobody-has';
const incarnations = (random: Random): object => ({ incarnations: some(random, INCARNATIONS, 14) });

function sign(random: Random): object {
  const of = incarnation(random);
  const event = random.pick(['registered', 'heartbeat', 'asleep', 'left']);
  return {
    pod: podOf(of),
    incarnation: of,
    event,
    seq: 2 * random.between(10, 40),
    ...(random.chance(0.5) && { heartbeatMs: 1_000, deadAfterMs: 4_000 }),
    ...(random.chance(0.5) && { eligible: random.between(0, 1) }),
    ...((event === 'registered' || random.chance(0.5)) && { meta: '{"types":["mail"],"n":"ü"}' }),
  };
}

export const POD_COMPARISONS = {
  sign: { textOf: ({ pods }) => pods.sign, makeBind: sign },
  fleet: { textOf: ({ pods }) => pods.fleet, isOrdered: true },
  view: { textOf: ({ pods }) => pods.view, makeBind: (random) => ({ incarnation: incarnation(random) }) },
  evict: { textOf: ({ pods }) => pods.evict, makeBind: incarnations },
  evicted: { textOf: ({ pods }) => pods.evicted, makeBind: incarnations },
  orphans: {
    textOf: ({ pods }, random) => pods.orphans(random.pick([1, 3, 100])),
    makeBind: () => ({ unseenMs: WINDOWS.minute }),
    isOrdered: true,
  },
} as const satisfies Readonly<Record<string, Comparison>>;

const housekeeping = () => ({
  hotMs: WINDOWS.hot,
  keepMs: WINDOWS.keep,
  windowMs: WINDOWS.request,
  forgetMs: WINDOWS.keep,
  asleepMs: WINDOWS.asleep,
});
const chunk = (random: Random): number => random.pick([1, 3, 10_000]);

export const HOUSEKEEPING_COMPARISONS = {
  chores: { textOf: ({ housekeeping: texts }) => texts.chores, makeBind: housekeeping },
  dedupe: { textOf: ({ housekeeping: texts }) => texts.dedupe, makeBind: housekeeping },
  archive: { textOf: ({ housekeeping: texts }, random) => texts.archive(chunk(random)), makeBind: housekeeping },
  unload: { textOf: ({ housekeeping: texts }) => texts.unload, makeBind: housekeeping },
  pruneArchive: {
    textOf: ({ housekeeping: texts }, random) => texts.pruneArchive(chunk(random)),
    makeBind: housekeeping,
  },
  pruneRequests: { textOf: ({ housekeeping: texts }) => texts.pruneRequests, makeBind: housekeeping },
  pruneHeartbeats: { textOf: ({ housekeeping: texts }) => texts.pruneHeartbeats, makeBind: housekeeping },
  forgetPods: { textOf: ({ housekeeping: texts }) => texts.forgetPods, makeBind: housekeeping },
  forgetUnregistered: { textOf: ({ housekeeping: texts }) => texts.forgetUnregistered, makeBind: housekeeping },
} as const satisfies Readonly<Record<string, Comparison>>;

export const STORE_COMPARISONS = {
  census: { textOf: ({ store }) => store.census },
  readSchemaInfo: { textOf: ({ opening }) => opening.readSchemaInfo },
  writeSchemaInfo: {
    textOf: ({ opening }) => opening.writeSchemaInfo,
    makeBind: (random) => ({ version: random.between(1, 3), oldestAllowed: random.between(1, 3) }),
  },
  collated: { textOf: ({ opening }) => opening.collated },
} as const satisfies Readonly<Record<string, Comparison>>;
