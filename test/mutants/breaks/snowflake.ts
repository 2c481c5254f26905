/** Deliberate breaks of the Snowflake store. */
import type { Break } from '../break.js';

const SNOWFLAKE = 'src/store/snowflake';
const TESTS = 'test/store/snowflake';

export const snowflakeBreaks: readonly Break[] = [
  // ---- binds ----
  {
    name: 'snowflake/binds.ts: a part may be one item larger than a bind',
    file: `${SNOWFLAKE}/binds.ts`,
    find: 'bytes + size > MOST_BYTES',
    replace: 'bytes > MOST_BYTES',
    tests: [`${TESTS}/binds.test.ts`],
  },
  {
    name: 'snowflake/binds.ts: a part may have one item more than a statement takes',
    file: `${SNOWFLAKE}/binds.ts`,
    find: 'texts.length >= most',
    replace: 'texts.length > most',
    tests: [`${TESTS}/binds.test.ts`],
  },
  {
    name: 'snowflake/binds.ts: a new part counts the bytes of the old one',
    file: `${SNOWFLAKE}/binds.ts`,
    find: '[texts, from, bytes] = [[], at, 0];',
    replace: '[texts, from] = [[], at];',
    tests: [`${TESTS}/binds.test.ts`],
  },
  // ---- schema guard ----
  {
    name: 'snowflake/schema-guard.ts: an older answer that comes late counts',
    file: `${SNOWFLAKE}/schema-guard.ts`,
    find: 'if (askedAt < this.#askedAt) return;',
    replace: '',
    tests: [`${TESTS}/schema-guard.test.ts`],
  },
  {
    name: 'snowflake/schema-guard.ts: an answer is as old as its coming',
    file: `${SNOWFLAKE}/schema-guard.ts`,
    find: 'this.#askedAt = askedAt;',
    replace: 'this.#askedAt = this.#parts.runtime.monotonicMs();',
    tests: [`${TESTS}/schema-guard.test.ts`],
  },
  {
    name: 'snowflake/schema-guard.ts: a reading that failed is the last',
    file: `${SNOWFLAKE}/schema-guard.ts`,
    find: `    } finally {
      this.#reading = undefined;
    }`,
    replace: '      this.#reading = undefined;\n    } finally {\n      void 0;\n    }',
    tests: [`${TESTS}/schema-guard.test.ts`],
  },
  // ---- sequence and signs ----
  {
    name: 'snowflake/sequence.ts: two signs of one ms have the same number',
    file: `${SNOWFLAKE}/sequence.ts`,
    find: 'Math.max(this.#last + 1, ',
    replace: 'Math.max(this.#last, ',
    tests: [`${TESTS}/signs.test.ts`],
  },
  {
    name: 'snowflake/sequence.ts: another handle of the same pod begins below it',
    file: `${SNOWFLAKE}/sequence.ts`,
    find: 'Math.max(this.#last + 1, Math.floor(this.#runtime.wallMs()))',
    replace: '(void this.#runtime, this.#last + 1)',
    tests: [`${TESTS}/signs.test.ts`],
  },
  {
    name: 'snowflake/pods.ts: a sleeper appends a heartbeat',
    file: `${SNOWFLAKE}/pods/pods.ts`,
    find: "event: asleep ? 'asleep' : 'heartbeat',",
    replace: "event: asleep && !eligible ? 'heartbeat' : asleep ? 'asleep' : 'heartbeat',",
    tests: [`${TESTS}/signs.test.ts`],
  },
  {
    name: 'snowflake/pods.ts: what a round trip leaves open counts as a wrong clock',
    file: `${SNOWFLAKE}/pods/pods.ts`,
    find: 'return answeredAt < serverMs ? answeredAt - serverMs : 0;',
    replace: 'return answeredAt - serverMs;',
    tests: [`${TESTS}/signs.test.ts`],
  },
  {
    name: 'snowflake/pods.ts: whoever was suspected counts as evicted',
    file: `${SNOWFLAKE}/pods/pods.ts`,
    find: 'return pods.filter(({ incarnation }) => gone.has(incarnation));',
    replace: 'return pods.filter(() => gone.size > 0);',
    tests: [`${TESTS}/signs.test.ts`],
  },
  // ---- the combiner ----
  {
    name: 'snowflake/combiner.ts: an idle exchange sends an UPDATE that could match nothing',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'if (asked) this.#expectsWork = due > 0;',
    replace: 'if (asked) this.#expectsWork = due >= 0;',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: pods that want the same types in another order are of another group',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'JSON.stringify([...types].sort())',
    replace: 'JSON.stringify([...types])',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: free slots and prefetch together are more than an exchange takes',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'Math.max(0, BATCH - (claim?.free ?? 0))',
    replace: 'BATCH',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: poison that may not be taken counts as due',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'claim.quarantine === 1 ? Number.MAX_SAFE_INTEGER : 1',
    replace: 'claim.quarantine === 1 ? Number.MAX_SAFE_INTEGER : 2',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: a step with a crash counts as due where no slot is free',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'claim === undefined || claim.free === 0 ? 0',
    replace: 'claim === undefined ? 0',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: a void claim is shown',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: "claims: claims.filter((row) => text(row, 'STATE') === 'first')",
    replace: "claims: claims.filter((row) => text(row, 'STATE') !== '')",
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: a void claim is given back with every exchange',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'this.#voids.clear(); // where',
    replace: '// where',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: receipts of the first parts are not asked for',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: `      await this.#apply(session, pod, last);
      collect(states, await this.#receipts(session, pod, last.items));
      last = next;`,
    replace: '      await this.#apply(session, pod, last);\n      last = next;',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: another session is asked for the receipts of recovery',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'return this.#told(rest, pod, settlements, await this.#settle(rest, pod, settlements));',
    replace: 'return this.#told(rest, pod, settlements, await this.#settle(this.#parts.session, pod, settlements));',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: a settlement of an archived step is lost',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'if (absent.length > 0) collect',
    replace: 'if (absent.length > settlements.length) collect',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: back-pressure makes settlements go alone',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'if (own === undefined || !isRefused(error)) throw error;',
    replace: 'if (own === undefined || !(isRefused(error) || error instanceof Error)) throw error;',
    tests: [`${TESTS}/combiner.test.ts`],
  },
  {
    name: 'snowflake/combiner.ts: a round of types that found nothing is taken for the end',
    file: `${SNOWFLAKE}/exchange/combiner.ts`,
    find: 'seen.due > 0 || !complete ? 0 : seen.nextMs',
    replace: 'seen.due > 0 ? 0 : seen.nextMs',
    tests: [`${TESTS}/type-turns.test.ts`],
  },
  {
    name: 'snowflake/type-turns.ts: a limit that changes begins the round anew',
    file: `${SNOWFLAKE}/exchange/type-turns.ts`,
    find: '|| this.#served.has(next[0])) continue;',
    replace: ') continue;',
    tests: [`${TESTS}/type-turns.test.ts`],
  },
  // ---- calls ----
  {
    name: 'snowflake/calls.ts: closing waits for the end of the back-pressure',
    file: `${SNOWFLAKE}/session/calls.ts`,
    find: '    this.#impatience.abort();\n',
    replace: '',
    tests: [`${TESTS}/calls.test.ts`],
  },
  {
    name: 'snowflake/driver-error.ts: what was not run may be told as a failure',
    file: `${SNOWFLAKE}/session/driver-error.ts`,
    find: "error.code === '000625' ||",
    replace: "error.code === '625' ||",
    tests: [`${TESTS}/calls.test.ts`],
  },
  // ---- retention ----
  {
    name: 'snowflake/retention.ts: registrations and what is left of them go in one cycle',
    file: `${SNOWFLAKE}/housekeeping/retention.ts`,
    find: `    if (many('forgetSigns') > 0) await this.#delete(statements.forgetSigns, bind);
    if (many('forgetPods') > 0) await this.#delete(statements.forgetPods, bind);`,
    replace: `    if (many('forgetPods') > 0) await this.#delete(statements.forgetPods, bind);
    if (many('forgetSigns') > 0) await this.#delete(statements.forgetSigns, bind);`,
    tests: [`${TESTS}/retention.test.ts`],
  },
  {
    name: 'snowflake/retention.ts: a short retention takes what a statement may still be about',
    file: `${SNOWFLAKE}/housekeeping/retention.ts`,
    find: 'Math.ceil(Math.max(keepMs, HOT_MS))',
    replace: 'Math.ceil(keepMs)',
    tests: [`${TESTS}/retention.test.ts`],
  },
  {
    name: 'snowflake/retention.ts: a full piece is the last',
    file: `${SNOWFLAKE}/housekeeping/retention.ts`,
    find: 'more: removed >= chunk ||',
    replace: 'more: removed > chunk ||',
    tests: [`${TESTS}/retention.test.ts`],
  },
  {
    name: 'snowflake/retention.ts: steps that cannot be moved are tried without an end',
    file: `${SNOWFLAKE}/housekeeping/retention.ts`,
    find: "(moved > 0 && many('archive') > 0)",
    replace: "many('archive') > 0",
    tests: [`${TESTS}/retention.test.ts`],
  },
  // ---- names ----
  {
    name: 'snowflake/names.ts: a backslash in a text is an escape',
    file: `${SNOWFLAKE}/names.ts`,
    find: ".replaceAll('\\\\', '\\\\\\\\')",
    replace: '',
    tests: [`${TESTS}/statements.test.ts`],
  },
  // ---- statements ----
  {
    name: 'snowflake/exchange.ts: the UPDATE trusts the version that its source has read',
    file: `${SNOWFLAKE}/exchange/statements.ts`,
    find: 'AND t.row_id = n.its_row AND t.version = n.seen AND t.status = IFF',
    replace: 'AND t.row_id = n.its_row AND t.status = IFF',
    tests: [`${TESTS}/exchange.test.ts`],
  },
  {
    name: 'snowflake/exchange.ts: the UPDATE trusts the status that its source has read',
    file: `${SNOWFLAKE}/exchange/statements.ts`,
    find: " AND t.status = IFF(n.guard IS NULL, 'pending', 'claimed')",
    replace: '',
    tests: [`${TESTS}/exchange.test.ts`],
  },
  {
    name: 'snowflake/exchange.ts: equals are claimed in the order of their ids',
    file: `${SNOWFLAKE}/exchange/statements.ts`,
    find: "['prio DESC', 'due_ts', 'made_ts', 'made_at', 'its_step']",
    replace: "['prio DESC', 'due_ts', 'made_ts', 'its_step']",
    tests: [`${TESTS}/exchange.test.ts`],
  },
  {
    name: 'snowflake/exchange.ts: a request that was filled in part is served again',
    file: `${SNOWFLAKE}/exchange/statements.ts`,
    find: 'WHERE v.used IS NULL AND e.gone IS NULL AND',
    replace: 'WHERE e.gone IS NULL AND',
    tests: [`${TESTS}/exchange.test.ts`],
  },
  {
    name: 'snowflake/exchange.ts: an older request of an incarnation counts beside its newest',
    file: `${SNOWFLAKE}/exchange/statements.ts`,
    find: 'PARTITION BY a.incarnation ORDER BY a.seq DESC',
    replace: 'PARTITION BY a.incarnation, a.token ORDER BY a.seq DESC',
    tests: [`${TESTS}/exchange.test.ts`],
  },
  {
    name: 'snowflake/exchange.ts: a step with a crash may be held ahead',
    file: `${SNOWFLAKE}/exchange/statements.ts`,
    find: 'k.rank_no <= w.ahead_to AND k.struck = 0)',
    replace: 'k.rank_no <= w.ahead_to AND k.struck < 2)',
    tests: [`${TESTS}/exchange.test.ts`],
  },
  {
    name: 'snowflake/columns.ts: a column is left behind on the way to the archive',
    file: `${SNOWFLAKE}/columns.ts`,
    find: 'export const STEP_COLUMNS = Object.keys(STEP_TRACKER) as',
    replace: "export const STEP_COLUMNS = Object.keys(STEP_TRACKER).filter((name) => name !== 'settled_by') as",
    tests: [`${TESTS}/archive.test.ts`],
  },
  {
    name: 'snowflake/housekeeping.ts: a step that ends again is not archived again',
    file: `${SNOWFLAKE}/housekeeping/statements.ts`,
    find: 'ON a.step_id = s.step_id AND a.version = s.version\nWHERE a.step_id IS NULL',
    replace: 'ON a.step_id = s.step_id\nWHERE a.step_id IS NULL',
    tests: [`${TESTS}/archive.test.ts`],
  },
  {
    name: 'snowflake/housekeeping.ts: a whole history is archived at once',
    file: `${SNOWFLAKE}/housekeeping/statements.ts`,
    find: '  ORDER BY ended_ts, id LIMIT ${count(chunk)}\n)\nSELECT ${columnsOf',
    replace: '  ORDER BY ended_ts, id LIMIT ${count(chunk * 1000)}\n)\nSELECT ${columnsOf',
    tests: [`${TESTS}/archive.test.ts`],
  },
];
