/** Builds the parts of an exchange, and joins them. */
import type { Runtime } from '../../../runtime/runtime.js';
import type { Pacer } from '../combining/pacer.js';
import { RecentTokens } from '../combining/recent-tokens.js';
import type { LateReads } from '../late-read-wait.js';
import type { SignOfLifeSequence } from '../pods/sign-of-life-sequence.js';
import type { SessionHandle } from '../session/session-interface.js';
import type { StoreCalls } from '../session/store-calls.js';
import { Exchange } from './exchange.js';
import { ExpectedSteps } from './expected-steps.js';
import { LoggedExchange } from './logged-exchange.js';
import { Looks } from './looks.js';
import { ServingUpdate } from './serving-update.js';
import type { Settlements } from './settlements.js';
import type { ExchangeStatements } from './statements.js';

export interface ExchangeParts {
  readonly statements: Pick<ExchangeStatements, 'ask' | 'look' | 'exchange'>;
  /** {@link StepStatements.refresh} */
  readonly refresh: string;
  /** A statement that needs no warehouse: its time is the client's own. */
  readonly pulse: string;
  /** The session of the pool's exchange. It sends busy statements again. */
  readonly session: SessionHandle;
  /** The same session, which sends each statement once. */
  readonly sentOnce: SessionHandle;
  /** The session of recovery's settlements. */
  readonly rest: SessionHandle;
  readonly calls: Pick<StoreCalls, 'untilNotBusy' | 'pause'>;
  readonly runtime: Runtime;
  readonly settlements: Settlements;
  readonly sequence: SignOfLifeSequence;
  readonly lateReads: LateReads;
  readonly pacer: Pacer;
  /** This incarnation has logged a request that was sent at this time. */
  readonly onLogged: (incarnation: string, sentAt: number) => void;
}

export function createExchange({ statements, pulse, sentOnce, calls, onLogged, ...parts }: ExchangeParts): Exchange {
  const { session, runtime, settlements, pacer } = parts;
  const tokens = new RecentTokens();
  const expected = new ExpectedSteps();
  const looks = new Looks({ statement: statements.look, session, runtime, pacer, tokens, expected });
  const update = new ServingUpdate({ statement: statements.exchange, session, settlements, runtime, pacer });
  const logged = new LoggedExchange({
    ...{ statement: statements.ask, session: sentOnce, runtime, pacer, looks, update, onLogged },
    untilNotBusy: (statement) => calls.untilNotBusy(statement),
    pause: (ms) => calls.pause(ms),
  });
  const measureClient = async (): Promise<void> => {
    const startedAt = runtime.monotonicMs();
    await session.run(pulse);
    pacer.answered(runtime.monotonicMs() - startedAt, runtime.monotonicMs());
  };
  return new Exchange({ ...parts, tokens, expected, looks, update, logged, measureClient });
}
