/**
 * The problem that an error of the library, or any other, becomes.
 *
 * Invariants:
 * - A field has the name that the client wrote.
 * - The message of the store's driver is not shown: it may name files, hosts and accounts.
 */
import { FleetQError, StoreError, SubmitIncompleteError, ValidationError } from '../index.js';
import { Problem, STATUS_OF } from './problem.js';

/** How long a client should wait before it repeats a request, in seconds. */
const RETRY_AFTER_SECONDS = 5;

/** @returns `undefined` if the error is unexpected: a bug, or an error of the host */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof ValidationError) return invalidValue(error);
  if (error instanceof SubmitIncompleteError) return incomplete(error);
  if (error instanceof StoreError) return storeProblem(error);
  if (!(error instanceof FleetQError)) return undefined;
  switch (error.code) {
    case 'STOPPED':
      return new Problem('STOPPED', 'this pod is stopping; send the request to another pod', { headers: retryLater() });
    case 'NOT_STARTED':
      return new Problem('NOT_STARTED', 'this process only submits; send the request to a pod that runs steps');
    default:
      return STATUS_OF[error.code] >= 500 ? undefined : new Problem(error.code, error.message);
  }
}

function retryLater(): Record<string, string> {
  return { 'retry-after': String(RETRY_AFTER_SECONDS) };
}

function invalidValue(error: ValidationError): Problem {
  const field = clientField(error.field);
  const problem = error.message.slice(`${error.field}: `.length);
  return new Problem(error.code, `${field}: ${problem}`, { field });
}

function storeProblem(error: StoreError): Problem {
  if (error.code === 'STORE_REFUSED')
    return new Problem(error.code, 'the store cannot hold a value of this step; the log of the pod says why');
  return error.transient
    ? new Problem(error.code, 'the store does not answer now; repeat the request later', { headers: retryLater() })
    : new Problem(error.code, 'the store cannot be used; the log of the pod says why');
}

function incomplete(error: SubmitIncompleteError): Problem {
  const detail = `the store failed after ${error.stepIds.length} steps, which step_ids names; submit the others again`;
  return new Problem(error.code, detail, { headers: retryLater(), members: { step_ids: error.stepIds } });
}

/** The path as the client knows it: without the name of the parameter, and in snake_case down to the user's own fields. */
function clientField(path: string): string {
  const [, own = '', users = ''] =
    /^(.*?)((?:\bargs|\bmetadata)\b.*)?$/s.exec(path.replace(/^(filter|options)\./, '')) ?? [];
  return own.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) + users;
}
