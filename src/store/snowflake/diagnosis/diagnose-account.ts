/**
 * Diagnoses the account, the warehouse and the tables, over a session of its own.
 *
 * Invariants:
 * - No table is created or migrated, and no step is read or changed. The privileges are tried by statements that change
 *   nothing.
 * - The sessions of the pod wait for none of its statements. Its own has a short deadline, and is closed at the end.
 * - If the session cannot log in, that is one failure, and no other check is made.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { Finding, StoreDiagnosis } from '../../contract.js';
import { checks, ok, type Check, type Observation } from '../../diagnosis/check.js';
import { failureOf, runChecks } from '../../diagnosis/run-checks.js';
import type { OpeningContext } from '../opening/opening-context.js';
import type { ConnectionSource, ResolvedOptions, SnowflakeConnection } from '../options.js';
import { podOf } from '../rows.js';
import { Session, type SessionDependencies } from '../session/session.js';
import { storeError } from '../session/error-mapping.js';
import { StepReads } from '../steps/step-reads.js';
import { AccountContext, readFacts } from './account-context.js';
import { CONNECTION_CHECKS } from './connection-checks.js';
import { TABLE_CHECKS } from './table-checks.js';
import { WAREHOUSE_CHECKS } from './warehouse-checks.js';

/** How long a statement may take. A view of ACCOUNT_USAGE takes seconds, and a warehouse has to resume first. */
const STATEMENT_MS = 20_000;
const LIMITS = { timeoutMs: 30_000, totalMs: 120_000 };

export interface AccountDiagnosisInputs {
  readonly runtime: Runtime;
  readonly options: ResolvedOptions;
  readonly sessionParts: SessionDependencies;
  /** What opening the tables needs, without sessions. */
  readonly opening: Omit<OpeningContext, 'sessions'>;
}

export const ACCOUNT_CHECKS = checks<AccountContext>([...CONNECTION_CHECKS, ...WAREHOUSE_CHECKS, ...TABLE_CHECKS]);

export const LOGIN_CHECKS = checks<Observation>([
  {
    check: 'connection',
    why: 'Without a session nothing can be read or written.',
    look: (seen) => seen,
  },
]);

/** Diagnoses, one after another or several at once, and ends them when the store closes. */
export class AccountDiagnosis {
  readonly #inputs: AccountDiagnosisInputs;
  readonly #sessions = new Set<Session>();

  constructor(inputs: AccountDiagnosisInputs) {
    this.#inputs = inputs;
  }

  async run(): Promise<StoreDiagnosis> {
    const { runtime, options, opening, sessionParts } = this.#inputs;
    let connection: SnowflakeConnection | undefined;
    const { source } = sessionParts;
    const noted = async (given: ConnectionSource): Promise<SnowflakeConnection> => {
      return (connection = await (typeof given === 'function' ? given() : given));
    };
    const deadlineMs = Math.min(STATEMENT_MS, sessionParts.deadlineMs);
    const session = new Session({ ...sessionParts, deadlineMs, source: source && (() => noted(source)) });
    this.#sessions.add(session);
    try {
      const facts = await readFacts(session, () => runtime.wallMs());
      const { settings } = sessionParts;
      const parts = { session, facts, options, connection, settings };
      const context = new AccountContext({ ...parts, opening: { ...opening, sessions: [session] } });
      return await this.#examine(session, context);
    } catch (error) {
      const findings = await this.#checked(LOGIN_CHECKS, failureOf(storeError(error, sessionParts.secrets)));
      return { findings, counts: undefined, pods: undefined };
    } finally {
      this.#sessions.delete(session);
      await session.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  #checked<Context>(checks: readonly Check<Context>[], context: Context): Promise<Finding[]> {
    const { runtime, sessionParts } = this.#inputs;
    const redact = (text: string): string => sessionParts.secrets.redact(text);
    return runChecks(checks, context, { runtime, ...LIMITS, redact });
  }

  async #examine(session: Session, context: AccountContext): Promise<StoreDiagnosis> {
    const { runtime, opening } = this.#inputs;
    const place = opening.names.wholeSchema;
    const findings = [
      ...(await this.#checked(LOGIN_CHECKS, ok(`Signed in; the tables are in ${place}.`))),
      ...(await this.#checked(ACCOUNT_CHECKS, context)),
    ];
    const { statements } = opening;
    try {
      const counts = await new StepReads(statements.steps, session, runtime).stats();
      return { findings, counts, pods: (await session.run(statements.pods.fleet)).map(podOf) };
    } catch {
      return { findings, counts: undefined, pods: undefined }; // the checks of the tables say why
    }
  }
}
