/** `fleet-q probe`: asks a probe of a pod, for exec probes. */
import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { timerValue } from '../duration-value.js';
import { EXIT } from '../exit-codes.js';
import type { Io } from '../io.js';
import { localUrl } from '../worker/api-options.js';
import { probe, PROBES, type Probe } from '../worker/probe.js';

interface Flags {
  readonly url?: URL;
  readonly timeout: number;
}

export function define(command: Command, io: Io): void {
  command
    .addArgument(new Argument('[probe]', 'Which probe.').choices(PROBES).default('readyz'))
    .addOption(
      new Option(
        '--url <url>',
        'The address of the API. Default: that of FLEET_Q_API_HOST and FLEET_Q_API_PORT.',
      ).argParser(address),
    )
    .addOption(new Option('--timeout <time>', 'How long to wait.').argParser(timerValue).default(2_000, '2s'))
    .addHelpText(
      'after',
      `
If the probe answers 200, the exit code is 0. Otherwise, or if there is no answer, it is 1. No token is needed, and
the store is not asked.

Examples:
  fleet-q probe livez
  fleet-q probe readyz --url http://127.0.0.1:9000/queue`,
    )
    .action(async (which: Probe, { url, timeout }: Flags) => {
      const { ok, what } = await probe(url ?? new URL(localUrl(io.env)), which, timeout);
      await io.stdout.line(what);
      if (!ok) io.exitCode = EXIT.failed;
    });
}

function address(text: string): URL {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new InvalidArgumentError('Expected an address such as http://127.0.0.1:8000.');
}
