/** An exchange whose statements a test answers, and the rows of such answers. */
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Settlement } from '../../../../src/store/contract.js';
import { Pacer } from '../../../../src/store/snowflake/combining/pacer.js';
import { createExchange } from '../../../../src/store/snowflake/exchange/create-exchange.js';
import { Settlements } from '../../../../src/store/snowflake/exchange/settlements.js';
import { LateReads } from '../../../../src/store/snowflake/late-read-wait.js';
import { SignOfLifeSequence } from '../../../../src/store/snowflake/pods/sign-of-life-sequence.js';
import type { Row, SessionHandle } from '../../../../src/store/snowflake/session/session-interface.js';

export const POD = { podId: 'pod', incarnation: 'life' };
const NAMES = ['source', 'ask', 'exchange', 'settle', 'look', 'receipts', 'archivedReceipts'] as const;
const STATEMENTS = Object.fromEntries(NAMES.map((name) => [name, name])) as Record<(typeof NAMES)[number], string>;

export interface Sent {
  readonly statement: string;
  readonly bind: any;
  /** Whether it went over the session of the exchange. */
  readonly own: boolean;
}

/** What a statement is answered; an error is thrown. */
type Answer = (statement: string, bind: any) => readonly Row[] | Error;

interface Play {
  readonly logins?: () => number;
  readonly staleReadMs?: number;
  /** How long a statement takes, in ms. Default: no time. */
  readonly tookMs?: (statement: string) => number;
}

/** An exchange whose statements get the given replies. It records what it sends. */
export function exchanging(answer: Answer = () => [], play: Play = {}) {
  const { logins = () => 1, staleReadMs = 10_000, tookMs = () => 0 } = play;
  const sent: Sent[] = [];
  const waits: number[] = [];
  const logged: string[] = [];
  const runtime = new VirtualRuntime();
  const handle = (own: boolean): SessionHandle => ({
    get logins() {
      return logins();
    },
    run: async (statement, text) => {
      const bind: unknown = text === undefined ? undefined : JSON.parse(text);
      sent.push({ statement, bind, own });
      const answered = answer(statement, bind);
      const ms = tookMs(statement);
      if (ms > 0) await runtime.advance(ms);
      if (answered instanceof Error) throw answered;
      return answered.map((row) => (row['GUARD'] === NEWEST ? { ...row, GUARD: newestOf(bind) } : row));
    },
  });
  const lateReads = new LateReads(staleReadMs, async (ms) => void waits.push(ms));
  const pacer = new Pacer({ statementSlots: 8, combines: true });
  const session = handle(true);
  const exchange = createExchange({
    ...{ statements: STATEMENTS, refresh: 'refresh', pulse: 'pulse', runtime, lateReads, pacer },
    ...{ session, sentOnce: session, rest: handle(false) },
    settlements: new Settlements({ statements: STATEMENTS, refresh: 'refresh', lateReads }),
    sequence: new SignOfLifeSequence(runtime),
    onLogged: (incarnation) => logged.push(incarnation),
    calls: {
      untilNotBusy: (statement) => statement(),
      pause: async (ms) => {
        waits.push(ms);
        await runtime.advance(ms);
      },
    },
  });
  /** The names of what was sent since the last time. */
  const names = (): string[] => sent.splice(0).map(({ statement }) => statement);
  return { exchange, sent, names, waits, runtime, pacer, logged };
}

/** A fact of a look. */
export const fact = (name: string, value: number | null): Row => ({ KIND: 'fact', ID: name, SEEN: value });

/** The facts of a look about work. All of it is overdue unless said otherwise. */
export const work = (due: number, nextMs: number | null = null, overdue = due): Row[] => [
  fact('due', due),
  fact('overdue', overdue),
  fact('nextMs', nextMs),
];

const NEWEST = 'the newest token';
const newestOf = (bind: unknown) => (bind as { tokens: string[] }).tokens.at(-1);

/** @param token the newest token that the look asks for, unless given */
export const claimed = (stepId: string, rank: number, state = 'first', token = NEWEST): Row => ({
  ...{ KIND: 'claim', ID: stepId, GUARD: token, SEEN: 2, STATE: state, RANK_NO: rank, ITS_TYPE: 'work' },
  ...{ ITS_PAYLOAD: '{}', ITS_PRIORITY: 0, RETRIES: 0, MOST_RETRIES: 3, STRUCK: 0, RUN_AT_MS: 1, CREATED_AT_MS: 1 },
});

export const receipt = ({ stepId, claimToken, version }: Settlement, state: string): Row => ({
  ...{ KIND: 'receipt', ID: stepId, GUARD: claimToken, SEEN: version, STATE: state },
});
