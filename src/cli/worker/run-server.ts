/** `fleet-q serve`: the HTTP API of a queue that only submits and looks. */
import { FleetQ } from '../../index.js';
import type { Environment } from '../io.js';
import { storeEnvironment, type StoreFlags } from '../store-option.js';
import { apiOptions, type ApiFlags } from './api-options.js';
import { runService } from './run-service.js';
import { serviceLog } from './service-log.js';

export type ServerFlags = ApiFlags & StoreFlags;

/**
 * @returns the exit code
 * @throws UsageError, ValidationError, StoreError
 */
export async function runServer(flags: ServerFlags, env: Environment): Promise<number> {
  const log = serviceLog(env, process.stdout.isTTY);
  const api = apiOptions(flags, env);
  const queue = FleetQ.fromEnv({ logger: log }, storeEnvironment(env, flags));
  return runService({ queue, api, open: () => queue.connect(), log });
}
