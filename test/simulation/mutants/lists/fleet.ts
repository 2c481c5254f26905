/** Defects in membership: who is alive, who is evicted, who leads, and what becomes of orphans. */
import type { Mutant } from '../mutant.js';

const PODS = 'src/store/sqlite/pods/statements.ts';
const HEARTBEAT = 'src/fleet/heartbeat.ts';
const WATCH = 'src/fleet/peer-watch.ts';
const CYCLE = 'src/fleet/recovery-cycle.ts';

export const fleetMutants: readonly Mutant[] = [
  {
    name: "fleet: death is judged by a pod's own clock",
    file: 'src/store/sqlite/clock/store-clock.ts',
    find: 'return Math.floor(this.#base + this.#runtime.monotonicMs() - this.#since);',
    replace: 'return this.#since > 0 ? this.#runtime.wallMs() : Math.floor(this.#base);',
    world: 'sqlite',
    why: 'a pod whose clock jumps ahead evicts the others',
  },
  {
    name: 'fleet: death is judged by one look',
    file: WATCH,
    find: 'return isSilent(view) && watchedMs >= this.#longEnoughMs(view)',
    replace: 'return isSilent(view) && watchedMs > -this.#longEnoughMs(view)',
    world: 'sqlite',
    why: 'after an outage of the store the first pod that it answers evicts all others',
  },
  {
    name: 'fleet: an outage counts as silence of the others',
    file: WATCH,
    find: 'return { countedMs: Math.min(now - before, this.#intervalMs), answeredForMs: before - this.#answeredSince };',
    replace: 'return { countedMs: now - before, answeredForMs: before - Math.min(this.#answeredSince, -1e15) };',
    world: 'sqlite',
    why: 'after an outage of the store pods evict the living',
  },
  {
    name: 'fleet: the eviction is not checked again',
    file: PODS,
    find: 'AND asleep = 0 AND ? - last_heartbeat_ts > dead_after_ms`;',
    replace: 'AND asleep = 0 AND ? - last_heartbeat_ts > -dead_after_ms`;',
    world: 'sqlite',
    why: 'a leader with an old view evicts a pod that has come back',
  },
  {
    name: 'fleet: a late heartbeat revives an evicted incarnation',
    file: PODS,
    find: 'eligible = ?, asleep = ?, meta = ?, host_ms = ?, boot = ?, beat = beat + 1\nWHERE incarnation = ? AND final IS NULL`;',
    replace:
      'eligible = ?, asleep = ?, meta = ?, host_ms = ?, boot = ?, beat = beat + 1, final = NULL\nWHERE incarnation = ?`;',
    world: 'sqlite',
    why: 'it goes on with claims that are orphans',
  },
  {
    name: 'fleet: a superseded pod that was evicted registers again',
    file: HEARTBEAT,
    find: '    this.#succession.check(view, pod, sent);\n    if (!isMember) return this.#evicted();',
    replace: '    if (!isMember) return this.#evicted();\n    this.#succession.check(view, pod, sent);',
    world: 'sqlite',
    why: 'two pods with one podId supersede each other for ever',
  },
  {
    name: 'fleet: a superseded pod goes on',
    file: 'src/fleet/succession.ts',
    find: "if (successor !== undefined) fence.drain('superseded');",
    replace: "if (successor !== undefined && view.outdated) fence.drain('superseded');",
    world: 'sqlite',
    why: 'two pods with one podId work side by side',
  },
  {
    name: 'fleet: self-fencing is off',
    file: 'src/fleet/self-fence.ts',
    find: "if (aheadMs > this.marginMs || (this.#watch.running && stoodStillMs > this.marginMs)) return 'frozen';\n    return passedMs >= this.fenceAfterMs ? 'silent' : undefined;",
    replace: "return aheadMs + stoodStillMs + passedMs > 1e15 ? 'silent' : undefined;",
    world: 'sqlite',
    why: 'a pod that its peers may have declared dead goes on',
  },
  {
    name: 'fleet: the heartbeat stops before the drain',
    file: 'src/pod.ts',
    find: 'for (const service of this.#services.toReversed()) await service.stop();',
    replace: 'for (const service of this.#services) await service.stop();',
    world: 'sqlite',
    why: 'a pod that stops leaves the fleet while its handlers run, and its steps run twice',
  },
  {
    name: 'fleet: every pod leads',
    file: 'src/fleet/elector.ts',
    find: 'const leads = this.#leader?.pod.incarnation === self.incarnation && !this.#fence.final;',
    replace: 'const leads = this.#leader !== undefined && !this.#fence.final;',
    world: 'sqlite',
    why: 'each pod runs recovery',
  },
  {
    name: 'fleet: orphans are sought only among pods that died in this cycle',
    file: CYCLE,
    find: 'const page = unseen(decideOrphans(this.#ofOthers(orphans)), seen);',
    replace: `const died = new Set(this.#deadPods.map(({ incarnation }) => incarnation));
      const page = unseen(
        decideOrphans(this.#ofOthers(orphans)).filter(({ orphan }) => died.has(orphan.holder.incarnation)),
        seen,
      );`,
    world: 'sqlite',
    why: 'a claim that lands after its pod was evicted is never found',
  },
  {
    name: 'fleet: orphans are judged by silence',
    file: 'src/store/sqlite/claiming/statements.ts',
    find: 'AND (p.incarnation IS NULL OR p.final IS NOT NULL OR p.asleep = 1)',
    replace:
      'AND (p.incarnation IS NULL OR p.final IS NOT NULL OR p.asleep = 1 OR p.last_heartbeat_ts + p.dead_after_ms / 2 < (SELECT max(m.last_heartbeat_ts) FROM POD_HEALTH m))',
    world: 'sqlite',
    why: 'a pod that is slow for a moment loses its claims',
  },
  {
    name: 'fleet: a pod that leaves is not final',
    file: PODS,
    find: "UPDATE POD_HEALTH SET final = 'left', status = 'down' WHERE incarnation = ? AND final IS NULL`;",
    replace: "UPDATE POD_HEALTH SET status = 'down' WHERE incarnation = ? AND final IS NULL`;",
    world: 'sqlite',
    why: 'each deployment leaves members behind that must be evicted, and charges their steps',
  },
  {
    name: 'fleet: a claim whose holder is unknown is an orphan at once',
    file: 'src/store/snowflake/pods/pod-log.ts',
    find: 'JSON.stringify({ unseenMs: Math.max(UNSEEN_MS, 2 * staleReadMs) });',
    replace: 'JSON.stringify({ unseenMs: Math.min(0, UNSEEN_MS, 2 * staleReadMs) });',
    world: 'warehouse',
    why: 'a leader that reads late takes the claims of a pod that has just registered or woken up',
  },
];
