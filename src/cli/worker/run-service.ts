/**
 * Runs a queue as a service, with its HTTP API, until a signal or the queue itself ends it: what `fleet-q worker` and
 * `fleet-q serve` have in common.
 *
 * Invariants:
 * - HTTP listens before the store is opened, so that the probes can say that the queue has not started. If it cannot
 *   listen, no step is claimed.
 * - HTTP listens until the queue has stopped: probes and late requests are answered during the drain.
 * - The first signal stops in order, the second ends the process at once.
 */
import { constants } from 'node:os';
import { stopOnSignals, type AnyFleetQ, type Logger } from '../../index.js';
import { openWithRetries } from './open-with-retries.js';
import { listen, type Listening } from './listen.js';
import type { ApiOptions } from './api-options.js';

export interface Service {
  readonly queue: AnyFleetQ;
  /** `undefined`: no HTTP. */
  readonly api: ApiOptions | undefined;
  /** Starts the queue, or only connects it. */
  readonly open: () => Promise<void>;
  readonly log: Logger;
}

/**
 * @returns the exit code: 0 if it was stopped in order; 1 if the pod has left the fleet and cannot come back, so that a
 * supervisor starts a new one
 * @throws what made it fail, after everything was closed
 */
export async function runService({ queue, api, open, log }: Service): Promise<number> {
  const ending = new Ending(queue, log);
  let server: Listening | undefined;
  try {
    if (api !== undefined) server = await listen(queue, api, log);
    ending.watch();
    await openWithRetries(open, log, ending.signal).catch((error: unknown) => {
      if (!ending.signal.aborted) throw error; // else the failure is what stopping does to a start
    });
    return await ending.code;
  } finally {
    ending.begin();
    await queue.stop();
    await close(server, log);
  }
}

async function close(server: Listening | undefined, log: Logger): Promise<void> {
  await server?.close().catch((error: unknown) => log.warn({ error }, 'the HTTP server could not be closed'));
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Finds out when the service ends, and with which exit code. */
class Ending {
  readonly code: Promise<number>;
  readonly #queue: AnyFleetQ;
  readonly #log: Logger;
  readonly #begun = new AbortController();
  #resolve: (code: number) => void = () => {};
  #signals = 0;

  constructor(queue: AnyFleetQ, log: Logger) {
    this.#queue = queue;
    this.#log = log;
    this.code = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Aborted as soon as the service begins to end. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  begin(): void {
    this.#begun.abort();
  }

  watch(): void {
    for (const signal of SIGNALS) process.on(signal, () => this.#onSignal(signal));
    // Registered like any other queue of the process: if the module stops queues of its own, all stop at the same time.
    // It never resolves, because the command ends the process itself, once HTTP is closed too.
    stopOnSignals(this.#queue, { signals: SIGNALS, onStopped: () => (this.#resolve(0), new Promise(() => {})) });
    this.#queue.on('queue:stopped', () => this.#resolve(0));
    this.#queue.on('pod:fenced', ({ podId, reason, recoverable }) => {
      if (recoverable || podId !== this.#queue.podId) return;
      this.#log.error({ podId, reason }, 'the pod has left the fleet permanently; stopping');
      this.begin();
      this.#resolve(1);
    });
  }

  #onSignal(signal: (typeof SIGNALS)[number]): void {
    this.#signals += 1;
    if (this.#signals === 1) {
      this.#log.info({ signal }, 'stopping: claims nothing more, and lets running steps finish');
      this.begin();
    } else {
      this.#log.warn({ signal }, 'ending at once: other pods take the steps that were running');
      process.exit(128 + constants.signals[signal]);
    }
  }
}
