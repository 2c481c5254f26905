/** Defects in how steps are claimed, started, ordered and given back. */
import type { Mutant } from '../mutant.js';

const CHANNEL = 'src/pool/exchange/exchange-channel.ts';
const STATE = 'src/pool/pool-state.ts';
const WALKS = 'src/store/sqlite/claiming/statements.ts';

export const claimMutants: readonly Mutant[] = [
  {
    name: 'claims: an exchange is repeated without reading back',
    file: CHANNEL,
    find: 'else this.#unanswered = readBack ?? { pod, token, since: this.#deps.runtime.monotonicMs() };',
    replace: 'else this.#unanswered = undefined;',
    world: 'sqlite',
    why: 'claims whose reply was lost stand until two heartbeats have shown them',
  },
  {
    name: 'claims: what is read back runs a second time',
    file: 'src/pool/claims/held-claims.ts',
    find: 'return claims.filter((claim) => !keys.has(fenceKey(claim)));',
    replace: 'return claims.filter((claim) => !keys.has(`${fenceKey(claim)} `));',
    world: 'warehouse',
    why: 'one pod runs one claim twice',
  },
  {
    name: 'claims: unknown claims are not given back',
    file: 'src/pool/exchange/heartbeat-reconciler.ts',
    find: '      claims.giveBackUnknown(fence, pod);\n',
    replace: '',
    world: 'sqlite',
    why: 'a claim that landed late stands for as long as its pod lives',
  },
  {
    name: 'claims: unknown claims are given back at once',
    file: 'src/pool/claims/claim-comparison.ts',
    find: 'return since !== undefined && snapshot.takenAt - since >= this.#staleReadMs;',
    replace: 'return since === undefined || snapshot.takenAt - since >= this.#staleReadMs;',
    world: 'warehouse',
    why: 'a late heartbeat takes a claim from its holder',
  },
  {
    name: 'claims: no status guard in the claim',
    file: WALKS,
    find: "WHERE rowid IN (SELECT value FROM json_each(?)) AND status = 'pending'`;",
    replace: "WHERE rowid IN (SELECT value FROM json_each(?)) OR status = 'completed'`;",
    world: 'sqlite',
    why: 'a step that has ended is claimed',
  },
  {
    name: 'claims: a fenced pod starts what it holds',
    // The pool's state and the self-fence each keep a fenced pod from starting anything.
    file: 'src/pool/pool-assembly.ts',
    find: '    state,\n    claims,\n    executor,\n    isolation,\n    slice,\n    mayProceed,',
    replace: `    state: {
      current: state.current,
      isStopping: false,
      get permissions() {
        const { permissions, current } = state;
        return current.membership === 'halted' ? { ...permissions, mayStart: true } : permissions;
      },
    },
    claims,
    executor,
    isolation,
    slice,
    mayProceed: () => true,`,
    world: 'sqlite',
    why: 'a pod that its peers may have declared dead starts a step that another has',
  },
  {
    name: 'claims: a pod that stops goes on claiming',
    file: STATE,
    find: "draining: ['mayClaim', 'mayLook', 'mayKeep', 'mayStart'],",
    replace: 'draining: [],',
    world: 'sqlite',
    why: 'it leaves with claims that it has not given back',
  },
  {
    name: 'claims: an incarnation starts what the one before it has claimed',
    file: 'src/pool/claims/held-claims.ts',
    find: 'return this.ready.take(() => true);',
    replace: 'return this.ready.take(() => false);',
    world: 'sqlite',
    why: 'a pod that was evicted while it was frozen starts orphans',
  },
  {
    name: 'claims: a delayed step is claimed before its time',
    file: 'src/store/sqlite/steps/submissions.ts',
    find: 'const ready = due <= now ? 1 : 0;',
    replace: 'const ready = due <= now + 60_000 ? 1 : 0;',
    world: 'sqlite',
    why: 'it runs before it is due',
  },
  {
    name: 'claims: a retry does not wait',
    file: 'src/store/sqlite/steps/settlements.ts',
    find: 'delay > 0 ? 1 : 0,',
    replace: 'delay > 60_000_000 ? 1 : 0,',
    world: 'sqlite',
    why: 'a step that fails runs again before its pause is over',
  },
  {
    name: 'claims: delayed steps are never promoted',
    file: WALKS,
    find: "WHERE status = 'pending' AND due = 0 AND run_at <= ? ORDER BY run_at, priority DESC LIMIT ?\n)`;",
    replace:
      "WHERE status = 'pending' AND due = 0 AND run_at <= ? - 86400000 ORDER BY run_at, priority DESC LIMIT ?\n)`;",
    world: 'sqlite',
    why: 'they starve',
  },
  {
    name: 'claims: the newest step goes first',
    file: WALKS,
    find: "const RANK = 's.priority DESC, s.run_at, s.rowid';",
    replace: "const RANK = 's.priority DESC, s.run_at DESC, s.rowid DESC';",
    world: 'sqlite',
    why: 'old steps starve among equals',
  },
  {
    name: 'claims: a claim that was settled is taken again',
    file: 'src/store/snowflake/combining/recent-tokens.ts',
    find: 'claim.claimToken === readBack || !this.#had.has(fenceKey(claim))',
    replace: 'claim.claimToken === readBack || !this.#had.has(`${fenceKey(claim)} `)',
    world: 'warehouse',
    why: 'a late look brings a claim again that its pod has settled, and the step runs twice',
  },
  {
    name: 'claims: a claim of the second row of a step is run',
    file: 'src/store/snowflake/exchange/seen.ts',
    find: "claims: inState('first'),\n    voids: inState('void'),",
    replace: "claims: [...inState('first'), ...inState('void')],\n    voids: [],",
    world: 'warehouse',
    why: 'two pods run one step through two rows',
  },
];
