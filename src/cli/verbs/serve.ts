/** `fleet-q serve`: the HTTP API of a queue that runs no steps. */
import type { Command } from 'commander';
import type { Io } from '../io.js';
import { storeOption } from '../store-option.js';
import { apiFlagOptions } from '../worker/api-options.js';
import { endsProcess } from '../worker/ends-process.js';
import { runServer, type ServerFlags } from '../worker/run-server.js';

export function define(command: Command, io: Io): void {
  const [host, port] = apiFlagOptions();
  command
    .addOption(storeOption())
    .addOption(host)
    .addOption(port)
    .addHelpText(
      'after',
      `
The API submits, shows, cancels and retries steps. The process runs none, and is not a pod of the fleet.
Every route except the probes needs the bearer token of FLEET_Q_API_TOKEN. Without a token it listens on a
loopback address, and serves only this machine.

Examples:
  FLEET_Q_API_TOKEN=... fleet-q serve --store sqlite:./fleet-q.db
  FLEET_Q_API_TOKEN=... fleet-q serve --host 0.0.0.0 --port 9000`,
    )
    .action((flags: ServerFlags) => endsProcess(() => runServer(flags, io.env)));
}
