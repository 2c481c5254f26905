/** Defects in sleeping and waking, in late reads, and in combining. */
import type { Mutant } from '../mutant.js';

const SPELL = 'src/fleet/quiet-spell.ts';
const EXCHANGE = 'src/store/snowflake/exchange/exchange.ts';

export const sleepMutants: readonly Mutant[] = [
  {
    name: 'sleep: the token is read after the look',
    file: SPELL,
    find: 'if (this.#token?.value !== value) {',
    replace: 'if (this.#token === undefined) {',
    world: 'warehouse',
    why: 'a step that was submitted between the look and the token wakes nobody',
  },
  {
    name: 'sleep: one quiet look is enough',
    file: SPELL,
    find: 'return this.#since !== undefined && (this.#last?.startedAt ?? 0) - this.#since >= this.#quietForMs;',
    replace: 'return this.#since !== undefined && this.#quietForMs > 0;',
    world: 'warehouse',
    why: 'a look that was late puts the only pod to sleep that could claim',
  },
  {
    name: 'sleep: an unserved request is not withdrawn',
    file: EXCHANGE,
    find: 'const isQuiet = sawNothing && expected.empty && !isInLog;',
    replace: 'const isQuiet = sawNothing && expected.empty && (isInLog || !isInLog);',
    world: 'warehouse',
    why: 'another pod hands a step to a pod that sleeps',
  },
  {
    name: 'sleep: a pod claims before the fleet knows that it is awake',
    file: 'src/pool/pool-state.ts',
    find: "asleep: ['mayClaim', 'mayLook', 'mayStart', 'maySettle'],",
    replace: 'asleep: [],',
    world: 'warehouse',
    why: 'its claims are orphans at once, and run twice',
  },
  {
    name: 'sleep: a pod that sleeps never looks at the token again',
    file: 'src/fleet/sleep.ts',
    find: "!== rest.token) return this.#wakeFrom(asleep, 'change');",
    replace: "=== '') return this.#wakeFrom(asleep, 'change');",
    world: 'warehouse',
    why: 'new work waits for the next check',
  },
  {
    name: 'sleep: a pod that sleeps does not wake when a delayed step is due',
    file: 'src/fleet/sleep.ts',
    find: "if (sleptMs >= dueInMs) return this.#wake('due');",
    replace: "if (sleptMs >= dueInMs + 86_400_000) return this.#wake('due');",
    world: 'warehouse',
    why: 'the step waits until the next look',
  },
  {
    name: 'late reads: a pod that was just registered counts as evicted',
    file: 'src/fleet/registration.ts',
    find: 'return this.#registeredAt === undefined || sentAt - this.#registeredAt >= this.#deps.store.staleReadMs;',
    replace: 'return this.#registeredAt === undefined || sentAt >= this.#registeredAt;',
    world: 'warehouse',
    why: 'pods register again and again while their own heartbeats are read late',
  },
  {
    name: "late reads: the peers are not given the time by which they see a pod's signs late",
    file: 'src/fleet/registration.ts',
    find: 'return { heartbeatMs, deadAfterMs: deadAfterMs + staleReadMs };',
    replace: 'return { heartbeatMs, deadAfterMs: Math.max(0.5 * deadAfterMs, 0 * staleReadMs) };',
    world: 'warehouse',
    why: 'a pod is evicted before it fences itself',
  },
  {
    name: 'combining: a head that dies is never overtaken',
    file: 'src/store/snowflake/combining/turn.ts',
    find: "if (place === 'head' || waitedMs > patienceMs(times) * (1 + rank)) return { kind: 'serve' };",
    replace: "if (place === 'head' && waitedMs >= 0 * rank) return { kind: 'serve' };",
    world: 'warehouse',
    why: 'all pods wait for one that is gone',
  },
];
