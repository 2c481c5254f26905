/** How long the UPDATE of an exchange takes to compile, and with many requests and steps to run: the cost of its range join. */
import { groupOf } from '../../../src/store/snowflake/exchange/request-bind.js';
import { updated, median } from '../account.js';
import type { Finding, Measurement } from '../measurement.js';
import { emptyExchange } from './statement-shapes.js';

const RUNS = 5;
/** Patience is three times an UPDATE's time; a compile time beyond this would dominate it. */
const SLOW_COMPILE_MS = 2_000;
const STEPS = 20_000;
const REQUESTS = 50;
const DEMAND = 20;
const SLOW_EXCHANGE_MS = 10_000;

export const compileTime: Measurement = {
  name: 'compile-time',
  question: 'How long does the UPDATE of an exchange take to compile?',
  assumed: `Less than ${SLOW_COMPILE_MS} ms.`,
  minutes: 2,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const { exchange } = (await account.store()).exchange;
    const floorMs = await account.floorMs();
    const times: number[] = [];
    const ids: (string | undefined)[] = [];
    for (let i = 0; i < RUNS; i++) {
      const { ms, queryId } = await session.run(exchange, emptyExchange());
      times.push(ms - floorMs);
      ids.push(queryId);
    }
    const recorded = await account.history(session, ids);
    const compileMs =
      recorded === undefined ? Math.max(0, median(times)) : median(recorded.map((one) => one.compileMs));
    const evidence = [
      recorded === undefined ? 'time of the client, run time included' : 'COMPILATION_TIME of QUERY_HISTORY',
    ];
    const verdict = compileMs < SLOW_COMPILE_MS ? 'as assumed' : 'differs';
    return { verdict, answer: `${Math.round(compileMs)} ms (median of ${RUNS})`, evidence, figures: { compileMs } };
  },
};

export const rangeJoin: Measurement = {
  name: 'range-join',
  question: `How long does one exchange take that serves ${REQUESTS} requests from ${STEPS} due steps?`,
  assumed: `Less than ${SLOW_EXCHANGE_MS} ms (the test bed: about 300 ms), and every request is served in full.`,
  minutes: 3,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const { exchange } = (await account.store()).exchange;
    const { stepTracker, exchangeRequest } = account.names;
    await session.run(
      `INSERT INTO ${stepTracker} (step_id, row_id, step_type, payload_text)
SELECT 'range-' || n.nth, 'range-' || n.nth, 'work', '{"type":"work"}' FROM (SELECT SEQ4() AS nth FROM TABLE(GENERATOR(ROWCOUNT => ${STEPS}))) n`,
    );
    await session.run(
      `INSERT INTO ${exchangeRequest} (token, pod_id, incarnation, seq, group_id, free, prefetch, quarantine, limits, settlements, asked_ts)
SELECT 'range-' || n.nth, 'range-' || n.nth, 'range-' || n.nth, 1, '${groupOf(['work'])}', ${DEMAND}, 0, 0,
  PARSE_JSON('[{"type":"work","most":${DEMAND}}]'), PARSE_JSON('[]'), SYSDATE()
FROM (SELECT SEQ4() AS nth FROM TABLE(GENERATOR(ROWCOUNT => ${REQUESTS}))) n`,
    );
    const answer = await session.run(exchange, emptyExchange('range-own', DEMAND));
    const ms = answer.ms - (await account.floorMs());
    const claimed = updated(answer);
    const wanted = (REQUESTS + 1) * DEMAND;
    await session.run(`DELETE FROM ${exchangeRequest} WHERE ${exchangeRequest}.pod_id LIKE 'range-%'`);
    await session.run(`DELETE FROM ${stepTracker} WHERE ${stepTracker}.step_id LIKE 'range-%'`);
    const figures = { ms, claimed };
    if (claimed !== wanted) {
      return { verdict: 'differs', answer: `${claimed} steps were claimed, where ${wanted} were asked for.`, figures };
    }
    const verdict = ms < SLOW_EXCHANGE_MS ? 'as assumed' : 'differs';
    return { verdict, answer: `${Math.round(ms)} ms for ${claimed} claims`, figures };
  },
};
