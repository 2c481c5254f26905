/**
 * Ledgers: logs that the processes write beside the store, one line at a time and synchronously, so that a SIGKILL loses
 * nothing. Each life of a process has its own.
 */
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Entry {
  /** Epoch ms by the wall clock of the host. */
  readonly at: number;
  readonly what:
    // a pod: it has started; a handler has begun, and is about to return or to throw; receipts; its own end
    | 'ready'
    | 'began'
    | 'ended'
    | 'completed'
    | 'failed'
    | 'retrying'
    | 'released'
    | 'timedOut'
    | 'cancelled'
    | 'lost'
    | 'fenced'
    | 'evicted'
    | 'stalled'
    | 'stopped'
    // a submitter: before a call, and after its reply
    | 'submitting'
    | 'acknowledged'
    | 'cancelling'
    | 'retryingByHand'
    | 'answered'
    | 'waited'
    | 'refused'
    // the main program
    | 'started'
    | 'killed'
    | 'frozen'
    | 'resumed'
    | 'terminated'
    | 'locked'
    | 'exited'
    | 'hung'
    // any process: what must not happen
    | 'broken';
  readonly stepId?: string;
  readonly type?: string;
  readonly attempt?: number;
  /** Names one call of a handler: `<life>/<number>`. */
  readonly run?: string;
  readonly how?: string;
  readonly size?: number;
  readonly version?: number;
  /** Who submits, and the number of the submission; for steps of an idempotency key `key` and the key's number. */
  readonly origin?: string;
  readonly n?: number;
  readonly life?: string;
  readonly code?: number | null;
  readonly lastsMs?: number;
}

const SUFFIX = '.ledger';

export class Ledger {
  readonly #file: number;

  constructor(folder: string, life: string) {
    this.#file = openSync(path.join(folder, `${life}${SUFFIX}`), 'a');
  }

  write(what: Entry['what'], details: Omit<Entry, 'at' | 'what'> = {}): void {
    appendFileSync(this.#file, `${JSON.stringify({ at: Date.now(), what, ...details })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Reads a ledger. An unfinished last line is ignored. */
export function readLedger(folder: string, life: string): Entry[] {
  const text = readFileSync(path.join(folder, `${life}${SUFFIX}`), 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
}

/** The names of all ledgers of a folder. */
export function ledgersIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}
