/** `fleet-q worker <module>`: runs the steps of a module, as a pod of the fleet. */
import type { Command } from 'commander';
import { positiveNumber } from '../input/whole-number.js';
import type { Io } from '../io.js';
import { storeOption } from '../store-option.js';
import { apiFlagOptions } from '../worker/api-options.js';
import { endsProcess } from '../worker/ends-process.js';
import { runWorker, type WorkerFlags } from '../worker/run-worker.js';

export function define(command: Command, io: Io): void {
  const [host, port] = apiFlagOptions();
  command
    .argument('<module>', 'A file or a package that exports step definitions, or a queue.')
    .addOption(storeOption())
    .option(
      '--concurrency <number>',
      'How many steps run at the same time. Default: FLEET_Q_CONCURRENCY, else 8.',
      positiveNumber,
    )
    .addOption(host)
    .addOption(port)
    .option('--no-http', 'Serve no HTTP: no probes, no metrics, no API.')
    .addHelpText(
      'after',
      `
The module is an ES module, CommonJS, or TypeScript if Node.js can run it (22.18 or later). It exports step
definitions made with defineStep, or an array of them as the default export. The queue is then made from the
FLEET_Q_* variables. Or the module exports a queue, with its own store and options.

HTTP serves /livez, /readyz and /startupz to everybody. The API and /metrics need the bearer token of
FLEET_Q_API_TOKEN. Without a token it listens on a loopback address, and serves only this machine.

On SIGTERM or SIGINT the worker claims nothing more, lets running steps finish (for 25 s, or
FLEET_Q_DRAIN_TIMEOUT_SECONDS), gives the others back, and exits with 0. A second signal ends it at once.

Examples:
  fleet-q worker dist/steps.js
  fleet-q worker ./steps.ts --store sqlite:/var/lib/app/queue.db --port 9000
  FLEET_Q_API_TOKEN=... fleet-q worker dist/steps.js --host 0.0.0.0`,
    )
    .action((module: string, flags: WorkerFlags) => endsProcess(() => runWorker(module, flags, io.env)));
}
