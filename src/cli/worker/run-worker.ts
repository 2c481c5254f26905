/**
 * `fleet-q worker <module>`: runs the steps that a module exports, as a pod of the fleet.
 *
 * Invariants:
 * - Flags, variables and the module are checked before anything is opened.
 * - An error that nothing catches ends the process, as Node.js does by default. The log has it as a line of its own.
 *   So the pod is found dead, and a step that does this to every pod fails in the end.
 */
import { FleetQ, type AnyFleetQ, type Logger } from '../../index.js';
import { UsageError } from '../exit-codes.js';
import type { Environment } from '../io.js';
import { storeEnvironment, type StoreFlags } from '../store-option.js';
import { apiOptions, type ApiFlags } from './api-options.js';
import { loadModule, type Loaded } from './load-module.js';
import { runService } from './run-service.js';
import { serviceLog } from './service-log.js';

export interface WorkerFlags extends ApiFlags, StoreFlags {
  /** `false`: no HTTP API. */
  readonly http: boolean;
  readonly concurrency?: number;
}

/**
 * @returns the exit code
 * @throws UsageError, ValidationError, StoreError
 */
export async function runWorker(module: string, flags: WorkerFlags, env: Environment): Promise<number> {
  const log = serviceLog(env, process.stdout.isTTY);
  const api = flags.http ? apiOptions(flags, env) : undefined;
  const loaded = await loadModule(module).catch((error: unknown) => {
    log.debug({ error: (error as Error).cause }, 'why the module could not be loaded');
    throw error;
  });
  const queue = queueOf(loaded, flags, log, env);
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    log.error({ error, origin }, 'an error was not caught; the process ends with its steps unfinished');
  });
  log.info({ podId: queue.podId, module: loaded.url, ...typesOf(loaded) }, 'the worker starts');
  return runService({ queue, api, open: () => queue.start(), log });
}

function queueOf(loaded: Loaded, flags: WorkerFlags, log: Logger, env: Environment): AnyFleetQ {
  const { store, concurrency } = flags;
  if (loaded.queue === undefined) {
    const options = { steps: loaded.steps, logger: log, ...(concurrency !== undefined && { concurrency }) };
    return FleetQ.fromEnv(options, storeEnvironment(env, flags));
  }
  const flag = store !== undefined ? '--store' : concurrency !== undefined ? '--concurrency' : undefined;
  if (flag === undefined) return loaded.queue;
  throw new UsageError(`${flag} does not apply: the module exports a queue, which has options of its own`);
}

function typesOf({ steps }: Loaded): { readonly types?: readonly string[] } {
  return steps === undefined ? {} : { types: steps.map(({ type }) => type) };
}
