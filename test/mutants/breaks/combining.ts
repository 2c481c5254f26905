/** Deliberate breaks of the rules of combining, and of exchanges through the log. */
import type { Break } from '../break.js';

const RULES = 'src/store/snowflake/combining';
const EXCHANGE = 'src/store/snowflake/exchange';
const TESTS = 'test/store/snowflake';
const LOGGED = `${TESTS}/logged-exchange.test.ts`;

export const combiningBreaks: readonly Break[] = [
  {
    name: 'combining/asking: a pod that hands nothing in asks for work that is not overdue',
    file: `${RULES}/asking.ts`,
    find: 'if (overdue === 0) return false;',
    replace: '',
    tests: [`${TESTS}/combining/asking.test.ts`],
  },
  {
    name: 'combining/asking: every idle pod asks for one step',
    file: `${RULES}/asking.ts`,
    find: 'random < (ASKERS_PER_NEED * needed) / lookers',
    replace: 'random < 1 + 0 * (ASKERS_PER_NEED * needed)',
    tests: [`${TESTS}/combining/asking.test.ts`],
  },
  {
    name: 'combining/ease: a refused INSERT does not lengthen the interval',
    file: `${RULES}/ease.ts`,
    find: 'ease * LONGER ** refusals',
    replace: 'ease * 1 ** (refusals * LONGER)',
    tests: [`${TESTS}/combining/pace.test.ts`],
  },
  {
    name: 'combining/ease: refused INSERTs lengthen the interval without end',
    file: `${RULES}/ease.ts`,
    find: 'Math.min(MOST, ease * LONGER ** refusals)',
    replace: 'ease * LONGER ** refusals + 0 * MOST',
    tests: [`${TESTS}/combining/pace.test.ts`],
  },
  {
    name: 'combining/path: a pod goes direct among others',
    file: `${RULES}/path.ts`,
    find: 'sinceMs > QUIET_UPDATES * updateMs',
    replace: 'sinceMs > updateMs + 0 * QUIET_UPDATES',
    tests: [`${TESTS}/combining/turn.test.ts`],
  },
  {
    name: 'combining/measurements: the slot time of a SELECT has no bound',
    file: `${RULES}/measurements.ts`,
    find: 'return Math.min(most, Math.max(least, median(this.#selects) ?? first));',
    replace: 'return Math.max(least, median(this.#selects) ?? first) + 0 * most;',
    tests: [`${TESTS}/combining/pace.test.ts`],
  },
  {
    name: 'combining/pacer: a request dated ahead keeps a pod on the log path',
    file: `${RULES}/pacer.ts`,
    find: 'now - Math.max(0, otherMs)',
    replace: 'now - otherMs',
    tests: [`${TESTS}/combining/pacer.test.ts`],
  },
  {
    name: 'combining/pace: one storm sets intervals of minutes',
    file: `${RULES}/pace.ts`,
    find: 'Math.min(SLOT_MS.most, Math.max(0, slotMs ?? SLOT_MS.first))',
    replace: 'Math.max(0, slotMs ?? SLOT_MS.first)',
    tests: [`${TESTS}/combining/pace.test.ts`],
  },
  {
    name: 'combining/path: all pods of an idle fleet send an UPDATE of their own for the same new work',
    file: `${RULES}/path.ts`,
    find: 'return !isShared && isQuiet(otherMs)',
    replace: 'return isQuiet(otherMs)',
    tests: [`${TESTS}/combining/turn.test.ts`, `${TESTS}/combining/pacer.test.ts`],
  },
  {
    name: 'combining/recent-tokens: a look asks for the newest token alone',
    file: `${RULES}/recent-tokens.ts`,
    find: 'return [...this.#tokens.keys()];',
    replace: 'return [...this.#tokens.keys()].slice(-1);',
    tests: [`${TESTS}/combining/recent-tokens.test.ts`],
  },
  {
    name: 'combining/recent-tokens: a claim is forgotten while its token is asked for',
    file: `${RULES}/recent-tokens.ts`,
    find: 'const REMEMBERED_MS = 2 * ASKED_FOR_MS;',
    replace: 'const REMEMBERED_MS = ASKED_FOR_MS / 2;',
    tests: [`${TESTS}/combining/recent-tokens.test.ts`],
  },
  {
    name: 'exchange/serving-update: an UPDATE that is refused permanently is not repeated alone',
    file: `${EXCHANGE}/serving-update.ts`,
    find: 'await this.#update(runner, updateBind({ ...request, skip: 0 }, 0));',
    replace: 'await this.#update(runner, updateBind({ ...request, skip: 0 }));',
    tests: [LOGGED],
  },
  {
    name: 'exchange/fragments: a request dated ahead is served for as long as its date lies ahead',
    file: 'src/store/snowflake/statements/fragments.ts',
    find: ' AND r.asked_ts < DATEADD(millisecond, 60000, SYSDATE())',
    replace: '',
    tests: [`${TESTS}/look-statement.test.ts`],
  },
  {
    name: 'combining/turn: a silent head is never overtaken',
    file: `${RULES}/turn.ts`,
    find: "if (place === 'head' || waitedMs > patienceMs(updateMs) * (1 + rank)) return { kind: 'serve' };",
    replace: "if (place === 'head') return { kind: 'serve' };",
    tests: [`${TESTS}/combining/turn.test.ts`],
  },
  {
    name: 'combining/turn: all pods behind overtake a silent head at once',
    file: `${RULES}/turn.ts`,
    find: 'patienceMs(updateMs) * (1 + rank)',
    replace: 'patienceMs(updateMs)',
    tests: [`${TESTS}/combining/turn.test.ts`, LOGGED],
  },
  {
    name: 'snowflake/logged-exchange: an UPDATE that is turned away is sent without end',
    file: `${EXCHANGE}/logged-exchange.ts`,
    find: 'if (!isBusy(error) || isLast) throw error;',
    replace: 'if (!isBusy(error) || (isLast && Date.now() < 0)) throw error;',
    tests: [LOGGED],
  },
  {
    name: 'snowflake/logged-exchange: outcomes that read as not applied count as answered',
    file: `${EXCHANGE}/logged-exchange.ts`,
    find: "const place = seen.place === 'served' && isUnsettled ? 'behind' : seen.place;",
    replace: "const place = seen.place === 'served' && isUnsettled ? 'served' : seen.place;",
    tests: [LOGGED],
  },
  {
    name: 'snowflake/logged-exchange: a request that no look shows is logged without end',
    file: `${EXCHANGE}/logged-exchange.ts`,
    find: "place: place === 'absent' && !mayLog ? 'behind' : place",
    replace: "place: place === 'absent' && !mayLog ? 'served' : place",
    tests: [LOGGED],
  },
  {
    name: 'snowflake/looks: the looks of other pods do not pace this one',
    file: `${EXCHANGE}/looks.ts`,
    find: 'pacer.looked(seen, now);',
    replace: '',
    tests: [LOGGED],
  },
  {
    name: 'snowflake/serving-update: settlements fail with the request of another pod',
    file: `${EXCHANGE}/serving-update.ts`,
    find: 'await this.#alone(request, runner);',
    replace: 'throw error;',
    tests: [`${TESTS}/exchange.test.ts`],
  },
  {
    name: 'snowflake/statements: a served request is the head',
    file: `${EXCHANGE}/statements/logged-requests.ts`,
    find: 'WHERE v.used IS NULL AND e.gone IS NULL`',
    replace: 'WHERE e.gone IS NULL`',
    tests: [`${TESTS}/look-statement.test.ts`],
  },
  {
    name: 'pool/held-claims: a claim that is read back runs twice',
    file: 'src/pool/claims/held-claims.ts',
    find: 'return claims.filter((claim) => !keys.has(fenceKey(claim)));',
    replace: 'return claims.filter((claim) => !keys.has(`${fenceKey(claim)} `));',
    tests: ['test/pool/exchange/exchange-loop.test.ts'],
  },
];
